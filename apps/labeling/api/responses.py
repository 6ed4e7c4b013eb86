"""What the API tells: the shapes of its answers."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from tiltyard.schemas.records import Annotation, Factor, Role

AS_IT_IS: Final = ConfigDict(from_attributes=True)
"""Made from the record that has fields of the same names."""


class ClassTold(BaseModel):
    """One answer that can be given."""

    model_config = AS_IT_IS

    name: str
    key: str | None
    description: str


class ColumnTold(BaseModel):
    """What a column's values mean."""

    kind: str
    unit: str
    description: str


class DisplayTold(BaseModel):
    """How samples are drawn; where pictures lie is the server's own affair."""

    model_config = AS_IT_IS

    kind: str
    columns: list[str]
    groups: dict[str, list[str]]
    terms: list[str]
    width: int
    levels: float
    object: str | None


class ProjectListed(BaseModel):
    """One of the caller's projects."""

    name: str
    description: str
    role: Role
    waiting: int


class ProjectTold(BaseModel):
    """All that the page needs to know of a project."""

    name: str
    description: str
    classes: list[ClassTold]
    display: DisplayTold
    columns: dict[str, ColumnTold]
    reveal: str
    guidelines_version: str
    lease_seconds: int
    annotator: str
    role: Role


class AssignmentTold(BaseModel):
    """A sample to answer; it tells neither its purpose nor what anybody or any model said of it."""

    assignment_id: str
    sample_id: str
    payload: dict[str, Any]
    why: str
    deciding: list[str] = Field(description="columns, or words of a text, the strongest first")
    lease_until: datetime
    guidelines_version: str
    adjudicated: bool = False


class BatchTold(BaseModel):
    """How far the samples asked for last are."""

    asked: int
    answered: int


class VerdictTold(BaseModel):
    """What the last comparison came to: what one's labels changed."""

    decision: str
    metric: str
    champion: float | None
    challenger: float | None
    reason: str
    at: datetime


class EmptyTold(BaseModel):
    """Why there is nothing to answer, who holds the rest, and when there is more."""

    why: str
    held_by: dict[str, int]
    refill: str


class StoppingTold(BaseModel):
    """Whether more labels are unlikely to improve the model any more, in a few words, and what each method says."""

    enough: bool
    headline: str
    methods: list[str]


class Progress(BaseModel):
    """Where an annotator and the project stand."""

    waiting: int = Field(description="assignments that the caller could answer now")
    batch: BatchTold
    today: int = Field(description="answers of the caller since midnight UTC, those taken back left out")
    until_retrain: int | None
    retrain_why: str
    last_verdict: VerdictTold | None
    stopping: StoppingTold | None = Field(description="none while it is too early to say")
    empty: EmptyTold | None


class Revealed(BaseModel):
    """What the model says, told after the answer."""

    label: str
    probability: float | None
    factors: list[Factor]


class Result(BaseModel):
    """What became of one answer."""

    client_key: str
    status: Literal["stored", "known", "refused"]
    annotation_id: str | None = None
    seq: int | None = None
    late: bool = False
    error: str | None = None
    reveal: Revealed | None = None


class Leased(BaseModel):
    """What to answer next."""

    assignments: list[AssignmentTold]
    gone: list[str] = Field([], description="assignments of 'have' that are the caller's no longer")
    progress: Progress


class Submitted(BaseModel):
    """What became of a page's answers, and what comes next."""

    results: list[Result]
    assignments: list[AssignmentTold]
    gone: list[str] = Field([], description="assignments of 'have' that are the caller's no longer")
    progress: Progress


class Released(BaseModel):
    """How many assignments were given back."""

    released: int


class SaidTold(BaseModel):
    """What some annotators said of a disputed sample, unnamed."""

    label: str | None
    act: str
    count: int
    notes: list[str]


class DisputeTold(BaseModel):
    """A sample whose annotators disagree."""

    sample_id: str
    payload: dict[str, Any]
    deciding: list[str]
    answers: list[SaidTold]


class PersonTold(BaseModel):
    """How one annotator does; none where it is not known.

    ``late``, ``seconds``, ``with_model`` and ``without_model`` are of the last 500 annotations.
    """

    annotator: str
    role: Role | None = Field(description="none: no access any more, or labels that came from elsewhere")
    since: datetime | None
    last: datetime | None
    labels: int
    others: int
    today: int
    held: int
    superseded: int
    gold_asked: int
    gold_right: int
    agreed: int = Field(description="pairs of answers with others to the same sample that are alike")
    agreed_of: int
    late: int
    seconds: float | None = Field(description="median time of an answer")
    with_model: float | None = Field(description="share of answers like the model's where it was visible")
    without_model: float | None = Field(description="the same where it was not")
    quality: float | None = Field(None, description="cleanlab's estimate beside the others, 0 to 1")


class Cell(BaseModel):
    """How often an annotator said one class where another, or the same, was decided."""

    said: str
    decided: str
    count: int


class Confusion(BaseModel):
    """What one annotator said, beside what was decided."""

    annotator: str
    cells: list[Cell]


class AgreementTold(BaseModel):
    """How far annotators agree: 1 is always, 0 what chance gives; ``low`` to ``high`` is a 95 % interval."""

    samples: int = Field(description="with two answers or more")
    alpha: float | None
    low: float | None
    high: float | None
    kappa: float | None
    kappa_of: list[str] = Field(description="the two annotators whom kappa is about")
    why: str = Field(description="why alpha is not defined")


class DayTold(BaseModel):
    """What was stored on one day (UTC) by one annotator."""

    day: str
    annotator: str
    act: str
    count: int


class StandingTold(BaseModel):
    """Where one assignment of a sample stands."""

    model_config = AS_IT_IS

    slot: int
    purpose: str
    strategy: str
    state: str
    holder: str | None


class SampleTold(BaseModel):
    """All that is known of one sample."""

    sample_id: str
    payload: dict[str, Any]
    label: str | None
    dispute: bool
    gold: str | None = Field(description="its known answer, where annotators are measured by it")
    suggestion: str | None
    probability: float | None
    assignments: list[StandingTold]
    annotations: list[Annotation]


class AnnotationsTold(BaseModel):
    """Annotations in the ledger's order; go on with ``after=next``."""

    annotations: list[Annotation]
    next: int | None = Field(description="none: there are no more today")


class RefusedLine(BaseModel):
    """A line of a file that was not taken."""

    line: int
    why: str


class ImportedTold(BaseModel):
    """What became of a file's lines."""

    lines: int
    stored: int
    known: int
    refused: list[RefusedLine]
    ignored: list[str]
    left_out: dict[str, int]


class GoldTold(BaseModel):
    """A gold sample."""

    gold_id: str
    sample_id: str
    label: str


class Health(BaseModel):
    """Whether the server answers."""

    status: Literal["ok"] = "ok"
