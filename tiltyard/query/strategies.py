"""Query strategies by name: what is measured on each row, and how a batch is picked from the best rows.

A strategy is callable as modAL's are, ``strategy(classifier, X_pool, n_instances) -> indices, scores``, and so can
also serve ``modAL.models.ActiveLearner(query_strategy=...)``. Unlike modAL's, ties are in seeded order, the pool is
read in slices, and asking for more rows than there are gives all of them.

To add one: a measure or a pick, a line in ``STRATEGIES``, a name in ``StrategyName`` of the project file,
and a row in the tests' table.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from modAL.disagreement import KL_max_disagreement, consensus_entropy
from modAL.models.base import BaseLearner
from modAL.uncertainty import classifier_entropy, classifier_margin, classifier_uncertainty
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from tiltyard.query.batch_selection import Positions, kmeans_batch, ranked_batch, typiclust
from tiltyard.query.committee import Committee, committee_vote_entropy
from tiltyard.query.feature_space import Candidates
from tiltyard.query.linear_margin import rows_below_margin
from tiltyard.query.top_k import WANTING, TopK
from tiltyard.samples.features import take_rows
from tiltyard.samples.hashing import random_keys
from tiltyard.schemas.errors import TiltyardError, TrainingError, nearest
from tiltyard.schemas.project import StrategyName

Scores = NDArray[np.float64]
Measure = Callable[[Any, Any], Scores]
Pick = Callable[[Candidates, int], Positions]
Screen = Callable[[Any, Any, float], Positions | None]

SLICE: Final = 32_768
"""Rows scored at a time: small enough for the cache and for memory, large enough for tree models."""
TYPICAL_ROWS: Final = 50_000
RANKED_ROWS: Final = 100_000


def take_best(offer: Candidates, number: int) -> Positions:
    """The first ``number`` positions of the offer, which is best first already."""
    return np.arange(min(number, offer.X.shape[0]))


def constant_scores(_classifier: Any, X: Any) -> Scores:
    """The same measure for every row: the order is random."""
    return np.zeros(X.shape[0])


@dataclass(frozen=True, slots=True)
class KnownProbabilities:
    """A classifier for modAL's measures whose probabilities are known already."""

    probabilities: Scores

    def predict_proba(self, _X: Any) -> Scores:
        """The known probabilities."""
        return self.probabilities


@dataclass(frozen=True, slots=True)
class Strategy:
    """How rows are measured (in modAL's own numbers), which are kept, and how the batch is picked from those.

    ``kept_rows`` is a fixed number of rows to pick from; without it, it is the batch times ``shortlist`` if
    ``diverse`` and else the batch. ``screen`` tells cheaply which rows may measure at most a bound.
    """

    measure: Measure = constant_scores
    lowest_first: bool = False
    pick: Pick = take_best
    diverse: bool = False
    kept_rows: int | None = None
    needs_model: bool = True
    needs_committee: bool = False
    screen: Screen | None = None

    def keeps(self, number: int, shortlist: int) -> int:
        """How many rows the pick is offered for a batch of ``number``."""
        rows = number * shortlist if self.diverse else number
        return max(number, self.kept_rows or rows)

    def wanting(self, classifier: Any, X: Any, floor: float) -> tuple[Positions, Scores]:
        """The rows that may be wanted at least ``floor`` (positions) and how much they are (highest first)."""
        if X.shape[0] == 0:
            return np.arange(0), np.zeros(0)
        screened = self.screen(classifier, X, -floor) if self.screen and np.isfinite(floor) else None
        if screened is None:
            return np.arange(X.shape[0]), self._scores(classifier, X)
        few = take_rows(X, screened)
        return screened, self._scores(classifier, few) if len(screened) else np.zeros(0)

    def told(self, probabilities: Scores) -> Scores:
        """How much rows are wanted of which the model's probabilities are known already (rows, classes)."""
        return self._scores(KnownProbabilities(probabilities), probabilities) if len(probabilities) else np.zeros(0)

    def _scores(self, classifier: Any, X: Any) -> Scores:
        """The measure of each row, turned so that the highest is wanted most."""
        scores = np.asarray(self.measure(classifier, X), dtype=np.float64)
        return -scores if self.lowest_first else scores

    def measured(self, wanting: Scores) -> Scores:
        """The measure in modAL's own sense: a small margin, a large entropy."""
        return 0.0 - wanting if self.lowest_first else wanting

    def __call__(
        self, classifier: Any, X: Any, n_instances: int = 1, *, labeled: Any = None, seed: int = 0, shortlist: int = 20
    ) -> tuple[Positions, Scores]:
        """The positions in ``X`` of the rows to label, most wanted first, and their measures.

        ``X`` is an array (memory-mapped or not), a CSR matrix or a pandas frame; ``labeled`` holds the rows labelled
        already, for strategies that keep away from them. Raises TrainingError if the classifier is not fitted.
        """
        self.check(classifier)
        kept = self._kept(classifier, X, self.keeps(n_instances, shortlist), seed)
        positions, wanting = kept["position"].to_numpy(), kept[WANTING].to_numpy()
        if kept.is_empty():
            return positions.astype(np.intp), wanting
        offer = Candidates(
            X=take_rows(X, positions), scores=self.measured(wanting), model=classifier, labeled=labeled, seed=seed
        )
        picks = self.pick(offer, n_instances)
        return positions[picks], offer.scores[picks]

    def check(self, classifier: Any) -> None:
        """Raise TrainingError if what is to score the rows is missing or not fitted, where modAL would guess."""
        if not self.needs_model:
            return
        if self.needs_committee and not isinstance(classifier, Committee):
            raise TrainingError(
                f"this strategy asks a committee, got {type(classifier).__name__}; "
                "fit one with tiltyard.query.committee.fit_committee"
            )
        if not self.needs_committee:
            _check_fitted(classifier)

    def _kept(self, classifier: Any, X: Any, keep: int, seed: int) -> pl.DataFrame:
        """The best rows of ``X`` as positions, wanting and chance, best first."""
        gathering = TopK(keep)
        for start, rows in _slices(X):
            positions, wanting = self.wanting(classifier, rows, gathering.floor)
            numbers = (start + positions).astype(np.uint64)
            gathering.add(pl.DataFrame({"position": start + positions}), wanting, random_keys(numbers, seed))
        return gathering.settled()


STRATEGIES: Final[dict[StrategyName, Strategy]] = {
    "margin_kmeans": Strategy(
        classifier_margin, lowest_first=True, pick=kmeans_batch, diverse=True, screen=rows_below_margin
    ),
    "margin": Strategy(classifier_margin, lowest_first=True, screen=rows_below_margin),
    "entropy": Strategy(classifier_entropy),
    "least_confident": Strategy(classifier_uncertainty),
    "ranked_batch": Strategy(classifier_uncertainty, pick=ranked_batch, kept_rows=RANKED_ROWS),
    "committee_vote": Strategy(committee_vote_entropy, needs_committee=True),
    "committee_consensus": Strategy(consensus_entropy, needs_committee=True),
    "committee_kl": Strategy(KL_max_disagreement, needs_committee=True),
    "typical": Strategy(pick=typiclust, kept_rows=TYPICAL_ROWS, needs_model=False),
    "random": Strategy(needs_model=False),
}
"""Every strategy by the name that a project file gives."""


def get_strategy(name: str) -> Strategy:
    """The strategy of that name. Raises TiltyardError naming the nearest one.

    >>> get_strategy("margn")
    Traceback (most recent call last):
    ...
    tiltyard.schemas.errors.TiltyardError: there is no strategy 'margn'; did you mean 'margin'?
    """
    for known, strategy in STRATEGIES.items():
        if known == name:
            return strategy
    raise TiltyardError(f"there is no strategy {name!r}; {nearest(name, STRATEGIES)}")


def _check_fitted(classifier: Any) -> None:
    """Raise TrainingError unless scikit-learn counts the classifier as fitted."""
    try:
        check_is_fitted(classifier.estimator if isinstance(classifier, BaseLearner) else classifier)
    except (NotFittedError, TypeError) as error:
        message = f"the model to choose with is not fitted: {type(classifier).__name__}; train it first"
        raise TrainingError(message) from error


def _slices(X: Any) -> Iterator[tuple[int, Any]]:
    """The rows of ``X`` in slices, each with the position of its first row; one empty slice if there are none."""
    for start in range(0, max(X.shape[0], 1), SLICE):
        yield start, take_rows(X, slice(start, start + SLICE))
