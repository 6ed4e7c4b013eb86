"""Callers: who sends a request, found out anew each time, and what their role allows in a project."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final

from fastapi import Depends
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tiltyard.apps.labeling.api.errors import API, ApiError
from tiltyard.apps.labeling.auth.csrf import HEADER, SAFE, Nonce
from tiltyard.apps.labeling.auth.rate_limits import client_address
from tiltyard.apps.labeling.auth.sessions import cookie_header
from tiltyard.apps.labeling.auth.tokens import token_hash
from tiltyard.apps.labeling.middleware.body_limit import ON_REQUEST_END
from tiltyard.apps.labeling.middleware.proxy import annotator_from_proxy
from tiltyard.apps.labeling.middleware.security_headers import RESPONSE_COOKIES
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.apps.labeling.service.service import LabelingService, service_of
from tiltyard.schemas.records import Access, Role

RANKS: Final[Mapping[Role, int]] = {"annotator": 0, "adjudicator": 1, "lead": 2}
BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sends a request: their standing access in each project; ``nonce`` where the browser logged them in."""

    accesses: Mapping[str, Access]
    nonce: Nonce | None


@dataclass(frozen=True, slots=True)
class Caller:
    """A visitor in one project."""

    annotator: str
    role: Role
    served: ServedProject
    nonce: Nonce | None

    def may(self, role: Role) -> bool:
        """Whether the caller's role reaches another."""
        return RANKS[self.role] >= RANKS[role]


async def visitor_of(request: Request) -> Visitor | None:
    """Who sends a request: by token, by a trusted proxy's word, or by session; none for strangers.

    A revoked access is no access, however old the session.
    """
    service = service_of(request)
    header = request.headers.get("authorization", "")
    if header.lower().startswith(BEARER):
        return await _by_token(service, request, header[len(BEARER) :].strip())
    name = annotator_from_proxy(request, service.settings.proxy_header, service.settings.trusted_proxies)
    if name is not None:
        accesses = await run_in_threadpool(service.of_name, name)
        return Visitor(accesses, _proxy_nonce(service, request, name)) if accesses else None
    session = service.sessions.read(request)
    if session is None or await service.ended.holds(session):
        return None
    ids = session.accesses
    accesses = service.remembered(lambda project, standing: standing.by_id.get(ids.get(project, "")))
    accesses = accesses or await run_in_threadpool(service.of_session, ids)
    return Visitor(accesses, Nonce("session", session.nonce)) if accesses else None


def _proxy_nonce(service: LabelingService, request: Request, name: str) -> Nonce:
    """What proves that a page is ours where a proxy logs in with every request: a nonce for one name in one browser.

    The answer to a page that has none yet brings it one; to the API it is of no use, because no page shows its proof.
    """
    known = service.proxy_nonces.read(request, name)
    if known is not None:
        return known
    nonce, value = service.proxy_nonces.make(name)
    if request.method in SAFE and not request.url.path.startswith(API):
        jar = service.proxy_nonces
        request.scope[RESPONSE_COOKIES].append(cookie_header(request, jar.cookie, value, seconds=jar.seconds))
    return nonce


async def accesses_of_token(service: LabelingService, request: Request, token: str) -> Mapping[str, Access]:
    """The standing accesses of a token; Refusal with 429 when too many wrong ones came from its address.

    What fails is counted and nothing else: a token that is right is let in, whatever others behind the same address
    have tried.
    """
    hashed, address = token_hash(token), client_address(request)
    accesses = service.remembered(lambda _, standing: standing.by_token_hash.get(hashed))
    if not accesses:
        asks = not service.logins.is_over(address)
        accesses = await run_in_threadpool(service.of_token, token, asks=asks)
    if not accesses:
        service.logins.hit(address)
    return accesses


async def _by_token(service: LabelingService, request: Request, token: str) -> Visitor | None:
    """The visitor with a token; wrong ones are counted like failed log-ins."""
    accesses = await accesses_of_token(service, request, token)
    return Visitor(accesses, None) if accesses else None


async def api_visitor(request: Request) -> Visitor:
    """A visitor of the API: known, not too fast, with the proof that a page of ours asks; else Refusal."""
    service = service_of(request)
    visitor = await visitor_of(request)
    if visitor is None:
        service.requests.hit(client_address(request))
        raise ApiError(401, "log in first, or send your token as 'Authorization: Bearer TOKEN'")
    annotator = next(iter(visitor.accesses.values())).annotator
    service.requests.hit(annotator)
    request.scope[ON_REQUEST_END].append(service.at_once.take(annotator))
    _refuse_unknown_parameters(request)
    return visitor


def _refuse_unknown_parameters(request: Request) -> None:
    """Refuse parameters that the route does not know: a misspelt one would be ignored without a word."""
    if not request.query_params:
        return
    route = request.scope.get("route")
    declared = get_flat_params(route.dependant) if isinstance(route, APIRoute) else []
    known = {field.alias for field in declared if isinstance(field.field_info, Query)}
    for name in request.query_params:
        if name not in known:
            raise ApiError(422, f"unknown parameter; known here: {', '.join(sorted(known)) or 'none'}", f"query.{name}")


def refuse_foreign_page(request: Request, visitor: Visitor, proof: str | None) -> None:
    """Refuse what changes something and carries no proof that it comes from a page of ours.

    A token in the header is proof itself: no browser sends it by itself.
    """
    if request.method in SAFE or visitor.nonce is None:
        return
    if not service_of(request).csrf.holds(visitor.nonce, proof):
        raise ApiError(403, f"the page's proof is missing or old; load the page again (header {HEADER})", "csrf")


def caller_in(request: Request, visitor: Visitor, project: str, role: Role) -> Caller:
    """The visitor in one project; Refusal when they are not of it, or their role does not reach."""
    access = visitor.accesses.get(project)
    if access is None:
        raise ApiError(404, "no such project, or you have no access to it", "path.project")
    caller = Caller(access.annotator, access.role, service_of(request).projects[project], visitor.nonce)
    if not caller.may(role):
        raise ApiError(403, f"this is for the role {role}; yours is {access.role}")
    return caller


@cache
def caller(role: Role, *, proof_in_body: bool = False) -> Callable[..., object]:
    """A dependency that gives the caller of a route, whose role must reach ``role``.

    ``proof_in_body`` is for what browsers send while a page closes: it cannot bear a header.
    """

    async def find(request: Request, project: str, visitor: Annotated[Visitor, Depends(api_visitor)]) -> Caller:
        found = caller_in(request, visitor, project, role)
        if not proof_in_body:
            refuse_foreign_page(request, visitor, request.headers.get(HEADER))
        return found

    return find


Visiting = Annotated[Visitor, Depends(api_visitor)]
Annotator = Annotated[Caller, Depends(caller("annotator"))]
Adjudicator = Annotated[Caller, Depends(caller("adjudicator"))]
Lead = Annotated[Caller, Depends(caller("lead"))]
Leaving = Annotated[Caller, Depends(caller("annotator", proof_in_body=True))]
