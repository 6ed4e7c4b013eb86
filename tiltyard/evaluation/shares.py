"""A share of cases with the interval that its number of cases allows."""

from dataclasses import dataclass

from scipy.stats import binomtest


@dataclass(frozen=True, slots=True)
class Share:
    """``right`` of ``cases``; the value and its 95 % interval are none when there was no case."""

    right: int
    cases: int
    value: float | None
    low: float | None
    high: float | None


def share(right: int, cases: int) -> Share:
    """The share with its 95 % score interval (Wilson 1927).

    >>> one = share(8, 10)
    >>> one.value, round(one.low, 3), round(one.high, 3)
    (0.8, 0.49, 0.943)
    >>> share(0, 0).value is None
    True
    """
    if not cases:
        return Share(0, 0, None, None, None)
    interval = binomtest(right, cases).proportion_ci(confidence_level=0.95, method="wilson")
    return Share(right, cases, right / cases, float(interval.low), float(interval.high))
