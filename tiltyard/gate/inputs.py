"""Inputs of the gate: labeled evaluation rows, the predictions of both models, and the results of checks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Required, Self, TypedDict, Unpack

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tiltyard.evaluation.bootstrap import CELLS, row_bootstrap
from tiltyard.evaluation.predictions import Predictions
from tiltyard.evaluation.strata import Strata, weights_of
from tiltyard.schemas.project import Gate
from tiltyard.schemas.records import Check


@dataclass(frozen=True, slots=True)
class CheckResults:
    """Checks in display order, and their part of the verdict's evidence: JSON by name."""

    checks: tuple[Check, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)


def merge(findings: Iterable[CheckResults]) -> CheckResults:
    """All results as one. Raises ValueError if two of them record evidence under the same name.

    >>> merge([CheckResults(evidence={"churn": 0.1}), CheckResults(evidence={"age": 3})]).evidence
    {'churn': 0.1, 'age': 3}
    """
    checks: list[Check] = []
    evidence: dict[str, Any] = {}
    for one in findings:
        checks += one.checks
        twice = evidence.keys() & one.evidence.keys()
        if twice:
            raise ValueError(f"evidence recorded twice: {', '.join(sorted(twice))}")
        evidence |= one.evidence
    return CheckResults(tuple(checks), evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUnderTest:
    """One of the two models: its predictions for the evaluation rows and its training set.

    ``model`` is the fitted object, ``training`` its labeled set (sample_id, label, own columns), ``size`` the bytes of
    the stored artefact, known where the project file limits them.
    """

    model_id: str
    model: Any
    predictions: Predictions
    training: pl.DataFrame
    size: int | None


class Circumstances(TypedDict, total=False):
    """The fields of :class:`CheckContext` that do not follow from its rows."""

    seed: Required[int]
    now: Required[datetime]
    level: float
    labeled_at: datetime | None
    population: tuple[Predictions, Predictions] | None
    stopwatch: Callable[[], float] | None
    units: NDArray[np.str_] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckContext:
    """The input of the checks: n labeled evaluation rows and both models' predictions for them.

    ``rows`` has sample_id, label and the project's own columns; ``labels`` (n,) are its labels; ``weights`` (n,) say
    how many rows of the population each stands for, all 1 where they are a plain random sample. ``level`` is the
    one-sided error that this look may make; ``now`` is when it happens, ``labeled_at`` when the newest of the labels
    was given. ``population`` has the champion's and the challenger's answers for the rows of the population, labeled or
    not; none where they were not asked. ``stopwatch`` gives seconds that only grow; it is read where the policy
    limits the time of a prediction. ``units`` (n,) says whose each row is, where rows of one entity are drawn together.
    """

    rows: pl.DataFrame
    labels: NDArray[np.str_]
    weights: NDArray[np.float64]
    challenger: ModelUnderTest
    champion: ModelUnderTest | None
    seed: int
    now: datetime
    level: float = 0.025
    strata: Strata | None = None
    labeled_at: datetime | None = None
    population: tuple[Predictions, Predictions] | None = None
    stopwatch: Callable[[], float] | None = None
    units: NDArray[np.str_] | None = None

    @classmethod
    def of(
        cls, rows: pl.DataFrame, models: Sequence[ModelUnderTest], strata: Strata | None, **given: Unpack[Circumstances]
    ) -> Self:
        """The context of labeled rows; ``models`` are the challenger and, if there is one, the champion.

        Labels and weights are derived from the rows and their strata, once for every check.
        """
        return cls(
            rows=rows,
            labels=rows["label"].to_numpy().astype(str),
            weights=weights_of(strata) if strata else np.ones(rows.height),
            challenger=models[0],
            champion=models[1] if len(models) > 1 else None,
            strata=strata,
            **given,
        )

    @property
    def overlap(self) -> int:
        """The number of evaluation rows that are in a training set of one of the models; it must be 0."""
        models = [self.challenger, *([self.champion] if self.champion else [])]
        trained = pl.concat([model.training["sample_id"] for model in models])
        return int(self.rows["sample_id"].is_in(trained.implode()).sum())

    def resampled_weights(self, draws: int, cells: int = CELLS) -> NDArray[np.float64]:
        """The rows' weights, then their weights in each bootstrap resample; float64 (1 + draws, n)."""
        return row_bootstrap(self.weights, self.strata, self.units, self.seed, draws, cells)


def harm_level(policy: Gate) -> float:
    """The one-sided error of a check that blocks: harm is shown with the confidence of a first look, at every look.

    The levels of further looks are paid for by promotions alone: a look that must convince more to promote would
    otherwise also need more to see harm.

    >>> round(harm_level(Gate(confidence=0.9)), 6)
    0.05
    """
    return (1 - policy.confidence) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The input of the decision: n evaluation rows with effective labels and both models' predictions for them.

    ``overlap`` is how many of these rows are in either model's training set. ``look`` counts the judgings since the
    last promotion or roll-back, this one among them; ``looks_at_challenger`` those of this challenger. ``strata`` says
    what the rows stand for where labels were drawn at the disagreement; ``findings`` are the other families' checks.
    ``disagreement`` is whether labels can be asked for where the models disagree, ``drawable`` on how many rows of the
    population they do and no label is known; None where nobody counted. ``units`` (n,) says whose each row is, where
    rows of one entity are drawn together.
    """

    labels: NDArray[np.str_]
    challenger: Predictions
    champion: Predictions | None
    overlap: int
    look: int = 1
    looks_at_challenger: int = 1
    seed: int = 0
    strata: Strata | None = None
    findings: CheckResults = field(default_factory=CheckResults)
    disagreement: bool = True
    drawable: int | None = None
    units: NDArray[np.str_] | None = None
