"""Short questions to a fitted candidate, so that a broken contract is told in a sentence, not by a stack of calls."""

import warnings
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tiltyard.schemas.errors import TrainingError
from tiltyard.training.recipes import Recipe

OURS_TO_TRUST: Final = "sklearn."
"""Where estimators answer alike from the same seed; it is tested there."""
ROWS: Final = 200
"""Rows of the two fits that are compared."""
ANOTHER: Final = (
    "two fits from the same rows answer differently: it draws chance from elsewhere than random_state, "
    "so a rebuild will not give this model again"
)


def refuse_answers(model: Any, rows: pd.DataFrame) -> None:
    """Raise TrainingError where a fitted model's probabilities cannot be ones: other classes, holes, other sums."""
    if not hasattr(model, "classes_"):
        raise TrainingError("it sets no classes_ when it is fitted; derive it from ClassifierMixin and set it")
    told = np.asarray(model.predict_proba(rows))
    wanted = (len(rows), len(model.classes_))
    if told.shape != wanted:
        raise TrainingError(f"predict_proba gives an array of shape {told.shape} where {wanted} is due")
    if not np.isfinite(told).all():
        raise TrainingError("predict_proba gives values that are no numbers")
    if (told < 0).any() or not np.allclose(told.sum(axis=1), 1, atol=1e-3):
        raise TrainingError(f"predict_proba gives {told[0].round(3).tolist()}, which are no probabilities")


def notes_on(recipe: Recipe, frame: pd.DataFrame, labels: NDArray[np.str_]) -> tuple[str, ...]:
    """What is to be told of a recipe beside its warnings: that it is not fitted alike twice from the same rows.

    Asked of estimators from outside scikit-learn only, on the first ``ROWS`` rows, where these hold two classes.
    """
    few, some = frame.head(ROWS), labels[:ROWS]
    if recipe.estimator.startswith(OURS_TO_TRUST) or len(set(some)) < 2:
        return ()
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore")  # the trial has told them
        first, again = (np.asarray(recipe.fitted(few, some).predict_proba(few)) for _ in range(2))
    return () if np.allclose(first, again, atol=1e-6, equal_nan=True) else (ANOTHER,)
