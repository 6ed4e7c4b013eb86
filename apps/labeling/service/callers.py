"""Callers: who sends a request, checked for each request, and what their role allows in a project."""

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

from tiltyard.apps.labeling.api import API, ApiError
from tiltyard.apps.labeling.auth import Nonce, token_hash
from tiltyard.apps.labeling.auth.csrf import HEADER, SAFE
from tiltyard.apps.labeling.auth.rate_limits import client_address
from tiltyard.apps.labeling.auth.sessions import cookie_header
from tiltyard.apps.labeling.middleware import ON_REQUEST_END, RESPONSE_COOKIES, annotator_from_proxy
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.apps.labeling.service.service import LabelingService, service_of
from tiltyard.schemas.records import Access, Role

RANKS: Final[Mapping[Role, int]] = {"annotator": 0, "adjudicator": 1, "lead": 2}
BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sends a request: their current access in each project; ``nonce`` if a browser has logged in."""

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
        """Whether the caller's role includes another role."""
        return RANKS[self.role] >= RANKS[role]


async def visitor_of(request: Request) -> Visitor | None:
    """Who sends a request: by token, trusted proxy or session; None if unknown.

    A revoked access does not count, regardless of the session.
    """
    service = service_of(request)
    header = request.headers.get("authorization", "")
    if header.lower().startswith(BEARER):
        return await _by_token(service, request, header[len(BEARER) :].strip())
    name = annotator_from_proxy(request, service.settings.proxy_header, service.settings.trusted_proxies)
    if name is not None:
        accesses = await run_in_threadpool(service.accesses_of_name, name)
        return Visitor(accesses, _proxy_nonce(service, request, name)) if accesses else None
    session = service.sessions.read(request)
    if session is None or await service.ended.contains(session):
        return None
    ids = session.accesses
    accesses = service.cached_accesses(lambda project, found: found.by_id.get(ids.get(project, "")))
    accesses = accesses or await run_in_threadpool(service.accesses_of_session, ids)
    return Visitor(accesses, Nonce("session", session.nonce)) if accesses else None


def _proxy_nonce(service: LabelingService, request: Request, name: str) -> Nonce:
    """The nonce of one annotator in one browser, for CSRF tokens behind a proxy that logs in with every request.

    A response with a page sets the cookie if it is missing; the API does not, because no page would use the token.
    """
    nonce = service.proxy_nonces.read(request, name)
    if nonce is not None:
        return nonce
    nonce, value = service.proxy_nonces.make(name)
    if request.method in SAFE and not request.url.path.startswith(API):
        jar = service.proxy_nonces
        request.scope[RESPONSE_COOKIES].append(cookie_header(request, jar.cookie, value, seconds=jar.seconds))
    return nonce


async def accesses_of_token(service: LabelingService, request: Request, token: str) -> Mapping[str, Access]:
    """The current accesses of a token; ApiError with 429 after too many invalid ones from the same address.

    Only failures count: a valid token is accepted even after failures of others behind the same address.
    """
    hashed, address = token_hash(token), client_address(request)
    accesses = service.cached_accesses(lambda _, found: found.by_token_hash.get(hashed))
    if not accesses:
        asks = not service.logins.is_over(address)
        accesses = await run_in_threadpool(service.accesses_of_token, token, asks=asks)
    if not accesses:
        service.logins.hit(address)
    return accesses


async def _by_token(service: LabelingService, request: Request, token: str) -> Visitor | None:
    """The visitor with a token; invalid tokens count as failed logins."""
    accesses = await accesses_of_token(service, request, token)
    return Visitor(accesses, None) if accesses else None


async def api_visitor(request: Request) -> Visitor:
    """A visitor of the API; ApiError if unknown or over the rate limit."""
    service = service_of(request)
    visitor = await visitor_of(request)
    if visitor is None:
        service.requests.hit(client_address(request))
        raise ApiError(401, "not logged in; log in, or send your token as 'Authorization: Bearer TOKEN'")
    annotator = next(iter(visitor.accesses.values())).annotator
    service.requests.hit(annotator)
    request.scope[ON_REQUEST_END].append(service.at_once.take(annotator))
    _refuse_unknown_parameters(request)
    return visitor


def _refuse_unknown_parameters(request: Request) -> None:
    """Refuse unknown query parameters: FastAPI would ignore a misspelled one silently."""
    if not request.query_params:
        return
    route = request.scope.get("route")
    declared = get_flat_params(route.dependant) if isinstance(route, APIRoute) else []
    known = {field.alias for field in declared if isinstance(field.field_info, Query)}
    for name in request.query_params:
        if name not in known:
            raise ApiError(
                422,
                f"unknown parameter {name[:100]!r}; this path has: {', '.join(sorted(known)) or 'none'}",
                f"query.{name}",
            )


def require_csrf_token(request: Request, visitor: Visitor, token: str | None) -> None:
    """Refuse a state-changing request without a valid CSRF token.

    A request with an access token needs none: a browser never adds that header by itself.
    """
    if request.method in SAFE or visitor.nonce is None:
        return
    if not service_of(request).csrf.is_valid(visitor.nonce, token):
        raise ApiError(403, f"the CSRF token is missing or expired; reload the page (header {HEADER})", "csrf")


def caller_in(request: Request, visitor: Visitor, project: str, role: Role) -> Caller:
    """The visitor in one project; ApiError if they have no access to it, or their role is not sufficient."""
    access = visitor.accesses.get(project)
    if access is None:
        raise ApiError(404, "no such project, or you have no access to it", "path.project")
    caller = Caller(access.annotator, access.role, service_of(request).projects[project], visitor.nonce)
    if not caller.may(role):
        raise ApiError(403, f"this needs the role {role}; your role is {access.role}")
    return caller


@cache
def caller(role: Role, *, token_in_body: bool = False) -> Callable[..., object]:
    """A FastAPI dependency: the caller of a route, whose role must include ``role``.

    ``token_in_body`` is for requests that browsers send while a page closes, which cannot have headers: the route
    checks the CSRF token in the body.
    """

    async def find(request: Request, project: str, visitor: Annotated[Visitor, Depends(api_visitor)]) -> Caller:
        found = caller_in(request, visitor, project, role)
        if not token_in_body:
            require_csrf_token(request, visitor, request.headers.get(HEADER))
        return found

    return find


Visiting = Annotated[Visitor, Depends(api_visitor)]
Annotator = Annotated[Caller, Depends(caller("annotator"))]
Adjudicator = Annotated[Caller, Depends(caller("adjudicator"))]
Lead = Annotated[Caller, Depends(caller("lead"))]
Leaving = Annotated[Caller, Depends(caller("annotator", token_in_body=True))]
