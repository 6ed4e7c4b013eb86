"""A user's own estimators: a transformer, and one whose model holds a type that nobody named."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin


class Spread(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Numbers times a factor."""

    def __init__(self, factor: float = 2.0) -> None:
        self.factor = factor

    def fit(self, _rows: Any, _labels: Any = None) -> "Spread":
        self.fitted_ = True
        return self

    def transform(self, rows: Any) -> Any:
        return rows * self.factor


class Table:
    """What a model learnt, in a class of its own."""

    def __init__(self, shares: Any) -> None:
        self.shares = shares


class Frequent(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Says how frequent each class was, whatever the row."""

    def fit(self, _rows: Any, labels: Any) -> "Frequent":
        self.classes_, counts = np.unique(labels, return_counts=True)
        self.table_ = Table(counts / counts.sum())
        return self

    def predict_proba(self, rows: Any) -> Any:
        return np.tile(self.table_.shares, (rows.shape[0], 1))

    def predict(self, rows: Any) -> Any:
        return self.classes_[np.argmax(self.predict_proba(rows), axis=1)]
