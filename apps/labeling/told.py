"""What the API tells: the shapes of its answers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from schemas.records import Factor, Role


class ClassTold(BaseModel):
    """One answer that can be given."""

    name: str
    key: str | None
    description: str


class ColumnTold(BaseModel):
    """What a column's values mean."""

    kind: str
    unit: str
    description: str


class DisplayTold(BaseModel):
    """How samples are drawn."""

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


class Progress(BaseModel):
    """Where an annotator and the project stand."""

    waiting: int = Field(description="assignments that the caller could answer now")
    batch: BatchTold
    today: int = Field(description="answers of the caller since midnight UTC, those taken back left out")
    until_retrain: int | None
    retrain_why: str
    last_verdict: VerdictTold | None
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


class Health(BaseModel):
    """Whether the server answers."""

    status: Literal["ok"] = "ok"
