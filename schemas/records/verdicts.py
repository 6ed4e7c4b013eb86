"""What the gate decided, on which evidence, and how the champion moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tiltyard.schemas.records.ids import Decision, EvaluationId, ModelId, Outcome, VerdictId


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
class Due:
    """Whether a step must run now, and the reason as a sentence."""

    now: bool
    why: str

    def __bool__(self) -> bool:
        """Whether the step is due."""
        return self.now
