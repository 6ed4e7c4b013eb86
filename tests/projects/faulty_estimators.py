"""Estimators that fit a sound model and then spoil what it says, each in one way; import paths for project files."""

import time
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression


class Sound(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A logistic regression on the small project's columns, taken without preprocessing."""

    def fit(self, frame: pd.DataFrame, labels: Any) -> Self:
        """Learn from a feature frame."""
        self.inner_ = LogisticRegression(C=10.0).fit(_numbers(frame), labels)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """The probabilities of both classes, spoiled."""
        return self.spoil(frame, np.asarray(self.inner_.predict_proba(_numbers(frame))))

    def predict(self, frame: pd.DataFrame) -> Any:
        """The likelier class."""
        return self.classes_[self.predict_proba(frame).argmax(axis=1)]

    def spoil(self, _frame: pd.DataFrame, told: NDArray[np.float64]) -> NDArray[np.float64]:
        """Nothing is spoiled here."""
        return told


class WrongWhereRed(Sound):
    """Wrong about every red row, right about the others."""

    def spoil(self, frame: pd.DataFrame, told: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn the probabilities of red rows round."""
        red = (frame["colour"] == "red").to_numpy()
        return np.where(red[:, None], told[:, ::-1], told)


class Swapped(Sound):
    """Says one class where it means the other."""

    def spoil(self, _frame: pd.DataFrame, told: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn all probabilities round."""
        return told[:, ::-1]


class Boastful(Sound):
    """Wrong in two of five rows, and as good as certain in all."""

    def spoil(self, frame: pd.DataFrame, told: NDArray[np.float64]) -> NDArray[np.float64]:
        """Certainty, turned round where a decimal of ``y`` says so."""
        certain = np.where(told >= 0.5, 0.999, 0.001)
        wrong = (np.abs(frame["y"].to_numpy()) * 1000).round() % 5 < 2
        return np.where(wrong[:, None], certain[:, ::-1], certain)


class Slow(Sound):
    """Takes its time."""

    def spoil(self, _frame: pd.DataFrame, told: NDArray[np.float64]) -> NDArray[np.float64]:
        """Wait for ten milliseconds."""
        time.sleep(0.01)
        return told


class Nervous(Sound):
    """Decides by the third decimal of a number wherever it is not sure."""

    def spoil(self, frame: pd.DataFrame, told: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn the less certain probabilities round where a decimal is odd."""
        odd = (frame["x"].to_numpy() * 1000).round() % 2 > 0
        unsure = told.max(axis=1) < 0.999
        return np.where((odd & unsure)[:, None], told[:, ::-1], told)


def _numbers(frame: pd.DataFrame) -> NDArray[np.float64]:
    """The small project's features as numbers."""
    red = (frame["colour"] == "red").to_numpy(dtype=np.float64)
    numbers: NDArray[np.float64] = np.nan_to_num(np.column_stack([frame["x"], frame["y"], red]))
    return numbers
