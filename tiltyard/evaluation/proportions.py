"""Two shares on the same rows: by how much one is larger, by the score interval for matched pairs.

Source: Tango 1998, Equivalence test and confidence interval for the difference in proportions for the paired-sample
design, Statistics in Medicine 17. The variance is the one that the difference in question would have, so that rows on
which nothing differs are no certainty: of 72 rows without a loss a loss of 5 % is ruled out at 2.5 %, as exactly.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Final

from scipy.optimize import brentq
from scipy.special import betainc
from scipy.stats import norm

from tiltyard.schemas.records import Interval

DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class MatchedShares:
    """How many of some rows are hit first only (``more``), and second only (``less``); counts may be effective ones."""

    more: float
    less: float
    rows: float

    @property
    def value(self) -> float:
        """By how much the first share is larger."""
        return (self.more - self.less) / self.rows

    def between(self, level: float) -> Interval:
        """The difference between bounds with one-sided error ``level`` at either end.

        >>> MatchedShares(8, 0, 10).between(0.025)
        Interval(value=0.8, low=0.300441, high=0.943318)
        """
        wide = float(norm.isf(level))
        low = -1.0 if self.value <= -1 else float(brentq(partial(self._beyond, wide), -1.0, self.value))
        high = 1.0 if self.value >= 1 else float(brentq(partial(self._beyond, -wide), self.value, 1.0))
        return rounded(self.value, low, high)

    def chance_of(self, limit: float) -> float:
        """How likely so low a difference were (a p-value), if the true one were no lower than ``limit``, 0 or below.

        Never less than by the exact sign test of no difference (Mosteller 1952), which few differing rows need.

        >>> round(MatchedShares(0, 9, 30).chance_of(-0.05), 4), MatchedShares(0, 4, 100).chance_of(0.0)
        (0.0038, 0.0625)
        """
        sign = float(betainc(self.less, self.more + 1, 0.5)) if self.less > 0 else 1.0
        return max(float(norm.cdf(self._score(limit))), sign)

    def _beyond(self, wide: float, difference: float) -> float:
        """The score less the one looked for, within what a root finder can take."""
        return max(min(self._score(difference), 1e6), -1e6) - wide

    def _score(self, difference: float) -> float:
        """How many standard errors the value lies above a difference, if that is the true one."""
        middle = self.more + self.less + (self.more - self.less - 2 * self.rows) * difference
        root = math.sqrt(max(middle**2 + 8 * self.rows * self.less * difference * (1 - difference), 0.0))
        lost = max((middle + root) / (4 * self.rows), 0.0, -difference)
        variance = (2 * lost + difference - difference**2) / self.rows
        above = self.value - difference
        return above / math.sqrt(variance) if variance > 1e-12 else math.copysign(math.inf, above) if above else 0.0


def rounded(value: float, low: float, high: float) -> Interval:
    """An estimate without the last bits, which depend on the machine's linear algebra.

    >>> rounded(0.1 + 0.2, 0.0, 1.0)
    Interval(value=0.3, low=0.0, high=1.0)
    """
    return Interval(round(float(value), DECIMALS), round(float(low), DECIMALS), round(float(high), DECIMALS))
