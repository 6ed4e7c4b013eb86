"""The application: routes, middleware and error responses for the served projects."""

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

from tiltyard.apps.labeling.api import ApiError, ErrorResponse, error_response
from tiltyard.apps.labeling.api.errors import from_request_validation, status_code
from tiltyard.apps.labeling.api.request_body import body_schemas
from tiltyard.apps.labeling.api.responses import HealthResponse
from tiltyard.apps.labeling.auth import load_secret
from tiltyard.apps.labeling.middleware import BodyLimit, RecordPeer, SameOrigin, SecurityHeaders, body_allowances
from tiltyard.apps.labeling.middleware.security_headers import add_headers
from tiltyard.apps.labeling.notifications import Dispatcher
from tiltyard.apps.labeling.rendering import FOLDER
from tiltyard.apps.labeling.routes import adjudication as adjudication_routes
from tiltyard.apps.labeling.routes import import_export as exchange_routes
from tiltyard.apps.labeling.routes import lead_pages as lead_page_routes
from tiltyard.apps.labeling.routes import leads as lead_routes
from tiltyard.apps.labeling.routes import login as login_routes
from tiltyard.apps.labeling.routes import pages as page_routes
from tiltyard.apps.labeling.routes import pictures as picture_routes
from tiltyard.apps.labeling.routes import queue as queue_routes
from tiltyard.apps.labeling.service import LabelingService
from tiltyard.schemas.errors import TiltyardError, Unavailable
from tiltyard.schemas.labeling_settings import LabelingSettings
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
ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ErrorResponse, "description": about}
    for status, about in {
        401: "not logged in",
        403: "the role is not sufficient, or the CSRF token is missing",
        404: "not found, or not visible to the caller",
        408: "the body did not arrive in time",
        409: "conflict with the stored data",
        413: "the body is too large",
        415: "wrong content type",
        422: "a parameter or the body is invalid",
        429: "too many requests; see Retry-After",
        503: "nothing was stored; send it again, see Retry-After",
    }.items()
}


def create_app(
    projects: Sequence[Path],
    settings: LabelingSettings,
    clock: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """The labeling queue of some projects as an ASGI application.

    Raises ProjectFileError for a project that cannot be opened, TiltyardError if there is no secret for sessions.
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
    _add_error_handlers(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Warm up before the first request; store and seal everything at shutdown."""
    service: LabelingService = app.state.service
    dispatcher: Dispatcher = app.state.dispatcher
    # The writer thread and the event loop share the interpreter: Python's 5 ms interval would delay each response.
    sys.setswitchinterval(SWITCH_SECONDS)
    await run_in_threadpool(service.warm)
    dispatcher.start()
    yield
    await run_in_threadpool(dispatcher.stop)
    await run_in_threadpool(service.close)


def _middleware(settings: LabelingSettings) -> list[Middleware]:
    """The middleware of every request, outermost first."""
    trusted = [str(network) for network in settings.trusted_proxies]

    return [
        Middleware(RecordPeer),
        *([Middleware(ProxyHeadersMiddleware, trusted_hosts=trusted)] if trusted else []),
        Middleware(SecurityHeaders),
        Middleware(SameOrigin, origins=settings.origins),
        Middleware(BodyLimit, allowed=body_allowances(settings)),
    ]


def _add_routes(app: FastAPI) -> None:
    """Add the API, the pages and the static files."""
    api = APIRouter(prefix=VERSION, responses=ERRORS)
    for router in ROUTERS:
        api.include_router(router)
    app.include_router(api)
    for pages in PAGES:
        app.include_router(pages)
    app.add_api_route("/health", _health, tags=["server"])
    for ending, kind in KINDS.items():
        # Content types must not depend on the machine's list: with nosniff a browser accepts only the right ones.
        mimetypes.add_type(kind, ending)
    # Only static files are compressed: the compressed length of a page with a secret can leak the secret.
    static = GZipMiddleware(StaticFiles(directory=FOLDER / "static"), minimum_size=500)
    app.mount("/static", static, name="static")
    _describe_bodies(app)


async def _health() -> HealthResponse:
    """Whether the server is up."""
    return HealthResponse()


def _describe_bodies(app: FastAPI) -> None:
    """Add the bodies that routes read with ``read_json`` to the OpenAPI document."""
    write = app.openapi

    def openapi() -> dict[str, Any]:
        document = write()
        document["components"]["schemas"] |= body_schemas()
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document


def _add_error_handlers(app: FastAPI) -> None:
    """Turn every error into one sentence: JSON under /api, a page elsewhere."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(TiltyardError, _tiltyard_error)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(page_routes.LoginRequired, _login_required)
    app.add_exception_handler(Exception, _internal_error)


def _respond(request: Request, status: int, error: str, where: str | None, headers: dict[str, str] | None) -> Response:
    """An error as JSON or as a page."""
    return error_response(request.url.path, status, error, where, headers)


async def _http(request: Request, error: Exception) -> Response:
    """An HTTP error of a route or of the framework."""
    assert isinstance(error, HTTPException)
    where = error.where if isinstance(error, ApiError) else None
    return _respond(request, error.status_code, str(error.detail), where, dict(error.headers or {}))


async def _validation(request: Request, error: Exception) -> Response:
    """Invalid parameters."""
    assert isinstance(error, RequestValidationError)
    return await _http(request, from_request_validation(error))


async def _tiltyard_error(request: Request, error: Exception) -> Response:
    """An error of the caller that a capability or the ledger found."""
    assert isinstance(error, TiltyardError)
    status = status_code(error)
    return _respond(request, status, str(error), None, {"Retry-After": "2"} if status == 503 else None)


async def _unavailable(request: Request, error: Exception) -> Response:
    """The ledger could not be written."""
    return _respond(request, 503, str(error), None, {"Retry-After": "2"})


async def _login_required(request: Request, _error: Exception) -> Response:
    """A page that needs a login."""
    return page_routes.redirect_to_login(request)


async def _internal_error(request: Request, error: Exception) -> Response:
    """A bug in Tiltyard: logged here, without details in the response."""
    LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    response = _respond(request, 500, "internal error, a bug in Tiltyard; the server's log has the details", None, None)
    # This response does not pass the middleware that adds the headers to all others.
    add_headers(MutableHeaders(raw=response.raw_headers), request.url.path)
    return response
