"""Ranges around the numbers that were met: wide enough for what comes later, narrow enough to stop a slip."""

import math
from typing import Final

LARGEST: Final = 1e15
"""Beyond this no range is guessed: such numbers are codes or moments."""

FINEST: Final = -300
"""The finest place to round to: below it a power of ten is no float any more."""


def infer_range(low: float, high: float) -> tuple[float, float] | None:
    """A range with the whole span of what was met added on each side, rounded outwards; none for huge numbers.

    What was never negative (or never positive) stays so.

    >>> infer_range(18, 95), infer_range(-3.4, 1.4), infer_range(5, 5)
    ((0, 200), (-9, 7), (0, 10))
    """
    if max(abs(low), abs(high)) > LARGEST:
        return None
    span = (high - low) or max(abs(high), 1)
    bottom = 0 if low >= 0 else -_rounded_up(span - low)
    top = 0 if low < 0 and high <= 0 else _rounded_up(high + span)
    return bottom, top


def _rounded_up(value: float) -> float:
    """The next number upwards with one digit that is not zero; a fraction keeps its place.

    >>> _rounded_up(172), _rounded_up(0.031), _rounded_up(0)
    (200, 0.04, 0)
    """
    if value <= 0:
        return 0
    power = max(math.floor(math.log10(value)), FINEST)
    digit = math.ceil(value / 10.0**power)
    return digit * 10**power if power >= 0 else round(digit * 10.0**power, -power)
