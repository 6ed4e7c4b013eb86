"""The application: routes, limits and headers over the projects that are served."""

import logging
import mimetypes
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from tiltyard.apps.labeling.api.errors import (
    ApiError,
    ErrorResponse,
    error_response,
    from_request_validation,
    status_code,
)
from tiltyard.apps.labeling.api.request_body import body_schemas
from tiltyard.apps.labeling.api.responses import HealthResponse
from tiltyard.apps.labeling.auth.secret import load_secret
from tiltyard.apps.labeling.middleware.body_limit import BodyLimit, body_allowances
from tiltyard.apps.labeling.middleware.origins import SameOrigin
from tiltyard.apps.labeling.middleware.proxy import RecordPeer
from tiltyard.apps.labeling.middleware.security_headers import SecurityHeaders, add_headers
from tiltyard.apps.labeling.notifications.dispatcher import Dispatcher
from tiltyard.apps.labeling.rendering.templates import FOLDER
from tiltyard.apps.labeling.routes import adjudication as adjudication_routes
from tiltyard.apps.labeling.routes import import_export as exchange_routes
from tiltyard.apps.labeling.routes import lead_pages as lead_page_routes
from tiltyard.apps.labeling.routes import leads as lead_routes
from tiltyard.apps.labeling.routes import login as login_routes
from tiltyard.apps.labeling.routes import pages as page_routes
from tiltyard.apps.labeling.routes import pictures as picture_routes
from tiltyard.apps.labeling.routes import queue as queue_routes
from tiltyard.apps.labeling.service.service import LabelingService
from tiltyard.schemas.errors import TiltyardError, Unavailable
from tiltyard.schemas.project.labeling import LabelingSettings
from tiltyard.schemas.redaction import redact_logs
from tiltyard.workspace.workspace import utc_now

LOG: Final = logging.getLogger("tiltyard.labeling")
VERSION: Final = "/api/v1"
SWITCH_SECONDS: Final = 0.0001
ROUTERS: Final = (
    queue_routes.router,
    picture_routes.router,
    adjudication_routes.router,
    lead_routes.router,
    exchange_routes.router,
)
PAGES: Final = (login_routes.router, page_routes.router, lead_page_routes.router)
KINDS: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ErrorResponse, "description": about}
    for status, about in {
        401: "nobody is logged in",
        403: "the role does not reach, or the page's proof is missing",
        404: "there is no such thing for the caller",
        408: "the body took too long",
        409: "it contradicts what is stored",
        413: "the body is too large",
        415: "another content type is wanted",
        422: "a parameter or the body does not fit",
        429: "too many requests; see Retry-After",
        503: "nothing was stored; try again, see Retry-After",
    }.items()
}


def create_app(
    projects: Sequence[Path],
    settings: LabelingSettings,
    clock: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """The labeling queue of some projects as an ASGI application.

    Raises ProjectFileError for a project that cannot be served, LedgerError when there is no secret to sign
    sessions with.
    """
    redact_logs()
    service = LabelingService(projects, settings, load_secret(projects, settings), clock)
    app = FastAPI(
        title="Tiltyard labeling queue",
        version="1",
        openapi_url=f"{VERSION}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        middleware=_middleware(settings),
        redirect_slashes=False,
    )
    app.state.service = service
    app.state.dispatcher = Dispatcher(service)
    _add_routes(app)
    _add_answers_to_failures(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the first request needs, and store and seal everything at the end."""
    service: LabelingService = app.state.service
    dispatcher: Dispatcher = app.state.dispatcher
    # The writer computes while the event loop answers: with Python's 5 ms a turn, each would keep the other waiting.
    sys.setswitchinterval(SWITCH_SECONDS)
    await run_in_threadpool(service.warm)
    dispatcher.start()
    yield
    await run_in_threadpool(dispatcher.stop)
    await run_in_threadpool(service.close)


def _middleware(settings: LabelingSettings) -> list[Middleware]:
    """What every request passes, outermost first."""
    trusted = [str(network) for network in settings.trusted_proxies]

    return [
        Middleware(RecordPeer),
        *([Middleware(ProxyHeadersMiddleware, trusted_hosts=trusted)] if trusted else []),
        Middleware(SecurityHeaders),
        Middleware(SameOrigin, origins=settings.origins),
        Middleware(BodyLimit, allowed=body_allowances(settings)),
    ]


def _add_routes(app: FastAPI) -> None:
    """Put the API, the pages and the static files together."""
    api = APIRouter(prefix=VERSION, responses=ANSWERS)
    for router in ROUTERS:
        api.include_router(router)
    app.include_router(api)
    for pages in PAGES:
        app.include_router(pages)
    app.add_api_route("/health", _health, tags=["server"])
    for ending, kind in KINDS.items():
        # What a browser is told must not hang on the machine's own list: with nosniff it takes nothing else.
        mimetypes.add_type(kind, ending)
    # Only what is the same for everybody is compressed: the length of a page with a secret in it may tell the secret.
    static = GZipMiddleware(StaticFiles(directory=FOLDER / "static"), minimum_size=500)
    app.mount("/static", static, name="static")
    _describe_bodies(app)


async def _health() -> HealthResponse:
    """Whether the server answers."""
    return HealthResponse()


def _describe_bodies(app: FastAPI) -> None:
    """Add the bodies that routes read by themselves to the OpenAPI document."""
    write = app.openapi

    def openapi() -> dict[str, Any]:
        document = write()
        document["components"]["schemas"] |= body_schemas()
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document


def _add_answers_to_failures(app: FastAPI) -> None:
    """Answer every failure with one sentence: as JSON under /api, as a page elsewhere."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(TiltyardError, _mistake)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(page_routes.LoginRequired, _log_in_first)
    app.add_exception_handler(Exception, _fault)


def _told(request: Request, status: int, error: str, where: str | None, headers: dict[str, str] | None) -> Response:
    """A failure where programs or people look for it."""
    return error_response(request.url.path, status, error, where, headers)


async def _http(request: Request, error: Exception) -> Response:
    """A refusal, ours or the framework's."""
    assert isinstance(error, HTTPException)
    where = error.where if isinstance(error, ApiError) else None
    return _told(request, error.status_code, str(error.detail), where, dict(error.headers or {}))


async def _validation(request: Request, error: Exception) -> Response:
    """Parameters that do not fit."""
    assert isinstance(error, RequestValidationError)
    return await _http(request, from_request_validation(error))


async def _mistake(request: Request, error: Exception) -> Response:
    """A mistake of the caller that a rule or the ledger found."""
    assert isinstance(error, TiltyardError)
    status = status_code(error)
    return _told(request, status, str(error), None, {"Retry-After": "2"} if status == 503 else None)


async def _unavailable(request: Request, error: Exception) -> Response:
    """A ledger that could not be written."""
    return _told(request, 503, str(error), None, {"Retry-After": "2"})


async def _log_in_first(request: Request, _error: Exception) -> Response:
    """A page for those who are logged in."""
    return page_routes.redirect_to_login(request)


async def _fault(request: Request, error: Exception) -> Response:
    """A fault of ours: logged here, told without its inside."""
    LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    response = _told(request, 500, "this is a fault of ours; it was logged", None, None)
    # This answer is given outside the middleware that puts the headers on all others.
    add_headers(MutableHeaders(raw=response.raw_headers), request.url.path)
    return response
