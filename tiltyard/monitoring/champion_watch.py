"""After a promotion: whether fresh random labels show that the previous champion was better.

The gate promotes on rows that it looked at, and now and then it is wrong. So a new champion is looked at again when
``gate.watch.labels`` labels are there that were given after its promotion, then when twice as many are, and so on. The
j-th look has the level (1 - confidence) / (j (j + 1)); these sum to 1 - confidence, which is thus the probability to
send a champion back that is no worse, however long it is watched (Bonferroni's inequality).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.paired_comparison import Bootstrap, Comparison, compare
from tiltyard.evaluation.predictions import Predictions
from tiltyard.schemas.project import Gate
from tiltyard.schemas.records import Check, Promotion


@dataclass(frozen=True, slots=True)
class PerformanceDrop:
    """A look at which the champion before was better: which it was, on how many labels, at which level."""

    look: int
    rows: int
    level: float
    compared: Comparison
    check: Check


def is_watched(move: Promotion | None, policy: Gate, now: datetime) -> bool:
    """Whether a champion is still watched: it was promoted over another, a while ago that is short enough."""
    if move is None or move.kind != "promotion" or move.previous_id is None or not policy.watch.labels:
        return False
    return now - move.recorded_at <= timedelta(days=policy.watch.days)


def planned_looks(labels: int, policy: Gate) -> Iterator[tuple[int, int, float]]:
    """Each look that so many fresh labels allow: its number, how many of the first labels it sees, its level.

    >>> [(look, rows, round(level, 5)) for look, rows, level in planned_looks(95, Gate())]
    [(1, 30, 0.025), (2, 60, 0.00833), (3, 90, 0.00417)]
    """
    every = policy.watch.labels
    for look in range(1, labels // every + 1 if every else 1):
        yield look, look * every, (1 - policy.confidence) / (look * (look + 1))


def detect_regression(
    labels: NDArray[np.str_],
    champion: Predictions,
    before: Predictions,
    policy: Gate,
    seed: int,
    units: NDArray[np.str_] | None = None,
) -> PerformanceDrop | None:
    """The first look at which the champion before today's was better with confidence; None while none was.

    ``labels`` (n,) are fresh ones, in the order in which they were given; both models answered the same rows. Asking
    again, when more labels are there, repeats the earlier looks as they were. ``units`` (n,) says whose each row is,
    where that counts.
    """
    for look, rows, level in planned_looks(len(labels), policy):
        some = np.arange(rows)
        bootstrap = Bootstrap(1 - 2 * level, policy.resamples, seed, None if units is None else units[:rows])
        compared = compare(policy.metric, labels[:rows], champion.rows(some), before.rows(some), bootstrap)
        if compared.gain is not None and compared.gain.low > 0:
            return PerformanceDrop(look, rows, level, compared, _check(policy.metric, rows, compared))
    return None


def _check(metric: str, rows: int, compared: Comparison) -> Check:
    """What the look saw, as the verdict tells it."""
    gain, old, new = compared.gain, compared.challenger, compared.champion
    assert gain is not None
    values = f"{metric} is {new.value:.4g} against {old.value:.4g} of the champion before: " if old and new else ""
    why = (
        f"{values}on {rows} labels that were given since its promotion it is worse by {gain.value:.4g}, "
        f"and by {gain.low:.4g} at least"
    )
    return Check("watch", "fail", -gain.value, 0.0, why, -gain.high, -gain.low)
