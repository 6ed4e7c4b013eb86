"""Reading bodies: the right content type, then the model; what does not fit is refused with its place."""

from typing import Annotated, Any, Final, TypeVar

from fastapi import Path, Query
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema
from starlette.requests import Request

from tiltyard.apps.labeling.api.errors import ApiError, from_pydantic_errors
from tiltyard.apps.labeling.api.requests import (
    AdjudicationRequest,
    AnnotationRequest,
    AnnotationsRequest,
    GoldRequest,
    LeaseRequest,
    ReleaseRequest,
)

BODIES: Final[tuple[type[BaseModel], ...]] = (
    AnnotationRequest,
    AnnotationsRequest,
    GoldRequest,
    ReleaseRequest,
    AdjudicationRequest,
    LeaseRequest,
)
JSON: Final = "application/json"
REFERENCE: Final = "#/components/schemas/{model}"

SAMPLE_ID: Final = "^[0-9a-f]{32}$"
SamplePath = Annotated[str, Path(pattern=SAMPLE_ID, description="the sample")]
After = Annotated[int, Query(ge=0, le=2**53, description="ledger position to go on from")]
Limit = Annotated[int, Query(ge=1, le=1000, description="how many at most")]
Until = Annotated[int | None, Query(ge=0, le=2**53, description="ledger position to stop at")]
Body = TypeVar("Body", bound=BaseModel)


async def read_json(request: Request, model: type[Body], *also: str) -> Body:
    """The body of a request as a model; Refusal with 415 or 422. ``also`` names other content types to take."""
    require_content_type(request, JSON, *also)
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise from_pydantic_errors(error.errors(include_url=False, include_input=False)) from error


def require_content_type(request: Request, *known: str) -> str:
    """The content type of a request; Refusal with 415 when it is none of the known ones."""
    said = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if said not in known:
        raise ApiError(415, f"send the body as {' or '.join(known)}", "Content-Type")
    return said


def openapi_body(model: type[BaseModel], *also: str) -> dict[str, Any]:
    """What the OpenAPI document says of a route whose body is read here."""
    schema = {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}
    return {"requestBody": {"required": True, "content": dict.fromkeys((JSON, *also), schema)}}


def body_schemas() -> dict[str, Any]:
    """The schemas of all bodies that are read here, by name."""
    _, document = models_json_schema([(model, "validation") for model in BODIES], ref_template=REFERENCE)
    schemas: dict[str, Any] = document["$defs"]
    return schemas
