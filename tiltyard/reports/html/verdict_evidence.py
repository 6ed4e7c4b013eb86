"""A verdict's evidence, read defensively: old verdicts recorded less, and missing parts are not shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tiltyard.schemas.records import Interval, Verdict

Evidence = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SliceResult:
    """A part of the evaluation rows and how the challenger does there."""

    column: str
    value: str
    rows: int | None
    gain: Interval | None
    outcome: str

    @property
    def name(self) -> str:
        """The slice as shown on pages."""
        return f"{self.column}: {self.value}"


@dataclass(frozen=True, slots=True)
class Weighed:
    """A column and how much the metric loses when its values are shuffled."""

    column: str
    loss: Interval


def read_slices(verdict: Verdict) -> list[SliceResult]:
    """The slices, those with the smallest lower bound first, those without a gain last."""
    found = [_slice(one) for one in _mappings(verdict, "slices")]
    return sorted(found, key=lambda one: (one.gain is None, one.gain.low if one.gain else 0.0, one.name))


def read_importance(verdict: Verdict) -> list[Weighed]:
    """The columns that the challenger depends on, the most important first."""
    losses = [(str(one.get("column", "")), read_interval(one)) for one in _mappings(verdict, "importance")]
    return [Weighed(column, loss) for column, loss in losses if loss is not None]


def second_figure(verdict: Verdict, part: str) -> Interval | None:
    """The second, importance-weighted figure of ``challenger``, ``champion`` or ``gain``; None where there is none."""
    lure = (verdict.evidence or {}).get("lure")
    found = lure.get(part) if isinstance(lure, Mapping) else None
    if isinstance(found, float | int):
        return Interval(float(found), float(found), float(found))
    return read_interval(found) if isinstance(found, Mapping) else None


def read_number(verdict: Verdict, *path: str) -> float | None:
    """The number at the end of a path through the evidence; None if it is missing."""
    return _at(verdict.evidence, *path)


def notes(verdict: Verdict) -> list[str]:
    """Additional notes: values without any evaluation label, rows older than the training, the second score."""
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
    part = ", ".join(f"{side} {score:.3f}" for side, score in scores.items() if score is not None)
    if part:
        found.append(f"Brier score (lower is better): {part}.")
    return found


def _at(evidence: Any, *path: str) -> float | None:
    """The number at the end of a path through the evidence, if it leads to one."""
    for key in path:
        evidence = evidence.get(key) if isinstance(evidence, Mapping) else None
    return float(evidence) if isinstance(evidence, float | int) and not isinstance(evidence, bool) else None


def read_interval(part: Mapping[str, Any]) -> Interval | None:
    """A value (or gain) with its bounds, as evidence writes it."""
    value = part.get("value", part.get("gain"))
    low, high = part.get("low", value), part.get("high", value)
    if all(isinstance(one, float | int) for one in (value, low, high)):
        return Interval(float(str(value)), float(str(low)), float(str(high)))
    return None


def _slice(part: Mapping[str, Any]) -> SliceResult:
    """One slice of the evidence; the outcome ``told`` of the stored format means that the slice was not judged."""
    rows = part.get("rows")
    outcome = str(part.get("outcome", ""))
    gain = read_interval({**part, "value": part.get("gain")})
    return SliceResult(
        str(part.get("column", "")),
        str(part.get("value", "")),
        rows if isinstance(rows, int) else None,
        gain,
        {"told": "not judged"}.get(outcome, outcome),
    )


def _mappings(verdict: Verdict, name: str) -> list[Mapping[str, Any]]:
    """A list of the evidence; empty if it is missing."""
    found = (verdict.evidence or {}).get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []
