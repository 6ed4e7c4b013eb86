"""Answers: what a page sends, and the annotation that it stands for."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, WithJsonSchema

Act = Literal["label", "skip", "cant_tell", "flag", "propose", "withdraw"]
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
ORIGIN = "web"


def _without_null(text: str) -> str:
    """Refuse the one character that PostgreSQL cannot keep."""
    if "\x00" in text:
        raise ValueError("the character NUL cannot be kept")
    return text


def _in_utc(moment: datetime) -> datetime:
    """A moment in UTC; refused when no clock can have said it."""
    try:
        found = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("no clock says this") from error
    if not EARLIEST <= found <= LATEST:
        raise ValueError("no clock says this")
    return found


Text = Annotated[str, AfterValidator(_without_null)]
# Neither a space nor a colon: keys that other doors of the ledger make have them, and cannot be taken beforehand.
ClientKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Sample = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Identity = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Version = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class RequestBody(BaseModel):
    """A body of the API: what it does not know is refused, the annotator's name above all."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AnnotationRequest(RequestBody):
    """One act of an annotator on an assignment."""

    client_key: ClientKey = Field(description="made by the client; the same key is the same answer, sent again")
    act: Act = Field(description="what was done")
    sample_id: Sample = Field(description="the sample")
    assignment_id: Identity = Field(description="the assignment that asked for it")
    label: Text | None = Field(None, min_length=1, max_length=500, description="a class; of label only")
    note: Text = Field("", max_length=4000, description="a remark; of propose, the class that is missing")
    supersedes_key: ClientKey | None = Field(None, description="client key of one's own earlier answer")
    suggestion_visible: bool = Field(False, description="whether the model's label had been shown by then")
    lead_ms: int | None = Field(None, ge=0, le=86_400_000, description="time taken, idle time left out")
    said_at: Moment = Field(description="the annotator's own clock")
    guidelines_version: Version | None = Field(None, description="of the guidelines that were shown")


class LeaseRequest(RequestBody):
    """How many assignments the page wants to hold, and which it has."""

    count: int = Field(1, ge=1, le=10, description="to hold altogether, those it has included")
    have: list[Identity] = Field([], max_length=20, description="assignments that need not be sent again")

    @property
    def altogether(self) -> int:
        """How many to hold: never fewer than what is there already, which would look like gone."""
        return max(self.count, len(self.have))


ANNOTATIONS_SCHEMA: Final = {
    "type": "array",
    "items": {"$ref": "#/components/schemas/AnnotationRequest"},
    "minItems": 1,
    "maxItems": 100,
    "description": "in the order in which they were said",
}


class AnnotationsRequest(RequestBody):
    """What a page has to say, and what it wants next."""

    # Each is checked by itself later, so that one which does not fit never holds the others up.
    annotations: Annotated[list[Any], WithJsonSchema(ANNOTATIONS_SCHEMA)] = Field(
        min_length=1, max_length=100, description="in the order in which they were said"
    )
    lease: LeaseRequest | None = Field(None, description="what to lease in the same request")


class ReleaseRequest(RequestBody):
    """Assignments that a page gives back."""

    assignments: list[Identity] | None = Field(None, max_length=100, description="none: all that one holds")
    csrf: str | None = Field(None, max_length=200, description="the page's proof, where no header can be sent")


class AdjudicationRequest(RequestBody):
    """An adjudicator's decision over a sample."""

    client_key: ClientKey = Field(description="made by the client; the same key is the same decision, sent again")
    sample_id: Sample = Field(description="the sample")
    label: Text = Field(min_length=1, max_length=500, description="a class")
    note: Text = Field("", max_length=4000, description="why")
    said_at: Moment = Field(description="the adjudicator's own clock")


class GoldRequest(RequestBody):
    """A sample whose answer is known from now on."""

    sample_id: Sample = Field(description="the sample")
    label: Text = Field(min_length=1, max_length=500, description="its class")
