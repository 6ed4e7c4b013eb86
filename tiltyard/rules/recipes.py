"""What can be fitted: the project file's candidates, or defaults for its kinds of columns, as unfitted pipelines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline

from schemas.errors import TrainingError
from schemas.project import Project
from schemas.tuning import Candidate
from tiltyard.rules.estimators import estimator_of, with_parameters
from tiltyard.rules.preprocessing import only_text, preprocessing

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
)
DEFAULT_LINEAR = Candidate(name="linear", estimator=LINEAR, parameters={"max_iter": 1000})
# TF-IDF rows have length one, so the penalty must be weaker; the looser tolerance halves the time.
DEFAULT_TEXT = Candidate(name="text-linear", estimator=LINEAR, parameters={"C": 10.0, "tol": 1e-3, "max_iter": 1000})


@dataclass(frozen=True, slots=True)
class Recipe:
    """One trial before it is fitted."""

    candidate: str
    estimator: str
    parameters: Mapping[str, Any]
    pipeline: Any


def recipes_of(project: Project, seed: int) -> list[Recipe]:
    """Every trial of a project: each candidate with each combination of its grid, in the project file's order.

    Each pipeline takes ``feature_frame(rows, project)``. Raises TrainingError, naming the candidate, where
    one breaks scikit-learn's contract.
    """
    return [recipe for candidate in candidates_of(project) for recipe in _trials(candidate, project, seed)]


def candidates_of(project: Project) -> list[Candidate]:
    """The project file's candidates, or the defaults where it names none."""
    if project.candidates:
        return project.candidates
    return [DEFAULT_TEXT] if only_text(project) else [DEFAULT_LINEAR, DEFAULT_TREES]


def _trials(candidate: Candidate, project: Project, seed: int) -> list[Recipe]:
    """One recipe for each combination of a candidate's grid."""
    try:
        return [_recipe(candidate, chosen, project, seed) for chosen in ParameterGrid(candidate.grid)]
    except TrainingError as error:
        raise TrainingError(f"candidate {candidate.name!r}: {error}") from error


def _recipe(candidate: Candidate, chosen: Mapping[str, Any], project: Project, seed: int) -> Recipe:
    """The pipeline of one combination: preprocessing (unless it is declined) and the estimator."""
    estimator = estimator_of(candidate.estimator, candidate.parameters, seed)
    estimator = with_parameters(estimator, candidate.estimator, chosen)
    steps = [("estimator", estimator)]
    if candidate.preprocessing == "default":
        steps.insert(0, ("preprocessing", preprocessing(project, estimator)))
    return Recipe(candidate.name, candidate.estimator, {**candidate.parameters, **chosen}, Pipeline(steps))
