"""Request models: the bodies that pages and programs send."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, WithJsonSchema

Act = Literal["label", "skip", "cant_tell", "flag", "propose", "withdraw"]
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
ORIGIN = "web"


def _without_null(text: str) -> str:
    """Refuse NUL, the one character that PostgreSQL cannot store."""
    if "\x00" in text:
        raise ValueError("the text contains the character NUL, which cannot be stored; remove it")
    return text


def _in_utc(moment: datetime) -> datetime:
    """A time in UTC; ValueError for years that only a broken clock reports."""
    problem = f"must be between the years {EARLIEST.year} and {LATEST.year}; check the clock of the client"
    try:
        found = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(problem) from error
    if not EARLIEST <= found <= LATEST:
        raise ValueError(problem)
    return found


Text = Annotated[str, AfterValidator(_without_null)]
# Neither a space nor a colon: keys that other parts of Tiltyard make contain them, so no client can take those keys.
ClientKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Sample = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Identity = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Version = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class RequestBody(BaseModel):
    """A body of the API; unknown fields are refused, an annotator's name above all."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AnnotationRequest(RequestBody):
    """One act of an annotator on an assignment."""

    client_key: ClientKey = Field(description="made by the client; the same key means the same annotation, sent again")
    act: Act = Field(description="the act")
    sample_id: Sample = Field(description="id of the sample")
    assignment_id: Identity = Field(description="id of the assignment that is answered")
    label: Text | None = Field(None, min_length=1, max_length=500, description="a class; for the act label only")
    note: Text = Field("", max_length=4000, description="a note; for the act propose, the missing class")
    supersedes_key: ClientKey | None = Field(None, description="client key of the caller's annotation to supersede")
    suggestion_visible: bool = Field(False, description="whether the model's prediction was visible")
    lead_ms: int | None = Field(None, ge=0, le=86_400_000, description="time taken in ms, without idle time")
    said_at: Moment = Field(description="time on the annotator's clock")
    guidelines_version: Version | None = Field(None, description="version of the guidelines that were shown")


class LeaseRequest(RequestBody):
    """How many assignments the client needs, and which it has."""

    count: int = Field(1, ge=1, le=10, description="total number of assignments to hold, including those in have")
    have: list[Identity] = Field([], max_length=20, description="assignments that the client already has")

    @property
    def total(self) -> int:
        """The number to hold: at least those in ``have``, because a client takes a missing one for lost."""
        return max(self.count, len(self.have))


ANNOTATIONS_SCHEMA: Final = {
    "type": "array",
    "items": {"$ref": "#/components/schemas/AnnotationRequest"},
    "minItems": 1,
    "maxItems": 100,
    "description": "in the order in which they were made",
}


class AnnotationsRequest(RequestBody):
    """Annotations to store, and the assignments to lease in the same request."""

    # Each one is validated by itself later: an invalid annotation must not hold up the others.
    annotations: Annotated[list[Any], WithJsonSchema(ANNOTATIONS_SCHEMA)] = Field(
        min_length=1, max_length=100, description="in the order in which they were made"
    )
    lease: LeaseRequest | None = Field(None, description="assignments to lease in the same request")


class ReleaseRequest(RequestBody):
    """Assignments to give back."""

    assignments: list[Identity] | None = Field(None, max_length=100, description="null: all that the caller holds")
    csrf: str | None = Field(None, max_length=200, description="the CSRF token, for requests that cannot send headers")


class AdjudicationRequest(RequestBody):
    """An adjudicator's decision on a sample."""

    client_key: ClientKey = Field(description="made by the client; the same key means the same decision, sent again")
    sample_id: Sample = Field(description="id of the sample")
    label: Text = Field(min_length=1, max_length=500, description="a class")
    note: Text = Field("", max_length=4000, description="the reason")
    said_at: Moment = Field(description="time on the adjudicator's clock")


class GoldRequest(RequestBody):
    """A sample to mark as gold."""

    sample_id: Sample = Field(description="id of the sample")
    label: Text = Field(min_length=1, max_length=500, description="its known class")
