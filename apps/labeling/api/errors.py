"""What the server answers when it does not do what was asked: one sentence, and the field it is about."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from tiltyard.apps.labeling.rendering.templates import render_page
from tiltyard.schemas.errors import AnnotationError, NotFound, ObjectError, ProjectFileError, TiltyardError, Unavailable
from tiltyard.schemas.redaction import redacted

API = "/api/"


class ErrorResponse(BaseModel):
    """What was wrong, and where."""

    error: str = Field(description="one sentence: what was wrong and what to do")
    where: str | None = Field(None, description="the field or parameter that it is about")


class ApiError(HTTPException):
    """An answer other than what was asked for."""

    def __init__(self, status: int, error: str, where: str | None = None, retry_after: int | None = None) -> None:
        """Refuse with a status and a sentence."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        super().__init__(status, error, headers)
        self.where = where


def json_error(
    status: int, error: str, where: str | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    """A refusal as the API answers it; what it repeats of the request may hold half a character, which no body can."""
    told = {"error": safe_text(error), "where": None if where is None else safe_text(where)}
    return JSONResponse(told, status, headers)


def error_response(
    path: str, status: int, error: str, where: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """One sentence with a status: as JSON under /api, as a page elsewhere."""
    if path.startswith(API):
        return json_error(status, error, where, dict(headers or {}))
    context = {"problem": safe_text(error), "status": status, "back": {"href": "/", "text": "Back to the queue"}}
    response = render_page("shared/error.html", context, status)
    response.headers.update(headers or {})
    return response


def safe_text(text: str) -> str:
    """A text without secrets, and with what cannot be encoded written out."""
    return redacted(text).encode("utf-8", "backslashreplace").decode()


def status_code(error: TiltyardError) -> int:
    """The status of a mistake: 404 for what is not there, 422 for what does not fit, else 409.

    503 where the server's own project or stores are not as they should be: the caller sends the same again later.
    """
    if isinstance(error, ProjectFileError | Unavailable):
        return 503
    if isinstance(error, NotFound):
        return 404
    return 422 if isinstance(error, AnnotationError | ObjectError) else 409


def from_request_validation(error: RequestValidationError) -> ApiError:
    """The refusal of a request whose parameters do not fit."""
    return from_pydantic_errors(error.errors())


def from_pydantic_errors(problems: Sequence[Any]) -> ApiError:
    """The refusal of a body or parameters, by pydantic's first complaint; what was sent is not repeated."""
    first = problems[0]
    where = ".".join(str(step) for step in first["loc"]) or None
    return ApiError(422, str(first["msg"]).removeprefix("Value error, "), where)
