"""Response models of the API. Field names are a public format: they do not change."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from tiltyard.schemas.records import Annotation, Factor, Role

FROM_ATTRIBUTES: Final = ConfigDict(from_attributes=True)
"""Built from a record with fields of the same names."""


class ClassResponse(BaseModel):
    """A class that an annotator can choose."""

    model_config = FROM_ATTRIBUTES

    name: str
    key: str | None
    description: str


class ColumnResponse(BaseModel):
    """Kind, unit and description of a column."""

    kind: str
    unit: str
    description: str


class DisplayResponse(BaseModel):
    """How samples are displayed; the folder of the pictures is not part of it."""

    model_config = FROM_ATTRIBUTES

    kind: str
    columns: list[str]
    groups: dict[str, list[str]]
    terms: list[str]
    width: int
    levels: float
    object: str | None


class ProjectSummaryResponse(BaseModel):
    """One of the caller's projects."""

    name: str
    description: str
    role: Role
    waiting: int


class ProjectResponse(BaseModel):
    """The settings of a project that a page needs."""

    name: str
    description: str
    classes: list[ClassResponse]
    display: DisplayResponse
    columns: dict[str, ColumnResponse]
    reveal: str
    guidelines_version: str
    lease_seconds: int
    annotator: str
    role: Role


class AssignmentResponse(BaseModel):
    """A sample to label, without its purpose, its annotations and the model's prediction."""

    assignment_id: str
    sample_id: str
    payload: dict[str, Any]
    why: str
    deciding: list[str] = Field(description="columns, or words of a text, that weighed most, strongest first")
    lease_until: datetime
    guidelines_version: str
    adjudicated: bool = False


class BatchResponse(BaseModel):
    """How much of the latest query is labeled."""

    asked: int
    answered: int


class VerdictResponse(BaseModel):
    """The last verdict of the gate: the effect of the labels."""

    decision: str
    metric: str
    champion: float | None
    challenger: float | None
    reason: str
    at: datetime


class EmptyQueueResponse(BaseModel):
    """Why no sample is available, who holds the others, and when the queue is filled again."""

    why: str
    held_by: dict[str, int]
    refill: str


class StoppingResponse(BaseModel):
    """Whether more labels are unlikely to improve the model, with the result of each method."""

    enough: bool
    headline: str
    methods: list[str]


class ProgressResponse(BaseModel):
    """Progress of an annotator and of the project."""

    waiting: int = Field(description="assignments that are open to the caller now")
    batch: BatchResponse
    today: int = Field(description="annotations of the caller since midnight UTC, without withdrawn ones")
    until_retrain: int | None
    retrain_why: str
    last_verdict: VerdictResponse | None
    stopping: StoppingResponse | None = Field(description="null while there are too few labels")
    empty: EmptyQueueResponse | None


class RevealResponse(BaseModel):
    """The model's prediction, revealed after the annotation."""

    label: str
    probability: float | None
    factors: list[Factor]


class AnnotationResult(BaseModel):
    """The outcome of one annotation."""

    client_key: str
    status: Literal["stored", "known", "refused"]
    annotation_id: str | None = None
    seq: int | None = None
    late: bool = False
    error: str | None = None
    reveal: RevealResponse | None = None


class LeaseResponse(BaseModel):
    """Leased assignments and progress."""

    assignments: list[AssignmentResponse]
    gone: list[str] = Field([], description="assignments in have that the caller no longer holds")
    progress: ProgressResponse


class SubmitResponse(BaseModel):
    """The outcome of each annotation, with leased assignments and progress."""

    results: list[AnnotationResult]
    assignments: list[AssignmentResponse]
    gone: list[str] = Field([], description="assignments in have that the caller no longer holds")
    progress: ProgressResponse


class ReleaseResponse(BaseModel):
    """The number of assignments that were given back."""

    released: int


class DisputedLabelResponse(BaseModel):
    """One label of a disputed sample with its count and notes, without names."""

    label: str | None
    act: str
    count: int
    notes: list[str]


class DisputeResponse(BaseModel):
    """A sample whose annotators disagree."""

    sample_id: str
    payload: dict[str, Any]
    deciding: list[str]
    answers: list[DisputedLabelResponse]


class AnnotatorResponse(BaseModel):
    """The figures of one annotator; null if unknown.

    ``late``, ``seconds``, ``with_model`` and ``without_model`` are of the last 500 annotations.
    """

    annotator: str
    role: Role | None = Field(description="null: access revoked, or labels from an import")
    since: datetime | None
    last: datetime | None
    labels: int
    others: int
    today: int
    held: int
    superseded: int
    gold_asked: int
    gold_right: int
    agreed: int = Field(description="pairs of equal labels with other annotators on the same samples")
    agreed_of: int
    late: int
    seconds: float | None = Field(description="median time per annotation")
    with_model: float | None = Field(description="agreement with the model while its prediction was visible, 0 to 1")
    without_model: float | None = Field(description="agreement with the model while its prediction was hidden, 0 to 1")
    quality: float | None = Field(None, description="cleanlab's annotator quality, 0 to 1")


class ConfusionCell(BaseModel):
    """A cell of a confusion matrix: the annotator's label, the effective label, and the count."""

    said: str
    decided: str
    count: int


class ConfusionResponse(BaseModel):
    """The confusion matrix of one annotator against the effective labels."""

    annotator: str
    cells: list[ConfusionCell]


class AgreementResponse(BaseModel):
    """Inter-annotator agreement: 1 is perfect, 0 is chance level; ``low`` to ``high`` is a 95 % interval."""

    samples: int = Field(description="samples with two or more labels")
    alpha: float | None
    low: float | None
    high: float | None
    kappa: float | None
    kappa_of: list[str] = Field(description="the two annotators that kappa compares")
    why: str = Field(description="why alpha is not defined")


class DayResponse(BaseModel):
    """The number of annotations of one kind that one annotator stored on one day (UTC)."""

    day: str
    annotator: str
    act: str
    count: int


class AssignmentStateResponse(BaseModel):
    """The state of one assignment of a sample."""

    model_config = FROM_ATTRIBUTES

    slot: int
    purpose: str
    strategy: str
    state: str
    holder: str | None


class SampleResponse(BaseModel):
    """A sample with its values, label, assignments and annotations."""

    sample_id: str
    payload: dict[str, Any]
    label: str | None
    dispute: bool
    gold: str | None = Field(description="its known class, if it is a gold sample")
    suggestion: str | None
    probability: float | None
    assignments: list[AssignmentStateResponse]
    annotations: list[Annotation]


class AnnotationsResponse(BaseModel):
    """Annotations in ledger order; the next page is ``after=next``."""

    annotations: list[Annotation]
    next: int | None = Field(description="null: this is the last page")


class RejectedLine(BaseModel):
    """A line of a file that was not imported, with the reason."""

    line: int
    why: str


class ImportResponse(BaseModel):
    """The outcome of an import: stored, known and rejected lines."""

    lines: int
    stored: int
    known: int
    refused: list[RejectedLine]
    ignored: list[str]
    left_out: dict[str, int]


class GoldResponse(BaseModel):
    """A gold sample."""

    gold_id: str
    sample_id: str
    label: str


class HealthResponse(BaseModel):
    """The server is up."""

    status: Literal["ok"] = "ok"
