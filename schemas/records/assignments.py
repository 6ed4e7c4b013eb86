"""Queries, the samples that they requested from annotators, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tiltyard.schemas.records.ids import AssignmentId, ModelId, Payload, Purpose, QueryId, SampleId, VerdictId


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
    """One part of a sample and how much it supports the suggested class: a column, or a word of a text."""

    name: str
    weight: float
    word: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The prediction of the model that chose a sample, and the parts of the sample that decided, strongest first."""

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
