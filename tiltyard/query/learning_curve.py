"""What as many labels again would add: an inverse power law through the scores of the models judged so far.

Method: score(n) = a - b * n**-c with b >= 0, weighted least squares (Figueroa, Zeng-Treitler, Kandula and Ngo 2012, BMC
Medical Informatics and Decision Making 12:8; that learning curves mostly follow it: Viering and Loog 2022, IEEE TPAMI).
A point weighs what its interval says; the answer's interval is a parametric bootstrap over the points' own errors. The
models were judged on overlapping rows, so their errors are taken for more independent than they are: the interval is
rather too wide than too narrow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.schemas.records import Interval

FEWEST: Final = 4
"""Different numbers of labels from which the law, with its three numbers, is fitted."""
EXPONENTS: Final = np.linspace(0.1, 1.0, 19)
DRAWS: Final = 500
CONFIDENCE: Final = 0.95
LEAST_ERROR: Final = 1e-6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Point:
    """A judged model: how many labels it was trained on, its score (more is better) and the score's standard error."""

    labels: int
    score: float
    error: float


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """For B curves at once: score(n) = a - b * n**-c; each (B,)."""

    a: Floats
    b: Floats
    c: Floats

    def gain(self, now: float, then: float) -> Floats:
        """What each curve rises between two numbers of labels; (B,)."""
        return np.asarray(self.b * (now**-self.c - then**-self.c))


def expected_gain(points: Sequence[Point], seed: int) -> Interval | None:
    """What as many labels again as the largest point has are expected to add, with a 95 % interval.

    None where fewer than ``FEWEST`` different numbers of labels were judged. Never negative: more labels are taken not
    to hurt.
    """
    if len({point.labels for point in points}) < FEWEST:
        return None
    labels = np.array([point.labels for point in points], dtype=np.float64)
    errors = np.maximum([point.error for point in points], LEAST_ERROR)
    scores = np.array([[point.score for point in points]])
    fitted, now = fit_power_law(labels, scores, errors), labels.max()
    noise = np.random.default_rng(seed).normal(size=(DRAWS, len(points))) * errors
    drawn = fit_power_law(labels, _scores(fitted, labels) + noise, errors).gain(now, 2 * now)
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(fitted.gain(now, 2 * now)[0]), float(low), float(high))


def fit_power_law(labels: Floats, scores: Floats, errors: Floats) -> PowerLaw:
    """The law of least weighted squares through each of B curves; labels and errors (k,), scores (B, k)."""
    weights = errors**-2 / (errors**-2).sum()
    best = PowerLaw(*(np.zeros(len(scores)) for _ in range(3)))
    least = np.full(len(scores), np.inf)
    for exponent in EXPONENTS:
        falling = labels**-exponent
        a, b = _line(falling, scores, weights)
        squares = ((scores - (a[:, None] - b[:, None] * falling)) ** 2) @ weights
        better = squares < least
        found = (a, b, np.full(len(scores), exponent))
        best = PowerLaw(*(np.where(better, new, old) for new, old in zip(found, (best.a, best.b, best.c), strict=True)))
        least = np.where(better, squares, least)
    return best


def _line(falling: Floats, scores: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The a and the b >= 0 of least weighted squares at one exponent."""
    mean_x, mean_y = falling @ weights, scores @ weights
    across = (scores - mean_y[:, None]) @ (weights * (falling - mean_x))
    b = np.maximum(-across / (weights @ (falling - mean_x) ** 2), 0.0)
    return mean_y + b * mean_x, b


def _scores(law: PowerLaw, labels: Floats) -> Floats:
    """What the first curve says at each number of labels; (1, k)."""
    return np.asarray(law.a[:1, None] - law.b[:1, None] * labels ** -law.c[:1, None])
