"""A committee of models that learnt from different draws of the same labels, and how much its members disagree."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy
from sklearn.base import clone

from tiltyard.query.feature_space import unwrap_model
from tiltyard.samples.features import take_rows

Scores = NDArray[np.float64]


class Committee:
    """Fitted models as modAL's disagreement measures want them; classes may be text, members may lack some.

    (modAL's own ``Committee`` votes in floats and so refuses class names.)
    """

    def __init__(self, members: Sequence[Any]) -> None:
        self.members = tuple(members)
        self.classes_ = np.unique(np.concatenate([member.classes_ for member in self.members]))
        self.n_classes_ = len(self.classes_)

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.members)

    def vote(self, X: Any) -> NDArray[Any]:
        """The class that each member names for each row (rows x members)."""
        return np.column_stack([member.predict(X) for member in self.members])

    def vote_proba(self, X: Any) -> Scores:
        """Each member's probabilities (rows x members x classes), zero for a class that a member never met."""
        probabilities = np.zeros((X.shape[0], len(self), self.n_classes_))
        for place, member in enumerate(self.members):
            known = np.searchsorted(self.classes_, member.classes_)
            probabilities[:, place, known] = member.predict_proba(X)
        return probabilities

    def predict_proba(self, X: Any) -> Scores:
        """The members' mean probabilities (rows x classes)."""
        return np.asarray(self.vote_proba(X).mean(axis=1))


def committee_vote_entropy(committee: Committee, X: Any) -> Scores:
    """modAL's ``vote_entropy`` without its Python loop over rows: the entropy in nats of the members' votes."""
    votes = committee.vote(X)
    shares = np.stack([(votes == name).mean(axis=1) for name in committee.classes_], axis=1)
    return np.asarray(entropy(shares, axis=1), dtype=np.float64)


def fit_committee(estimator: Any, X: Any, y: Any, size: int, seed: int) -> list[Any]:
    """``size`` copies of a recipe, each fitted on its own bootstrap of the labels.

    ``estimator`` may be fitted or not, and wrapped by a threshold or a calibration: its innermost pipeline is
    copied. Rows are drawn with replacement within each class, so that every member knows every class.
    """
    recipe, labels, rng = unwrap_model(estimator), np.asarray(y), np.random.default_rng(seed)
    draws = [_bootstrap(labels, rng) for _ in range(size)]
    return [clone(recipe).fit(take_rows(X, draw), labels[draw]) for draw in draws]


def _bootstrap(labels: NDArray[Any], rng: np.random.Generator) -> NDArray[np.intp]:
    """Row numbers drawn with replacement, as many of each class as there are."""
    of_class = [np.flatnonzero(labels == name) for name in np.unique(labels)]
    return np.concatenate([rng.choice(rows, size=len(rows)) for rows in of_class])
