"""Error responses: one sentence with the field that it is about, as JSON for programs and as a page for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from tiltyard.apps.labeling.rendering import render_page
from tiltyard.schemas.errors import AnnotationError, NotFound, ObjectError, ProjectFileError, TiltyardError, Unavailable
from tiltyard.schemas.redaction import redacted

API = "/api/"


class ErrorResponse(BaseModel):
    """What was wrong, and where."""

    error: str = Field(description="one sentence: what was wrong and what to do")
    where: str | None = Field(None, description="the field or parameter with the error")


class ApiError(HTTPException):
    """A request that the server refuses, with a status, a sentence and the field that it is about."""

    def __init__(self, status: int, error: str, where: str | None = None, retry_after: int | None = None) -> None:
        """Refuse a request; ``retry_after`` is in seconds."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        super().__init__(status, error, headers)
        self.where = where


def json_error(
    status: int, error: str, where: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An error as JSON. Text repeated from the request may hold a lone surrogate, which cannot be encoded: escaped."""
    body = {"error": safe_text(error), "where": None if where is None else safe_text(where)}
    return JSONResponse(body, status, headers)


def error_response(
    path: str, status: int, error: str, where: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """An error as JSON for paths under /api, as an HTML page for all others."""
    if path.startswith(API):
        return json_error(status, error, where, headers)
    context = {"problem": safe_text(error), "status": status, "back": {"href": "/", "text": "Back to the queue"}}
    response = render_page("shared/error.html", context, status)
    response.headers.update(headers or {})
    return response


def safe_text(text: str) -> str:
    """A text with secrets redacted and unencodable characters escaped."""
    return redacted(text).encode("utf-8", "backslashreplace").decode()


def status_code(error: TiltyardError) -> int:
    """The HTTP status of an error: 404 for a missing thing, 422 for invalid input, else 409.

    503 if the server's own project or stores fail: the client sends the same request again later.
    """
    if isinstance(error, ProjectFileError | Unavailable):
        return 503
    if isinstance(error, NotFound):
        return 404
    return 422 if isinstance(error, AnnotationError | ObjectError) else 409


def from_request_validation(error: RequestValidationError) -> ApiError:
    """The error for invalid request parameters."""
    return from_pydantic_errors(error.errors())


def from_pydantic_errors(errors: Sequence[Any]) -> ApiError:
    """The error for an invalid body or parameter: pydantic's first one, without the value that was sent."""
    first = errors[0]
    where = ".".join(str(step) for step in first["loc"]) or None
    return ApiError(422, str(first["msg"]).removeprefix("Value error, "), where)
