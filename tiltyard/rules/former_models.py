"""Models that were trained under another project file, asked about today's rows."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

from schemas.project import Project
from tiltyard.rules.features import MISSING
from tiltyard.rules.thresholds import with_threshold

STEP: Final = "columns of then"
TEXTS: Final = frozenset({"category", "text"})


class ColumnsOfThen(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn brings no types
    """From today's feature frame to the one that a model was trained on: as wide, and in its order.

    What today's rows no longer have is missing in all of them, as it will be to whoever asks the model from now on.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        """``kinds`` are the features of the model's time with their kinds."""
        self.kinds = kinds

    def fit(self, _frame: pd.DataFrame, _labels: Any = None) -> "ColumnsOfThen":
        """Nothing is learnt."""
        return self

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with the columns of then, by name; of n rows as many."""
        gone = {name: MISSING if self.kinds[name] in TEXTS else float("nan") for name in self.kinds}
        columns = {name: frame[name] if name in frame else gone[name] for name in sorted(self.kinds)}
        return pd.DataFrame(columns, index=frame.index)

    def __sklearn_is_fitted__(self) -> bool:
        """It always is."""
        return True


def asked_today(model: Any, features: Mapping[str, Any], project: Project) -> Any:
    """A fitted model as it answers ``feature_frame(rows, project)`` of today; itself where the columns are the same.

    ``features`` are those of the project file of its time, as JSON. Columns that it was not trained on are kept from
    it; those that there are no more are missing to it.
    """
    if features.keys() == project.columns.features.keys():
        return model
    return _behind(ColumnsOfThen({name: str(column["kind"]) for name, column in features.items()}), model)


def _behind(step: ColumnsOfThen, model: Any) -> Any:
    """The model with a step before all others; its threshold stays outermost."""
    if isinstance(model, FixedThresholdClassifier):
        inner = _behind(step, model.estimator_.estimator)
        return with_threshold(inner, model.threshold, str(model.pos_label))
    steps = model.steps if isinstance(model, Pipeline) else [("model", model)]
    return Pipeline([(STEP, step), *steps])
