"""The best of many trials, fitted on all rows: the candidate that will be judged.

A search says which recipe and which threshold (:func:`choose_recipe`); fitting what it said is a step of its own
(:func:`fit_recorded`), so a model that is rebuilt is fitted from what was recorded, and nothing is searched again.
"""

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypedDict, Unpack

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tiltyard.schemas.errors import TrainingError, nearest
from tiltyard.schemas.project import Candidate, Project
from tiltyard.training.cross_validation import (
    LabeledFrame,
    Labels,
    Trial,
    cross_validate,
    determinism_warnings,
    ranking_key,
)
from tiltyard.training.folds import calibration_folds
from tiltyard.training.recipes import (
    Recipe,
    build_recipe,
    build_recipes,
    candidates_of,
    restore_recipe,
    with_calibration,
)
from tiltyard.training.search.search import Attempt, Clock, Search, successive_halving
from tiltyard.training.thresholds import with_threshold

__all__ = ["Chosen", "Fitted", "Labels", "Trial", "check_labels", "choose_recipe", "fit_candidates", "fit_recorded"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a search came to: the recipe as the ledger keeps it, its trial, and every trial in the order of trying."""

    recipe: Mapping[str, Any]
    best: Trial
    trials: tuple[Trial, ...]

    def written(self) -> dict[str, Any]:
        """The same as JSON types; :meth:`read` is the inverse."""
        trials = [asdict(trial) for trial in self.trials]
        return {"recipe": dict(self.recipe), "best": self.trials.index(self.best), "trials": trials}

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> "Chosen":
        """What :meth:`written` gave."""
        trials = tuple(Trial(**{**one, "notes": tuple(one["notes"])}) for one in body["trials"])
        return cls(body["recipe"], trials[body["best"]], trials)


@dataclass(frozen=True, slots=True)
class Fitted:
    """The best trial, fitted on all rows, every trial that it was compared with, and the recipe as the ledger
    keeps it."""

    model: Any
    best: Trial
    trials: tuple[Trial, ...]
    recipe: Mapping[str, Any] = field(default_factory=dict)


class Start(TypedDict, total=False):
    """What a search may be given beside rows, project and seed: the champion's recorded recipe, to start ``warm``; the
    ``clock`` that ``tuning.seconds`` is counted by; and whose each row is (``units``, text (n,)), if the rows of one
    entity must be on one side of every fold."""

    units: Labels | None
    warm: Mapping[str, Any] | None
    clock: Clock | None


def fit_candidates(frame: pd.DataFrame, labels: Labels, project: Project, seed: int, **start: Unpack[Start]) -> Fitted:
    """The best of the project's candidates, fitted on all n rows.

    ``frame`` is ``feature_frame(rows, project)``, ``labels`` is text (n,). Every trial is scored by the gate's metric
    on the same stratified folds (ties go to the lower log-loss, then to the one tried first). The model
    knows only the classes among ``labels``. Same rows, labels, seed and ``warm`` give the same model, unless
    ``tuning.seconds`` ends the search by the ``clock``.

    Raises TrainingError where labels are too few (saying how many are missing), of one class or unknown to
    the project file, where a candidate breaks its contract, and where no trial could be fitted.
    """
    chosen = choose_recipe(frame, labels, project, seed, **start)
    model = fit_recorded(frame, labels, project, seed, recipe=chosen.recipe, threshold=chosen.best.threshold)
    return Fitted(model, chosen.best, chosen.trials, chosen.recipe)


def choose_recipe(frame: pd.DataFrame, labels: Labels, project: Project, seed: int, **start: Unpack[Start]) -> Chosen:
    """The recipe and the threshold that the project's search finds best; raises like :func:`fit_candidates`."""
    check_labels(labels, project)
    rows = LabeledFrame(frame.reset_index(drop=True), np.asarray(labels).astype(str), start.get("units"))
    with threadpool_limits(limits=1):
        search = Search(rows, project, seed, start.get("clock"))
        run_search(search, _warm(start.get("warm"), project, seed))
        best = _calibrated(_best(search), search)
        best = _noted(best, search)
    trials = tuple(one.trial for one in search.attempts)
    return Chosen({**best.recipe.written(), "search": _summary(search)}, best.trial, trials)


def fit_recorded(
    frame: pd.DataFrame,
    labels: Labels,
    project: Project,
    seed: int,
    *,
    recipe: Mapping[str, Any],
    threshold: float | None,
) -> Any:
    """The model that a recorded recipe and threshold give from all rows: one artefact, equal for equal arguments."""
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        # The trial has already recorded them in its notes.
        warnings.simplefilter("ignore")
        whole = frame.reset_index(drop=True)
        model = restore_recipe(recipe, project, seed).fitted(whole, np.asarray(labels).astype(str))
    return with_threshold(model, threshold, project.positive_class)


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


def _warm(recorded: Mapping[str, Any] | None, project: Project, seed: int) -> Recipe | None:
    """The champion's recipe as a trial of its own, under today's project file."""
    if recorded is None:
        return None
    own = {name: recorded[name] for name in ("candidate", "estimator", "parameters")}
    own["preprocessing"] = recorded.get("preprocessing")
    today = {**own, "class_weight": project.tuning.class_weight, "start": "warm"}
    try:
        return restore_recipe(today, project, seed)
    except TrainingError as error:
        raise TrainingError(f"the champion's own recipe: {error}; or set tuning.start to cold") from error


def _best(search: Search) -> Attempt:
    """The best attempt on all rows; ties go to the first."""
    whole = len(search.rows.labels)
    sound = [one for one in search.attempts if one.trial.state == "complete" and one.trial.rows == whole]
    # Time may be over before the last rung; then the rung that saw the most rows decides.
    sound = sound or [one for one in search.attempts if one.trial.state != "failed"]
    if not sound:
        reasons = "; ".join(f"{one.trial.candidate}: {one.trial.problem}" for one in search.attempts)
        raise TrainingError(f"no candidate could be fitted from {whole} labels: {reasons}")
    return max(sound, key=lambda one: (one.trial.rows, *ranking_key(one.trial, search.project)))


def _calibrated(best: Attempt, search: Search) -> Attempt:
    """The best attempt tried again with its probabilities calibrated, so that its threshold is of these; itself where
    the project file asks for none or a class has too few rows for it, which is noted."""
    method, labels = search.project.tuning.calibration, search.rows.labels
    if method == "none":
        return best
    folds = calibration_folds(labels, search.splits, search.project.tuning.folds)
    if folds < 2:
        note = "not calibrated: a class has too few labels to be both fitted from and calibrated with"
        return _with_notes(best, (note,), search)
    recipe = with_calibration(best.recipe, method, folds)
    again = Attempt(recipe, cross_validate(recipe, search.rows, search.splits, search.project))
    search.attempts.append(again)
    return again if not again.trial.problem else best


def _noted(best: Attempt, search: Search) -> Attempt:
    """The best attempt with its notes."""
    notes = (*_about_folds(search), *determinism_warnings(best.recipe, search.rows.frame, search.rows.labels))
    return _with_notes(best, notes, search) if notes else best


def _about_folds(search: Search) -> tuple[str, ...]:
    """Why entities left fewer folds than the project file asks for, if they did."""
    dealt, wanted = len(search.splits), search.project.tuning.folds
    if search.rows.units is None or dealt >= wanted:
        return ()
    why = (
        "all rows of an entity stay together, and each class must be in the training part of every fold; "
        "label more entities"
    )
    return (f"{dealt} folds instead of {wanted} were scored: {why}" if dealt else f"not cross-validated: {why}",)


def _with_notes(attempt: Attempt, notes: tuple[str, ...], search: Search) -> Attempt:
    """The attempt with more notes on its trial, in its place among the others."""
    noted = replace(attempt, trial=replace(attempt.trial, notes=(*attempt.trial.notes, *notes)))
    search.attempts = [noted if one is attempt else one for one in search.attempts]
    return noted


def _summary(search: Search) -> dict[str, Any]:
    """How the search went, for the record."""
    return {"method": search.project.tuning.search, "tried": len(search.attempts), "left": search.left}


def run_search(search: Search, warm: Recipe | None = None) -> list[Attempt]:
    """Every attempt of a project's search, in the order of trying; the champion's own recipe first where it is given.

    The same rows, labels and seed give the same attempts for any number of workers, unless seconds are limited.
    """
    project, seed = search.project, search.seed
    known = [] if warm is None else [warm]
    if project.tuning.search in {"grid", "random"}:
        search.attempt([*known, *build_recipes(project, seed)])
        return search.attempts
    candidates = candidates_of(project)
    plain = [build_recipe(one, {}, project, seed) for one in candidates if not one.is_searched]
    search.attempt([*known, *plain])
    for candidate in candidates:
        if candidate.is_searched:
            _adaptive(candidate, search)
    return search.attempts


def _adaptive(candidate: Candidate, search: Search) -> None:
    """Try combinations of one candidate, the later ones chosen by what the earlier said."""
    if search.project.tuning.search == "halving":
        successive_halving(candidate, search)
        return
    # Optuna is an extra, and its import takes a second.
    from tiltyard.training.search.optuna_search import ask_optuna

    ask_optuna(candidate, search)
