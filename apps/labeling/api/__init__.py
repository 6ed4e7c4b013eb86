"""API: request and response models of the HTTP API, request bodies and error responses.

Belongs here: pydantic models of the wire format. Does not belong here: routes, sessions, the ledger.
"""

from tiltyard.apps.labeling.api.errors import API, ApiError, ErrorResponse, error_response, json_error
from tiltyard.apps.labeling.api.request_body import openapi_body, read_json, require_content_type

__all__ = [
    "API",
    "ApiError",
    "ErrorResponse",
    "error_response",
    "json_error",
    "openapi_body",
    "read_json",
    "require_content_type",
]
