"""Every trial cross-validated on the same folds, the best one fitted on all rows: the candidate that will be judged."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from schemas.errors import TrainingError, nearest
from schemas.project import Project
from tiltyard.rules.folds import Split, deal_folds
from tiltyard.rules.metrics import greater_is_better, report, score
from tiltyard.rules.predictions import Predictions, predictions_of
from tiltyard.rules.recipes import Recipe, recipes_of
from tiltyard.rules.thresholds import best_threshold, can_search, decided_at, with_threshold

Labels = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Trial:
    """What cross-validation said about one recipe.

    ``mean`` and ``deviation`` are of the gate's metric over folds, None where it is undefined; ``metrics`` are all
    metrics over the out-of-fold rows together; ``problem`` says why a trial could not be fitted; ``notes``
    are the warnings it gave.
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


@dataclass(frozen=True, slots=True)
class Fitted:
    """The best trial, fitted on all rows, and every trial that it was compared with."""

    model: Any
    best: Trial
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class LabeledFrame:
    """Feature rows and their effective labels, in the same order."""

    frame: pd.DataFrame
    labels: Labels


def fit_candidates(frame: pd.DataFrame, labels: Labels, project: Project, seed: int) -> Fitted:
    """The best of the project's candidates, fitted on all n rows.

    ``frame`` is ``feature_frame(rows, project)``, ``labels`` is text (n,). Every trial is scored by the gate's metric
    on the same stratified folds (ties go to the lower log-loss, then to the project file's order). The model
    knows only the classes among ``labels``. Same rows, labels and seed give the same model.

    Raises TrainingError where labels are too few (saying how many are missing), of one class or unknown to
    the project file, where a candidate breaks its contract, and where no trial could be fitted.
    """
    check_labels(labels, project)
    rows = LabeledFrame(frame.reset_index(drop=True), np.asarray(labels).astype(str))
    splits = deal_folds(rows.labels, project.tuning.folds, seed)
    with threadpool_limits(limits=1):
        recipes = recipes_of(project, seed)
        trials = tuple(_tried(recipe, rows, splits, project) for recipe in recipes)
        return _refitted(recipes, trials, rows, project)


def check_labels(labels: Labels, project: Project) -> None:
    """Raise TrainingError where labels cannot be trained from, saying how many of what are missing."""
    wanted = project.tuning.minimum_labels
    if len(labels) < wanted:
        raise TrainingError(f"{len(labels)} training labels, {wanted} are needed: {wanted - len(labels)} are missing")
    held = sorted({str(label) for label in labels})
    unknown = [name for name in held if name not in project.class_names]
    if unknown:
        hint = nearest(unknown[0], project.class_names)
        raise TrainingError(f"label {unknown[0]!r} is not a class of the project file; {hint}")
    if len(held) == 1:
        others = ", ".join(name for name in project.class_names if name != held[0])
        raise TrainingError(
            f"all {len(labels)} training labels are {held[0]!r}: "
            f"at least 1 label of another class is missing ({others})"
        )


def _tried(recipe: Recipe, rows: LabeledFrame, splits: list[Split], project: Project) -> Trial:
    """A recipe's trial; one that cannot be fitted is kept with the reason."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            scored = _cross_validated(recipe, rows, splits, project)
        except Exception as error:  # a candidate is the user's own code: whatever it raises belongs in its trial
            return _trial(recipe, [], [], project, problem=f"{type(error).__name__}: {error}")
    notes = tuple(sorted({f"{entry.category.__name__}: {entry.message}" for entry in caught}))
    return _trial(recipe, [rows.labels[held_out] for _, held_out in splits], scored, project, notes=notes)


def _cross_validated(recipe: Recipe, rows: LabeledFrame, splits: list[Split], project: Project) -> list[Predictions]:
    """The predictions for each fold's held-out rows by a model that was fitted on the others."""
    predictions = []
    for fit_on, held_out in splits:
        model = clone(recipe.pipeline).fit(rows.frame.iloc[fit_on], rows.labels[fit_on])
        predictions.append(predictions_of(model, rows.frame.iloc[held_out], project))
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
    threshold = None
    if scored and project.tuning.threshold == "search" and can_search(metric, scored[0]):
        threshold = best_threshold(metric, labels, scored)
        scored = [decided_at(threshold, predictions) for predictions in scored]
    values = [score(metric, *fold) for fold in zip(labels, scored, strict=True)]
    defined = [value for value in values if np.isfinite(value)]
    mean = float(np.mean(defined)) if defined else None
    deviation = float(np.std(defined)) if defined else None
    metrics = report(np.concatenate(labels), _together(scored)) if scored else {}
    return Trial(recipe.candidate, recipe.estimator, recipe.parameters, mean, deviation, metrics, threshold, **told)


def _together(folds: list[Predictions]) -> Predictions:
    """The predictions of all folds as one."""
    probabilities = np.concatenate([fold.probabilities for fold in folds])
    decisions = np.concatenate([fold.decisions for fold in folds])
    return Predictions(probabilities, decisions, folds[0].class_names, folds[0].positive)


def _refitted(recipes: list[Recipe], trials: tuple[Trial, ...], rows: LabeledFrame, project: Project) -> Fitted:
    """The best recipe fitted on every row, with its threshold."""
    sound = [number for number, trial in enumerate(trials) if not trial.problem]
    if not sound:
        reasons = "; ".join(f"{trial.candidate}: {trial.problem}" for trial in trials)
        raise TrainingError(f"no candidate could be fitted from {len(rows.labels)} labels: {reasons}")
    best = max(sound, key=lambda number: (*_merit(trials[number], project), -number))
    with warnings.catch_warnings():
        # The trial has already told them in its notes.
        warnings.simplefilter("ignore")
        model = clone(recipes[best].pipeline).fit(rows.frame, rows.labels)
    artefact = with_threshold(model, trials[best].threshold, project.positive_class)
    return Fitted(artefact, trials[best], trials)


def _merit(trial: Trial, project: Project) -> tuple[float, float]:
    """What trials are ranked by: the gate's metric, then log-loss; higher is better."""
    sign = 1 if greater_is_better(project.gate.metric) else -1
    mean = -np.inf if trial.mean is None else sign * trial.mean
    return mean, -trial.metrics.get("log_loss", np.inf)
