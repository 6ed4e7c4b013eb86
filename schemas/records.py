"""The records that stores keep and flows hand on: frozen, plain, written once.

Ids are text. What is content is named by its content (a SHA-256, shortened where people type it), so that
a step that is repeated finds its own record instead of making a second one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, NewType

ObjectId = NewType("ObjectId", str)
BatchId = NewType("BatchId", str)
SampleId = NewType("SampleId", str)
QueryId = NewType("QueryId", str)
AssignmentId = NewType("AssignmentId", str)
AnnotationId = NewType("AnnotationId", str)
TrainingId = NewType("TrainingId", str)
EvaluationId = NewType("EvaluationId", str)
ModelId = NewType("ModelId", str)
VerdictId = NewType("VerdictId", str)
AccessId = NewType("AccessId", str)

BatchState = Literal["accepted", "refused", "unreadable"]
Act = Literal["label", "skip", "cant_tell", "flag", "propose", "withdraw", "adjudicate"]
Purpose = Literal["query", "random", "evaluation", "gold"]
Role = Literal["annotator", "adjudicator", "lead"]
Decision = Literal["promote", "keep", "roll_back"]
Outcome = Literal["pass", "fail", "undecided"]

DISAGREEMENT: Final = "disagreement"
"""The strategy of assignments that are drawn where champion and challenger differ."""

Payload = dict[str, Any]
"""A sample's own values by column name, JSON types only."""


@dataclass(frozen=True, slots=True)
class ProjectVersion:
    """A project file as it was when something was done under it."""

    project_hash: str
    body: Mapping[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class LandedObject:
    """A raw file as it arrived, kept byte for byte.

    ``stamp`` is what the listing said of its content (time and size in a folder, ETag in a bucket).
    """

    object_id: ObjectId
    source: str
    key: str
    version: str
    stamp: str
    checksum: str
    size: int
    landed_at: datetime


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one row is in quarantine."""

    check: str
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An immutable file of the workspace and what its bytes must hash to."""

    name: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of an object's rows under one contract. ``read = accepted + quarantined + duplicate``."""

    batch_id: BatchId
    object_id: ObjectId
    attempt: int
    contract_hash: str
    state: BatchState
    read: int
    accepted: int
    quarantined: int
    duplicate: int
    reason: str
    pool_file: StoredFile | None
    quarantine_file: StoredFile | None
    statistics: Mapping[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Query:
    """One act of choosing samples: by which model, at which position, and for which undecided verdict if for one."""

    query_id: QueryId
    strategy: str
    model_id: ModelId | None
    budget: int
    position: int
    reason: str
    recorded_at: datetime
    verdict_id: VerdictId | None = None


@dataclass(frozen=True, slots=True)
class Factor:
    """One part of a sample and how much it spoke for the suggested class: a column, or a word of a text."""

    name: str
    weight: float
    word: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the model that chose a sample says of it, and the parts of the sample that decided, the strongest first."""

    label: str
    probability: float | None
    probabilities: Mapping[str, float]
    factors: tuple[Factor, ...] = ()


@dataclass(frozen=True, slots=True)
class Assignment:
    """A sample wanted from an annotator; the row carries its own lease."""

    assignment_id: AssignmentId
    query_id: QueryId
    sample_id: SampleId
    slot: int
    purpose: Purpose
    strategy: str
    score: float | None
    probability: float | None
    model_id: ModelId | None
    payload: Payload
    priority: float
    suggestion: Suggestion | None = None


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
    """One act of an annotator, kept for ever; ``claimed_at`` is a time that was yet to come, ``said_at`` then ours."""

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


class Voice(NamedTuple):
    """What of an annotation decides over its sample's label: an annotation without its payload and its story."""

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
class Access:
    """The right of an annotator in a project, given or taken away; what was said last holds.

    ``token_hash`` is the SHA-256 of a token that was shown once and is kept nowhere; none where an identity
    provider answers for the person.
    """

    access_id: AccessId
    annotator: str
    role: Role
    act: Literal["grant", "revoke"]
    token_hash: str | None
    decided_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class GoldSample:
    """A sample whose answer is known, asked now and then to see how annotators do; or that it is so no longer."""

    gold_id: str
    sample_id: SampleId
    payload: Payload
    label: str
    act: Literal["add", "retire"]
    decided_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class EffectiveLabel:
    """What the annotations of one sample amount to under the project's rule."""

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


@dataclass(frozen=True, slots=True)
class Model:
    """A trained candidate and all that is needed to make it again."""

    model_id: ModelId
    training_id: TrainingId
    project_hash: str
    recipe: Mapping[str, Any]
    seed: int
    code_version: str
    environment: Mapping[str, str]
    metrics: Mapping[str, float]
    threshold: float | None
    run_id: str
    registry_version: str
    artifact: StoredFile
    predictions_hash: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Check:
    """One question the gate asked, its evidence and its answer."""

    name: str
    outcome: Outcome
    value: float | None
    limit: float | None
    why: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The recorded decision over a challenger, with all that the gate saw; nothing else moves the champion."""

    verdict_id: VerdictId
    challenger_id: ModelId
    champion_id: ModelId | None
    evaluation_id: EvaluationId | None
    decision: Decision
    metric: str
    rows: int
    challenger: Interval | None
    champion: Interval | None
    gain: Interval | None
    checks: tuple[Check, ...]
    policy: Mapping[str, Any]
    decided_by: str
    reason: str
    recorded_at: datetime
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's answer to whether a verdict's challenger may be promoted; the first answer is the only one."""

    verdict_id: VerdictId
    approved: bool
    reviewer: str
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """One move of the champion; number 1, 2, 3 ... without gaps, so that two racing moves cannot both stand."""

    number: int
    model_id: ModelId
    previous_id: ModelId | None
    verdict_id: VerdictId
    kind: Literal["promotion", "roll_back"]
    actor: str
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Conservation:
    """Where the rows of all objects are; ``holds`` is law 2 as a number."""

    objects: int
    read: int
    accepted: int
    quarantined: int
    duplicate: int

    @property
    def holds(self) -> bool:
        """Whether every row read is in exactly one place."""
        return self.read == self.accepted + self.quarantined + self.duplicate


@dataclass(frozen=True, slots=True)
class Due:
    """Whether a step is to be taken now, and why or why not, as a sentence."""

    now: bool
    why: str

    def __bool__(self) -> bool:
        """Whether the step is due."""
        return self.now
