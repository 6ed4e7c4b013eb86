"""Refusing: a failure as programs or people read it, wherever in the server it happens."""

from collections.abc import Mapping

from starlette.responses import Response

from tiltyard.apps.labeling.api.errors import API, failure, tellable
from tiltyard.apps.labeling.rendering.templates import page


def refused(
    path: str, status: int, error: str, where: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """One sentence with a status: as JSON under /api, as a page elsewhere."""
    if path.startswith(API):
        return failure(status, error, where, dict(headers or {}))
    context = {"problem": tellable(error), "status": status, "back": {"href": "/", "text": "Back to the queue"}}
    response = page("error.html", context, status)
    response.headers.update(headers or {})
    return response
