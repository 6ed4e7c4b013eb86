"""What can be fitted: the project file's candidates, or defaults for its kinds of columns, as unfitted pipelines."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from tiltyard.samples.numeric_bounds import STEP, Bounded
from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import Candidate, Project, Range, Tuning
from tiltyard.training.estimators import build_estimator
from tiltyard.training.folds import with_calibrated_probabilities
from tiltyard.training.preprocessing import only_text, preprocessing
from tiltyard.training.search.search_space import parameter_combinations

LINEAR = "sklearn.linear_model.LogisticRegression"
TREES = "sklearn.ensemble.HistGradientBoostingClassifier"

# Few, regularised leaves: with 100-2,000 labels they beat scikit-learn's own defaults in log-loss and time on
# every set that was tried. No class weights: they spoil the probabilities that choosing lives on, and the
# threshold search answers to rare classes.
DEFAULT_TREES = Candidate(
    name="trees",
    estimator=TREES,
    parameters={
        "max_iter": 60,
        "max_leaf_nodes": 15,
        "min_samples_leaf": 5,
        "l2_regularization": 1.0,
        # Its own split for early stopping fails on a class of one row.
        "early_stopping": False,
    },
    space={
        "learning_rate": Range(low=0.02, high=0.3, log=True),
        "max_iter": Range(low=30, high=300, log=True, integer=True),
        "max_leaf_nodes": Range(low=4, high=64, log=True, integer=True),
        "min_samples_leaf": Range(low=2, high=40, log=True, integer=True),
        "l2_regularization": Range(low=0.01, high=10, log=True),
    },
)
DEFAULT_LINEAR = Candidate(
    name="linear",
    estimator=LINEAR,
    parameters={"max_iter": 1000},
    space={"C": Range(low=0.001, high=100, log=True)},
)
# TF-IDF rows have length one, so the penalty must be weaker; the looser tolerance halves the time.
DEFAULT_TEXT = Candidate(
    name="text-linear",
    estimator=LINEAR,
    parameters={"C": 10.0, "tol": 1e-3, "max_iter": 1000},
    space={"C": Range(low=0.1, high=1000, log=True)},
)

Start = Literal["cold", "warm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One trial before it is fitted: all that decides over a model beside rows, labels and the threshold.

    ``pipeline`` is unfitted; ``by_rows`` is whether classes are balanced by the weight of rows; ``calibration`` names
    the method that is in the pipeline, over ``calibration_folds``.
    """

    candidate: str
    estimator: str
    parameters: Mapping[str, Any]
    pipeline: Any
    preprocessing: Literal["default", "none"] = "default"
    by_rows: bool = False
    class_weight: Literal["none", "balanced"] = "none"
    calibration: str = "none"
    calibration_folds: int = 0
    start: Start = "cold"

    def fitted(self, frame: Any, labels: NDArray[np.str_]) -> Any:
        """A fresh copy of the pipeline, fitted on feature rows and their labels."""
        return clone(self.pipeline).fit(frame, labels, **fit_arguments(self.by_rows, labels))

    def written(self) -> dict[str, Any]:
        """The recipe as the ledger keeps it; :func:`restore_recipe` reads it."""
        return {
            "candidate": self.candidate,
            "estimator": self.estimator,
            "parameters": dict(self.parameters),
            "preprocessing": self.preprocessing,
            "class_weight": self.class_weight,
            "calibration": self.calibration,
            "calibration_folds": self.calibration_folds,
            "start": self.start,
        }


def build_recipes(project: Project, seed: int) -> list[Recipe]:
    """Every trial that is known before the first is fitted: each candidate with each of its combinations, in order.

    Each pipeline takes ``feature_frame(rows, project)``. Raises TrainingError, naming the candidate, where
    one breaks scikit-learn's contract.
    """
    return [
        build_recipe(candidate, chosen, project, seed)
        for candidate in candidates_of(project)
        for chosen in parameter_combinations(candidate, project.tuning, seed)
    ]


def candidates_of(project: Project) -> list[Candidate]:
    """The project file's candidates, or the defaults where it names none, with spaces where these are searched."""
    if project.candidates:
        return project.candidates
    defaults = [DEFAULT_TEXT] if only_text(project) else [DEFAULT_LINEAR, DEFAULT_TREES]
    if project.tuning.search != "grid":
        return defaults
    return [candidate.model_copy(update={"space": {}}) for candidate in defaults]


def build_recipe(candidate: Candidate, chosen: Mapping[str, Any], project: Project, seed: int) -> Recipe:
    """A candidate's recipe with some of its parameters chosen; TrainingError names the candidate that is at fault."""
    body = {
        "candidate": candidate.name,
        "estimator": candidate.estimator,
        "parameters": {**candidate.parameters, **chosen},
        "preprocessing": candidate.preprocessing,
        "class_weight": project.tuning.class_weight,
    }
    try:
        return restore_recipe(body, project, seed)
    except TrainingError as error:
        raise TrainingError(f"candidate {candidate.name!r}: {error}") from error


def restore_recipe(body: Mapping[str, Any], project: Project, seed: int) -> Recipe:
    """The recipe that the ledger recorded for a model, under the project file as it was then.

    What a recipe of before does not say is what was done then: the candidate's preprocessing, no weights, no
    calibration.
    """
    parameters = dict(body["parameters"])
    estimator = build_estimator(body["estimator"], parameters, seed)
    weight = body.get("class_weight", "none")
    tuning = project.tuning.model_copy(update={"class_weight": weight})
    by_rows = needs_row_weights(estimator, body["estimator"], tuning)
    steps = [(STEP, Bounded()), ("estimator", estimator)]
    prepared = body.get("preprocessing") or _preprocessing_then(body["candidate"], project)
    if prepared == "default":
        steps.insert(1, ("preprocessing", preprocessing(project, estimator)))
    plain = Recipe(
        candidate=body["candidate"],
        estimator=body["estimator"],
        parameters=parameters,
        pipeline=Pipeline(steps),
        preprocessing=prepared,
        by_rows=by_rows,
        class_weight=weight,
        start=body.get("start", "cold"),
    )
    return with_calibration(plain, body.get("calibration", "none"), body.get("calibration_folds", 0))


def with_calibration(recipe: Recipe, method: str, folds: int) -> Recipe:
    """The same recipe with its probabilities calibrated by a method over some folds; ``none`` leaves it as it is."""
    if method == "none":
        return recipe
    pipeline = with_calibrated_probabilities(recipe.pipeline, method, folds)
    return replace(recipe, pipeline=pipeline, calibration=method, calibration_folds=folds)


def _preprocessing_then(name: str, project: Project) -> Literal["default", "none"]:
    """How a project's candidate of that name prepares its columns."""
    return next((one.preprocessing for one in candidates_of(project) if one.name == name), "default")


def needs_row_weights(estimator: Any, path: str, tuning: Tuning) -> bool:
    """Whether an estimator needs row weights to balance classes; it gets class weights if it can take them.

    If classes must be balanced and the estimator has a ``class_weight`` of its own, that is set here, unless the
    project file has set it. Raises TrainingError for an estimator that takes neither, and for one that takes rows'
    weights where probabilities are calibrated too: the calibration would weigh the rows again and undo itself.
    """
    if tuning.class_weight == "none":
        return False
    known = estimator.get_params(deep=True)
    if "class_weight" in known:
        estimator.set_params(class_weight=known["class_weight"] or tuning.class_weight)
        return False
    if not has_fit_parameter(estimator, "sample_weight"):
        raise TrainingError(
            f"estimator {path!r} takes neither class_weight nor sample_weight, so classes cannot be balanced; "
            "set tuning.class_weight to none or name another estimator"
        )
    if tuning.calibration != "none":
        raise TrainingError(
            f"estimator {path!r} can balance classes by the weight of rows only, which calibration would undo; "
            "set tuning.class_weight or tuning.calibration to none"
        )
    return True


def fit_arguments(by_rows: bool, labels: NDArray[np.str_]) -> dict[str, NDArray[np.float64]]:
    """What a pipeline's ``fit`` is given beside rows and labels: n weights, or nothing.

    A row weighs n / (classes * rows of its class), as scikit-learn's ``balanced`` does (King and Zeng 2001).

    >>> fit_arguments(True, np.array(["a", "b", "b", "b"]))["estimator__sample_weight"].round(2).tolist()
    [2.0, 0.67, 0.67, 0.67]
    """
    return {"estimator__sample_weight": compute_sample_weight("balanced", labels)} if by_rows else {}
