"""What annotators did, and the labels that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from tiltyard.schemas.records.batches import StoredFile
from tiltyard.schemas.records.ids import Act, AnnotationId, AssignmentId, ModelId, Payload, Purpose, SampleId


@dataclass(frozen=True, slots=True)
class NewAnnotation:
    """One act of an annotator as it is submitted.

    ``client_key`` is made by the client and makes a repeated submission the same annotation.
    ``said_at`` is the annotator's own clock; the ledger adds its own time and position, which decide what is newest.
    ``suggestion`` is what the model said, ``suggestion_visible`` whether the annotator had seen it by then, and
    ``guidelines_hash`` names the version of the guidelines that they had before them.
    """

    client_key: str
    annotator: str
    act: Act
    sample_id: SampleId
    payload: Payload
    said_at: datetime
    label: str | None = None
    note: str = ""
    supersedes: AnnotationId | None = None
    assignment_id: AssignmentId | None = None
    suggestion: str | None = None
    suggestion_visible: bool = False
    lead_ms: int | None = None
    origin: str = "queue"
    guidelines_hash: str | None = None
    imported_by: str | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """One act of an annotator, never deleted; ``claimed_at`` is a future client time, replaced in ``said_at``."""

    seq: int
    annotation_id: AnnotationId
    client_key: str
    annotator: str
    act: Act
    sample_id: SampleId
    label: str | None
    note: str
    supersedes: AnnotationId | None
    assignment_id: AssignmentId | None
    purpose: Purpose | Literal["import"]
    strategy: str
    score: float | None
    probability: float | None
    model_id: ModelId | None
    suggestion: str | None
    suggestion_visible: bool
    payload: Payload
    payload_hash: str
    contract_hash: str
    lead_ms: int | None
    origin: str
    late: bool
    said_at: datetime
    recorded_at: datetime
    guidelines_hash: str | None = None
    claimed_at: datetime | None = None
    imported_by: str | None = None


class Vote(NamedTuple):
    """The fields of an annotation that decide over its sample's label."""

    annotation_id: AnnotationId
    annotator: str
    act: Act
    sample_id: SampleId
    label: str | None
    supersedes: AnnotationId | None
    purpose: str
    said_at: datetime
    seq: int = 0
    origin: str = ""


@dataclass(frozen=True, slots=True)
class EffectiveLabel:
    """The label that the annotations of one sample resolve to under the project's rule."""

    sample_id: SampleId
    label: str
    annotations: tuple[AnnotationId, ...]
    evaluation: bool


@dataclass(frozen=True, slots=True)
class LabeledSet:
    """The exact rows and labels behind a fit (training) or a comparison (evaluation), at a ledger position."""

    set_id: str
    purpose: Literal["training", "evaluation"]
    position: int
    rows: int
    classes: Mapping[str, int]
    file: StoredFile
    recorded_at: datetime
