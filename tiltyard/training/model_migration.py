"""Models that were trained under another project file, asked about today's rows and for today's classes."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

from tiltyard.samples.features import MISSING
from tiltyard.samples.numeric_bounds import STEP as BOUNDS_STEP
from tiltyard.samples.numeric_bounds import Bounded
from tiltyard.schemas.project import Project
from tiltyard.training.thresholds import with_threshold

STEP: Final = "columns of then"
TEXTS: Final = frozenset({"category", "text"})


class ColumnAdapter(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn brings no types
    """From today's feature frame to the one that a model was trained on: as wide, and in its order.

    Columns that current rows no longer have are missing values in all of them.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        """``kinds`` are the features of the model's time with their kinds."""
        self.kinds = kinds

    def fit(self, _frame: pd.DataFrame, _labels: Any = None) -> "ColumnAdapter":
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


class ClassAdapter(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn brings no types
    """A fitted model whose answers are today's classes: renamed ones by their new name, none that there is no more.

    Where the model decides for a class that is gone, the likeliest of those that are left stands for it. What it gives
    to classes that are gone is shared among the others, alike where it gives them nothing.
    """

    def __init__(self, model: Any, names: tuple[str | None, ...], classes: tuple[str, ...]) -> None:
        """``names`` has today's class, or none, for each of the model's; ``classes`` are those that may be answered."""
        self.model = model
        self.names = names
        self.classes = classes

    @property
    def classes_(self) -> NDArray[np.str_]:
        """Today's classes that the model knows, sorted; all of today's where it knows none of them."""
        return np.array(sorted({name for name in self.names if name is not None} or self.classes))

    def fit(self, _frame: pd.DataFrame, _labels: Any = None) -> "ClassAdapter":
        """Nothing is learnt."""
        return self

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Probabilities (n, K) in the order of ``classes_``; each row sums to 1."""
        return self._shared_out(np.asarray(self.model.predict_proba(frame), dtype=np.float64))

    def predict(self, frame: pd.DataFrame) -> NDArray[np.str_]:
        """The model's own decisions where they are of today's classes, else the likeliest of these; text (n,)."""
        said = [str(name) for name in self.model.classes_]
        today = dict(zip(said, self.names, strict=True))
        decided = [today.get(str(name)) for name in self.model.predict(frame)]
        if None not in decided:
            return np.array(decided)
        likeliest = self.classes_[self.predict_proba(frame).argmax(axis=1)]
        return np.array([name or str(other) for name, other in zip(decided, likeliest, strict=True)])

    def _shared_out(self, given: NDArray[np.float64]) -> NDArray[np.float64]:
        """The model's own probabilities (n, its classes) as today's (n, K)."""
        classes = list(self.classes_)
        told = np.zeros((len(given), len(classes)))
        for column, name in enumerate(self.names):
            if name is not None:
                told[:, classes.index(name)] += given[:, column]
        left = told.sum(axis=1, keepdims=True)
        return np.where(left > 0, told / np.where(left > 0, left, 1), 1 / len(classes))

    def __sklearn_is_fitted__(self) -> bool:
        """It always is."""
        return True


def adapt_classes(model: Any, project: Project) -> Any:
    """A fitted model as it answers today's classes; itself where all of its classes are of today."""
    known = [str(name) for name in getattr(model, "classes_", ())]
    if set(known) <= set(project.class_names):
        return model
    class_of: Callable[[str], str | None] = project.class_of
    return ClassAdapter(model, tuple(class_of(name) for name in known), tuple(project.class_names))


def adapt_model(model: Any, features: Mapping[str, Any], project: Project) -> Any:
    """A fitted model as it answers ``feature_frame(rows, project)`` of today; itself where the columns are the same.

    ``features`` are those of the project file of its time, as JSON. Columns that it was not trained on are kept from
    it; those that there are no more are missing to it. Likewise it answers for today's classes only.
    """
    if features.keys() != project.columns.features.keys():
        model = _behind(ColumnAdapter({name: str(column["kind"]) for name, column in features.items()}), model)
    return adapt_classes(model, project)


def _behind(step: ColumnAdapter, model: Any) -> Any:
    """The model with a step before all others; its threshold stays outermost."""
    if isinstance(model, FixedThresholdClassifier):
        inner = _behind(step, model.estimator_.estimator)
        return with_threshold(inner, model.threshold, str(model.pos_label))
    steps = model.steps if isinstance(model, Pipeline) else [("model", model)]
    return Pipeline([(STEP, step), *steps])


def with_numeric_bounds(model: Any) -> Any:
    """A fitted model that bounds what it is asked about; itself where it does already.

    Models that were trained before this step was there meet today's rows behind it. The threshold stays outermost.
    """
    if isinstance(model, FixedThresholdClassifier):
        inner = model.estimator_.estimator
        outer = with_numeric_bounds(inner)
        return model if outer is inner else with_threshold(outer, model.threshold, str(model.pos_label))
    steps = model.steps if isinstance(model, Pipeline) else [("model", model)]
    if any(isinstance(step, Bounded) for _, step in steps):
        return model
    return Pipeline([(BOUNDS_STEP, Bounded()), *steps])
