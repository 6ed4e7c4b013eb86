"""Request bodies and parameters: content type first, then the model; invalid input is refused with its field."""

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
SamplePath = Annotated[str, Path(pattern=SAMPLE_ID, description="id of the sample")]
After = Annotated[int, Query(ge=0, le=2**53, description="return annotations after this ledger position")]
Limit = Annotated[int, Query(ge=1, le=1000, description="maximum number of results")]
Until = Annotated[int | None, Query(ge=0, le=2**53, description="stop at this ledger position")]
Body = TypeVar("Body", bound=BaseModel)


async def read_json(request: Request, model: type[Body], *also: str) -> Body:
    """The body of a request as a model; ApiError with 415 or 422. ``also`` lists other accepted content types."""
    require_content_type(request, JSON, *also)
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise from_pydantic_errors(error.errors(include_url=False, include_input=False)) from error


def require_content_type(request: Request, *accepted: str) -> str:
    """The content type of a request; ApiError with 415 if it is not one of the accepted ones."""
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given not in accepted:
        raise ApiError(415, f"send the body as {' or '.join(accepted)}", "Content-Type")
    return given


def openapi_body(model: type[BaseModel], *also: str) -> dict[str, Any]:
    """The OpenAPI description of a route whose body :func:`read_json` reads."""
    schema = {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}
    return {"requestBody": {"required": True, "content": dict.fromkeys((JSON, *also), schema)}}


def body_schemas() -> dict[str, Any]:
    """The JSON schemas of all bodies that :func:`read_json` reads, by model name."""
    _, document = models_json_schema([(model, "validation") for model in BODIES], ref_template=REFERENCE)
    schemas: dict[str, Any] = document["$defs"]
    return schemas
