"""One recipe, cross-validated: what the folds say about it, and what went wrong."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tiltyard.evaluation.metrics import greater_is_better, report, score
from tiltyard.evaluation.predictions import Predictions, predict_rows
from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import Project
from tiltyard.training.folds import Split, make_folds
from tiltyard.training.recipes import Recipe
from tiltyard.training.thresholds import apply_threshold, best_threshold, cheapest_threshold, has_searchable_threshold

Labels = NDArray[np.str_]
State = Literal["complete", "dropped", "failed"]
CALIBRATED: Final = "calibrated"


@dataclass(frozen=True, slots=True)
class Trial:
    """What cross-validation said about one recipe.

    ``mean`` and ``deviation`` are of the gate's metric over folds, None where it is undefined; ``metrics`` are all
    metrics over the out-of-fold rows together; ``problem`` says why a trial could not be fitted; ``notes`` are the
    warnings it gave. ``rows`` is how many rows it saw, in which ``rung`` of a halving (from 0; other searches have
    rung 0); a trial is ``dropped`` where others of its rung went on. ``stage`` is search, warm or calibrated.
    """

    candidate: str
    estimator: str
    parameters: Mapping[str, Any]
    mean: float | None
    deviation: float | None
    metrics: Mapping[str, float]
    threshold: float | None
    problem: str = ""
    notes: tuple[str, ...] = ()
    rows: int = 0
    rung: int = 0
    state: State = "complete"
    stage: str = "search"


@dataclass(frozen=True, slots=True)
class LabeledFrame:
    """Feature rows and their effective labels, in the same order; ``units`` says whose each is, where that counts."""

    frame: pd.DataFrame
    labels: Labels
    units: Labels | None = None

    def rows(self, chosen: NDArray[np.int64]) -> "LabeledFrame":
        """Some of the rows, by position."""
        units = None if self.units is None else self.units[chosen]
        return LabeledFrame(self.frame.iloc[chosen].reset_index(drop=True), self.labels[chosen], units)

    def make_folds(self, folds: int, seed: int) -> list[Split]:
        """The folds that trials on these rows are scored by."""
        return make_folds(self.labels, folds, seed, self.units)


def cross_validate(recipe: Recipe, rows: LabeledFrame, splits: list[Split], project: Project) -> Trial:
    """A recipe's trial; one that cannot be fitted is kept with the reason."""
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(limits=1):
        warnings.simplefilter("always")
        try:
            scored = _cross_validated(recipe, rows, splits, project)
        except Exception as error:  # a candidate is the user's own code: any error belongs in its trial
            problem = f"{type(error).__name__}: {error}"
            return _trial(recipe, [], [], project, problem=problem, state="failed", rows=len(rows.labels))
    notes = tuple(sorted({f"{entry.category.__name__}: {entry.message}" for entry in caught}))
    labels = [rows.labels[held_out] for _, held_out in splits]
    return _trial(recipe, labels, scored, project, notes=notes, rows=len(rows.labels))


def ranking_key(trial: Trial, project: Project) -> tuple[float, float]:
    """What trials are ranked by: the gate's metric, then log-loss; higher is better."""
    sign = 1 if greater_is_better(project.gate.metric) else -1
    mean = -np.inf if trial.mean is None else sign * trial.mean
    return mean, -trial.metrics.get("log_loss", np.inf)


def _cross_validated(recipe: Recipe, rows: LabeledFrame, splits: list[Split], project: Project) -> list[Predictions]:
    """The predictions for each fold's held-out rows by a model that was fitted on the others."""
    predictions = []
    for fit_on, held_out in splits:
        model = recipe.fitted(rows.frame.iloc[fit_on], rows.labels[fit_on])
        check_probabilities(model, rows.frame.iloc[held_out[:1]])
        predictions.append(predict_rows(model, rows.frame.iloc[held_out], project))
    return predictions


def _trial(
    recipe: Recipe,
    labels: list[Labels],
    scored: list[Predictions],
    project: Project,
    **told: Any,
) -> Trial:
    """The record of a trial: threshold first, then the metric of each fold and all metrics over the folds."""
    metric = project.gate.metric
    threshold = _threshold(labels, scored, project)
    if threshold is not None:
        scored = [apply_threshold(threshold, predictions) for predictions in scored]
    values = [score(metric, *fold) for fold in zip(labels, scored, strict=True)]
    defined = [value for value in values if np.isfinite(value)]
    mean = float(np.mean(defined)) if defined else None
    deviation = float(np.std(defined)) if defined else None
    metrics = report(np.concatenate(labels), _together(scored)) if scored else {}
    stage = CALIBRATED if recipe.calibration != "none" else ("warm" if recipe.start == "warm" else "search")
    made = (recipe.candidate, recipe.estimator, recipe.parameters)
    return Trial(*made, mean, deviation, metrics, threshold, stage=stage, **told)


def _threshold(labels: list[Labels], scored: list[Predictions], project: Project) -> float | None:
    """The threshold that the folds say, in the way that the project file asks; None where there is none to find."""
    if not scored:
        return None
    if project.tuning.threshold == "costs":
        return cheapest_threshold(project.costs, labels, scored)
    if project.tuning.threshold == "search" and has_searchable_threshold(project.gate.metric, scored[0]):
        return best_threshold(project.gate.metric, labels, scored)
    return None


def _together(folds: list[Predictions]) -> Predictions:
    """The predictions of all folds as one."""
    probabilities = np.concatenate([fold.probabilities for fold in folds])
    decisions = np.concatenate([fold.decisions for fold in folds])
    return Predictions(probabilities, decisions, folds[0].class_names, folds[0].positive)


OURS_TO_TRUST: Final = "sklearn."
"""Where estimators answer alike from the same seed; it is tested there."""
ROWS: Final = 200
"""Rows of the two fits that are compared."""
ANOTHER: Final = (
    "two fits from the same rows answer differently: it draws chance from elsewhere than random_state, "
    "so a rebuild will not give this model again"
)


def check_probabilities(model: Any, rows: pd.DataFrame) -> None:
    """Raise TrainingError where a fitted model's probabilities cannot be ones: other classes, holes, other sums."""
    if not hasattr(model, "classes_"):
        raise TrainingError("it sets no classes_ when it is fitted; derive it from ClassifierMixin and set it")
    told = np.asarray(model.predict_proba(rows))
    wanted = (len(rows), len(model.classes_))
    if told.shape != wanted:
        raise TrainingError(f"predict_proba gives an array of shape {told.shape}, expected {wanted}")
    if not np.isfinite(told).all():
        raise TrainingError("predict_proba gives NaN or infinite values")
    if (told < 0).any() or not np.allclose(told.sum(axis=1), 1, atol=1e-3):
        raise TrainingError(
            f"predict_proba gives {told[0].round(3).tolist()}; probabilities must be at least 0 and sum to 1"
        )


def determinism_warnings(recipe: Recipe, frame: pd.DataFrame, labels: NDArray[np.str_]) -> tuple[str, ...]:
    """A warning if two fits of a recipe from the same rows give different probabilities; else empty.

    Asked of estimators from outside scikit-learn only, on the first ``ROWS`` rows, where these hold two classes.
    """
    few, some = frame.head(ROWS), labels[:ROWS]
    if recipe.estimator.startswith(OURS_TO_TRUST) or len(set(some)) < 2:
        return ()
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore")  # the trial has recorded them
        first, again = (np.asarray(recipe.fitted(few, some).predict_proba(few)) for _ in range(2))
    return () if np.allclose(first, again, atol=1e-6, equal_nan=True) else (ANOTHER,)
