"""A metric's change in words: points where the metric is a share, else the number as it is."""

from typing import Final

from tiltyard.schemas.records import Interval

SHARES: Final = frozenset({"accuracy", "balanced_accuracy", "f1", "macro_f1", "roc_auc", "average_precision"})
"""The metrics between 0 and 1 of which more is better: a hundredth of them is a point."""


def points(gain: float, metric: str) -> str:
    """How much better (positive is better, for losses too) in words.

    >>> points(0.0081, "accuracy"), points(-0.02, "log_loss")
    ('+0.8 points of accuracy', '-0.02 of log_loss')
    """
    return f"{_number(gain, metric)} {_unit(metric)}"


def points_between(gain: Interval, metric: str) -> str:
    """The same with its interval.

    >>> points_between(Interval(0.008, -0.002, 0.0181), "accuracy")
    '+0.8 points of accuracy (between -0.2 and +1.8)'
    """
    return f"{points(gain.value, metric)} (between {_number(gain.low, metric)} and {_number(gain.high, metric)})"


def _number(gain: float, metric: str) -> str:
    """The signed number alone; nothing is never negative."""
    text = f"{100 * gain:+.1f}" if metric in SHARES else f"{gain:+.3g}"
    return "+0.0" if text == "-0.0" else text


def _unit(metric: str) -> str:
    """What the number counts."""
    return f"points of {metric}" if metric in SHARES else f"of {metric}"
