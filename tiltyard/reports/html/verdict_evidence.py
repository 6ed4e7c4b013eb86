"""What a verdict's evidence tells, read with care: old verdicts told less, and what is missing is not shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tiltyard.schemas.records import Interval, Verdict

Evidence = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SliceTold:
    """A part of the evaluation rows and how the challenger does there."""

    column: str
    value: str
    rows: int | None
    gain: Interval | None
    outcome: str

    @property
    def name(self) -> str:
        """The part as people read it."""
        return f"{self.column}: {self.value}"


@dataclass(frozen=True, slots=True)
class Weighed:
    """A column and how much the metric loses when its values are shuffled."""

    column: str
    loss: Interval


def slices_told(verdict: Verdict) -> list[SliceTold]:
    """The slices, those with the smallest lower bound first, those without a gain last."""
    found = [_slice(one) for one in _mappings(verdict, "slices")]
    return sorted(found, key=lambda one: (one.gain is None, one.gain.low if one.gain else 0.0, one.name))


def importance_told(verdict: Verdict) -> list[Weighed]:
    """The columns that the challenger lives on, the most important first."""
    told = [(str(one.get("column", "")), interval_of(one)) for one in _mappings(verdict, "importance")]
    return [Weighed(column, loss) for column, loss in told if loss is not None]


def second_figure(verdict: Verdict, part: str) -> Interval | None:
    """The second, importance-weighted figure of ``challenger``, ``champion`` or ``gain``; None where there is none."""
    lure = (verdict.evidence or {}).get("lure")
    told = lure.get(part) if isinstance(lure, Mapping) else None
    if isinstance(told, float | int):
        return Interval(float(told), float(told), float(told))
    return interval_of(told) if isinstance(told, Mapping) else None


def number_told(verdict: Verdict, *path: str) -> float | None:
    """The number at the end of a path through the evidence; None where it is not told."""
    return _at(verdict.evidence, *path)


def notes(verdict: Verdict) -> list[str]:
    """What is only told: values that no evaluation label has, rows older than the training, the second score."""
    evidence = verdict.evidence or {}
    gone = [f"{one.get('column')} {one.get('value')!r}" for one in _mappings(verdict, "vanished")]
    found = []
    if gone:
        more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
        found.append(f"No evaluation label has {', '.join(gone[:5])}{more}: a harm there would stay unseen.")
    older = _at(evidence, "leaks", "before_newest_training")
    if older is not None:
        found.append(f"{older:.0%} of the evaluation rows happened before the newest training row.")
    scores = {side: _at(evidence, "calibration", side, "brier", "score") for side in ("challenger", "champion")}
    told = ", ".join(f"{side} {score:.3f}" for side, score in scores.items() if score is not None)
    if told:
        found.append(f"Brier score (lower is better): {told}.")
    return found


def _at(evidence: Any, *path: str) -> float | None:
    """The number at the end of a path through the evidence, if it leads to one."""
    for key in path:
        evidence = evidence.get(key) if isinstance(evidence, Mapping) else None
    return float(evidence) if isinstance(evidence, float | int) and not isinstance(evidence, bool) else None


def interval_of(told: Mapping[str, Any]) -> Interval | None:
    """A value (or gain) with its bounds, as evidence writes it."""
    value = told.get("value", told.get("gain"))
    low, high = told.get("low", value), told.get("high", value)
    if all(isinstance(one, float | int) for one in (value, low, high)):
        return Interval(float(str(value)), float(str(low)), float(str(high)))
    return None


def _slice(told: Mapping[str, Any]) -> SliceTold:
    """One slice."""
    rows = told.get("rows")
    gain = interval_of({**told, "value": told.get("gain")})
    return SliceTold(
        str(told.get("column", "")),
        str(told.get("value", "")),
        rows if isinstance(rows, int) else None,
        gain,
        str(told.get("outcome", "")),
    )


def _mappings(verdict: Verdict, name: str) -> list[Mapping[str, Any]]:
    """A list of the evidence; empty where it is not told."""
    told = (verdict.evidence or {}).get(name)
    return [one for one in told if isinstance(one, Mapping)] if isinstance(told, list | tuple) else []
