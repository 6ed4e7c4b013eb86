"""Login and logout."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiltyard.apps.labeling.api import ApiError, require_content_type
from tiltyard.apps.labeling.auth import Nonce
from tiltyard.apps.labeling.auth.csrf import FIELD
from tiltyard.apps.labeling.auth.oidc import COOKIE, LoginFailed, OpenIdLogin
from tiltyard.apps.labeling.auth.rate_limits import client_address
from tiltyard.apps.labeling.auth.sessions import set_cookie
from tiltyard.apps.labeling.rendering import render_page
from tiltyard.apps.labeling.service import LabelingService, service_of
from tiltyard.apps.labeling.service.callers import accesses_of_token
from tiltyard.schemas.canonical import sha256_of
from tiltyard.schemas.records import Access

FORM: Final = "application/x-www-form-urlencoded"
router = APIRouter(include_in_schema=False)


@router.get("/login")
async def show_login(request: Request, next: str = "/") -> Response:
    """The login page."""
    return _login_page(request, next, "")


@router.post("/login")
async def login(request: Request) -> Response:
    """Start a session with a token."""
    service = service_of(request)
    require_content_type(request, FORM)
    form = await request.form()
    nonce, onward = service.login_nonces.read(request), str(form.get("next", "/"))
    if nonce is None or not service.csrf.is_valid(nonce, form_text(form.get(FIELD))):
        return _login_page(request, onward, "This page has expired. Enter your token again.", 403)
    accesses = await accesses_of_token(service, request, (form_text(form.get("token")) or "").strip())
    if not accesses:
        return _login_page(
            request, onward, "This token is unknown or revoked. Check it, or ask the project lead for a new one.", 401
        )
    return await start_session(request, accesses, onward)


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session: no copy of its cookie works any more."""
    service = service_of(request)
    require_content_type(request, FORM)
    form = await request.form()
    session = service.sessions.read(request)
    if session is not None and not await service.ended.contains(session):
        if not service.csrf.is_valid(Nonce("session", session.nonce), form_text(form.get(FIELD))):
            raise ApiError(403, "the CSRF token is missing or expired; reload the page", "csrf")
        await service.ended.end(session)
    response = RedirectResponse("/login", 303)
    service.sessions.clear(request, response)
    return response


async def start_session(request: Request, accesses: Mapping[str, Access], onward: str) -> Response:
    """The response to a successful login: a new session and a redirect to the requested page."""
    response = RedirectResponse(safe_redirect_path(onward), 303)
    service = service_of(request)
    before = service.sessions.read(request)
    if before is not None and not await service.ended.contains(before):
        await service.ended.end(before)
    ids = {name: access.access_id for name, access in accesses.items()}
    service.sessions.begin(request, response, ids)
    response.delete_cookie(service.login_nonces.cookie)
    return response


def safe_redirect_path(wanted: str) -> str:
    """A path on this server; the start page instead of anything that could lead to another site.

    >>> [safe_redirect_path(one) for one in ("/p/bank/", "//evil.test", "https://evil.test", "/\\\\evil.test")]
    ['/p/bank/', '/', '/', '/']
    """
    is_local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if is_local and "\\" not in wanted else "/"


def _login_page(request: Request, onward: str, problem: str, status: int = 200) -> Response:
    """The login page with its nonce cookie; the nonce is always made by this server."""
    service = service_of(request)
    nonce, fresh = service.login_nonces.read(request), None
    if nonce is None:
        nonce, fresh = service.login_nonces.make()
    context = {
        "next": safe_redirect_path(onward),
        "problem": problem,
        "oidc": service.settings.oidc_issuer is not None,
        "csrf": service.csrf.token_of(nonce),
    }
    response = render_page("shared/login.html", context, status)
    if fresh is not None:
        set_cookie(request, response, service.login_nonces.cookie, fresh, seconds=service.login_nonces.seconds)
    return response


def form_text(value: object) -> str | None:
    """The value of a form field if it is text, else None."""
    return value if isinstance(value, str) else None


@router.get("/login/oidc")
async def begin_oidc(request: Request, next: str = "/") -> Response:
    """Send the browser to the OpenID provider."""
    service = service_of(request)
    service.requests.hit(client_address(request))
    provider = _provider(service)
    try:
        return await provider.start(request, safe_redirect_path(next))
    except LoginFailed as error:
        return _login_page(request, next, str(error), 502)


@router.get("/login/oidc/callback", name="oidc_callback")
async def end_oidc(request: Request) -> Response:
    """Log in the user whom the provider confirms, if they have access."""
    service = service_of(request)
    # Failures count per started login, so that others behind the same address are not affected.
    attempt = f"{client_address(request)} {sha256_of(request.cookies.get(COOKIE, ''))}"
    service.logins.refuse_over(attempt)
    try:
        name, onward = await _provider(service).finish(request)
    except LoginFailed as error:
        service.logins.hit(attempt)
        return _login_page(request, "/", str(error), 401)
    accesses = await run_in_threadpool(service.accesses_of_name, name)
    if not accesses:
        return _login_page(request, onward, f"{name} has no access yet. Ask the project lead.", 403)
    response = await start_session(request, accesses, safe_redirect_path(onward))
    response.delete_cookie(COOKIE)
    return response


def _provider(service: LabelingService) -> OpenIdLogin:
    """The configured provider; ApiError with 404 if there is none."""
    if service.openid is None:
        raise ApiError(404, "this server has no OpenID provider; log in with a token")
    return service.openid
