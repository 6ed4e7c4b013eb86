"""Logging in and out."""

from collections.abc import Mapping
from secrets import token_urlsafe
from typing import Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from apps.labeling.callers import visitor_of
from apps.labeling.csrf import FIELD
from apps.labeling.failures import Refusal
from apps.labeling.limits import address_of
from apps.labeling.oidc import COOKIE, NotVouchedFor, OpenIdLogin
from apps.labeling.pages import page
from apps.labeling.reading import refuse_other_types
from apps.labeling.service import LabelingService, service_of
from apps.labeling.sessions import set_cookie
from schemas.records import Access

BEFORE: Final = "tiltyard_login"
"""A cookie of the log-in page alone, so that no other site can log a browser in as somebody else."""

MINUTES: Final = 60
FORM: Final = "application/x-www-form-urlencoded"
router = APIRouter(include_in_schema=False)


@router.get("/login")
async def show_login(request: Request, next: str = "/") -> Response:
    """The page that asks for a token."""
    return _login_page(request, next, "")


@router.post("/login")
async def login(request: Request) -> Response:
    """Begin a session with a token."""
    service = service_of(request)
    refuse_other_types(request, FORM)
    form = await request.form()
    nonce, onward = request.cookies.get(BEFORE), str(form.get("next", "/"))
    service.logins.check(address_of(request))
    if nonce is None or not service.csrf.holds(nonce, text_of(form.get(FIELD))):
        return _login_page(request, onward, "The page was open for too long; try once more.", 403)
    accesses = await run_in_threadpool(service.of_token, (text_of(form.get("token")) or "").strip())
    if not accesses:
        # Only what fails is counted: a team behind one address logs in every morning.
        service.logins.hit(address_of(request))
        return _login_page(request, onward, "This token is not known, or was revoked.", 401)
    return logged_in(request, accesses, onward)


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session."""
    service = service_of(request)
    refuse_other_types(request, FORM)
    visitor = await visitor_of(request)
    form = await request.form()
    if visitor is not None and visitor.nonce and not service.csrf.holds(visitor.nonce, text_of(form.get(FIELD))):
        raise Refusal(403, "the page's proof is missing or old; load the page again", "csrf")
    response = RedirectResponse("/login", 303)
    service.sessions.end(request, response)
    return response


def logged_in(request: Request, accesses: Mapping[str, Access], onward: str) -> Response:
    """The answer to a log-in that succeeded: a fresh session, and on to the page that was wanted."""
    response = RedirectResponse(own_path(onward), 303)
    ids = {name: access.access_id for name, access in accesses.items()}
    service_of(request).sessions.begin(request, response, ids)
    response.delete_cookie(BEFORE)
    return response


def own_path(wanted: str) -> str:
    """A path of ours; the first page instead of anything that might lead elsewhere.

    >>> own_path("/p/bank/"), own_path("//evil.test"), own_path("https://evil.test"), own_path("/\\\\evil.test")
    ('/p/bank/', '/', '/', '/')
    """
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if is_ours and "\\" not in wanted else "/"


def _login_page(request: Request, onward: str, problem: str, status: int = 200) -> Response:
    """The log-in page, with the cookie that its form is proved by."""
    service = service_of(request)
    nonce = request.cookies.get(BEFORE) or token_urlsafe(16)
    context = {
        "next": own_path(onward),
        "problem": problem,
        "oidc": service.settings.oidc_issuer is not None,
        "csrf": service.csrf.proof_of(nonce),
    }
    response = page("login.html", context, status)
    set_cookie(request, response, BEFORE, nonce, seconds=MINUTES * 60)
    return response


def text_of(value: object) -> str | None:
    """A form's field, if it is text."""
    return value if isinstance(value, str) else None


@router.get("/login/oidc")
async def begin_oidc(request: Request, next: str = "/") -> Response:
    """Send the browser to the OpenID provider."""
    service = service_of(request)
    service.requests.hit(address_of(request))
    provider = _provider(service)
    try:
        return await provider.begin(request, own_path(next))
    except NotVouchedFor as error:
        return _login_page(request, next, str(error), 502)


@router.get("/login/oidc/callback", name="oidc_callback")
async def end_oidc(request: Request) -> Response:
    """Take up who the provider says it is, if they have access."""
    service = service_of(request)
    service.logins.check(address_of(request))
    try:
        name, onward = await _provider(service).end(request)
    except NotVouchedFor as error:
        service.logins.hit(address_of(request))
        return _login_page(request, "/", str(error), 401)
    accesses = await run_in_threadpool(service.of_name, name)
    if not accesses:
        return _login_page(request, onward, f"{name} has no access yet; the lead can give it.", 403)
    response = logged_in(request, accesses, own_path(onward))
    response.delete_cookie(COOKIE)
    return response


def _provider(service: LabelingService) -> OpenIdLogin:
    """The provider, where one is agreed upon."""
    if service.openid is None:
        raise Refusal(404, "this server knows no OpenID provider")
    return service.openid
