"""Decisions that differ between two models on the same rows, and who was right."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.predictions import Predictions

CHALLENGER, CHAMPION, NEITHER = "challenger", "champion", "neither"
WHO: Final = (CHALLENGER, CHAMPION, NEITHER)


@dataclass(frozen=True, slots=True)
class Flip:
    """One row (its place from 0) that the two models decide differently, and which of them was right."""

    place: int
    label: str
    champion: str
    challenger: str
    right: str


def flips(labels: NDArray[np.str_], champion: Predictions, challenger: Predictions) -> list[Flip]:
    """Every row that is decided differently, in the order of the rows.

    >>> two = [Predictions(np.zeros((2, 2)), np.array(decided), ("no", "yes"), "yes") for decided in (["no"] * 2,
    ...     ["no", "yes"])]
    >>> flips(np.array(["no", "yes"]), *two)
    [Flip(place=1, label='yes', champion='no', challenger='yes', right='challenger')]
    """
    differ = np.flatnonzero(champion.decisions != challenger.decisions)
    return [
        _flip(int(place), str(labels[place]), str(champion.decisions[place]), str(challenger.decisions[place]))
        for place in differ
    ]


def who_was_right(found: list[Flip], weights: NDArray[np.float64]) -> dict[str, float]:
    """How many of the flips each was right in, by weight: challenger, champion, neither."""
    return {who: float(sum(weights[flip.place] for flip in found if flip.right == who)) for who in WHO}


def _flip(place: int, label: str, champion: str, challenger: str) -> Flip:
    """A flip with its judgement."""
    right = CHALLENGER if challenger == label else CHAMPION if champion == label else NEITHER
    return Flip(place, label, champion, challenger, right)
