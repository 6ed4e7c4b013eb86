"""What the rows where exactly one of two models is right say about their accuracies: an exact interval.

Source: the sign test, which McNemar's test is an approximation of (McNemar 1947; exact: Mosteller 1952), turned into an
interval as Clopper and Pearson (1934) do. Rows on which both are right or both wrong say nothing about who is better.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from tiltyard.evaluation.metrics import Answered
from tiltyard.evaluation.strata import Strata
from tiltyard.schemas.records import Interval

Floats = NDArray[np.float64]


def share_won(wins: int, losses: int, level: float) -> tuple[float, float]:
    """Between which bounds the chance to win a row that is won or lost lies, each wrong with at most ``level``.

    The lower bound exceeds 1/2 just where the one-sided sign test rejects at the level.

    >>> [round(bound, 3) for bound in share_won(4, 0, 0.025)]
    [0.398, 1.0]
    >>> [round(bound, 3) for bound in share_won(6, 0, 0.025)]
    [0.541, 1.0]
    """
    low = float(beta.ppf(level, wins, losses + 1)) if wins else 0.0
    high = float(beta.isf(level, wins + 1, losses)) if losses else 1.0
    return low, high


def most_unseen(rows: int, level: float) -> float:
    """The largest share of rows that can well be of a kind of which none was among the rows (rule of three).

    >>> round(most_unseen(100, 0.05), 3)
    0.03
    """
    return 1 - float(level ** (1 / rows)) if rows else 1.0


def most_won(loser: Answered, winner: Answered, strata: Strata, level: float) -> float:
    """The largest share of rows that a model can well win from another: no gain in accuracy is larger.

    Clopper and Pearson's upper bound over a plain sample; 1.0 for rows in several strata.

    >>> round(float(beta.isf(0.025, 1 + 1, 37 - 1)), 2)  # one row of 37
    0.14
    """
    if len(strata.sizes) > 1 or len(strata.of) == 0:
        return 1.0
    wins = int(((winner.truth == winner.decided) & (loser.truth != loser.decided)).sum())
    return float(beta.isf(level, wins + 1, len(strata.of) - wins)) if wins < len(strata.of) else 1.0


def accuracy_gain(champion: Answered, challenger: Answered, weights: Floats, level: float) -> Interval | None:
    """The challenger's gain in accuracy with exact bounds, given how many rows are won or lost; None where they
    stand for different numbers of rows, for which there is no exact test.

    ``weights`` (n,) says how many rows of the population each row stands for; where no row is won or lost, the
    bounds are what so many rows can hide.
    """
    won = (challenger.truth == challenger.decided).astype(np.int64) - (champion.truth == champion.decided)
    decisive = weights[won != 0]
    if len(decisive) == 0:
        hidden = most_unseen(int(weights.sum()), level)
        return Interval(0.0, -hidden, hidden)
    if not np.allclose(decisive, decisive[0]):
        return None
    share = float(decisive.sum() / weights.sum())
    wins, losses = int((won > 0).sum()), int((won < 0).sum())
    low, high = share_won(wins, losses, level)
    value = share * (wins - losses) / (wins + losses)
    return Interval(value, share * (2 * low - 1), share * (2 * high - 1))
