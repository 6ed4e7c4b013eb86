"""What a model says about rows: one probability a class and a decision, in the project file's class order."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

from tiltyard.schemas.project import Project

DECIMALS: Final = 6
"""Probabilities are compared after rounding: the last bits of a sum depend on the machine's linear algebra."""

LIKELIEST: Final = (RandomForestClassifier.predict, CalibratedClassifierCV.predict)
"""scikit-learn's ways to decide that ask for the probabilities all over again; all its forests share the first."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """One model's answers for n rows and K classes.

    ``probabilities`` is float64 (n, K), columns in ``class_names`` order, 0 for a class the model never saw;
    ``decisions`` is text (n,), the model's own ``predict`` with its threshold.
    """

    probabilities: NDArray[np.float64]
    decisions: NDArray[np.str_]
    class_names: tuple[str, ...]
    positive: str

    def rows(self, chosen: NDArray[Any]) -> "Predictions":
        """The predictions of some rows (indices or a mask)."""
        return Predictions(self.probabilities[chosen], self.decisions[chosen], self.class_names, self.positive)


def predict_rows(model: Any, frame: pd.DataFrame, project: Project) -> Predictions:
    """A fitted model's predictions for a feature frame.

    The model knows only the classes it was trained on; the others get probability 0. A class that the
    project file no longer names is dropped from the probabilities.
    """
    names = tuple(project.class_names)
    if len(frame) == 0:  # scikit-learn refuses to predict for no rows
        return Predictions(np.zeros((0, len(names))), np.array([], dtype=np.str_), names, project.positive_class)
    known = [str(name) for name in model.classes_]
    given, decisions = _answers(model, frame)
    probabilities = np.zeros((len(frame), len(names)))
    for column, name in enumerate(known):
        if name in names:
            probabilities[:, names.index(name)] = given[:, column]
    return Predictions(probabilities, decisions.astype(str), names, project.positive_class)


def _answers(model: Any, frame: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """What ``predict_proba`` and ``predict`` say, with the preprocessing that both would repeat done once."""
    if isinstance(model, FixedThresholdClassifier):
        given = model.predict_proba(frame)
        positive = list(model.classes_).index(model.pos_label)
        sure = given[:, positive] >= model.threshold
        return given, np.where(sure, model.classes_[positive], model.classes_[1 - positive])
    if isinstance(model, Pipeline) and len(model) > 1:
        frame, model = model[:-1].transform(frame), model[-1]
    given = model.predict_proba(frame)
    if getattr(type(model), "predict", None) in LIKELIEST:
        return given, np.asarray(model.classes_).take(np.argmax(given, axis=1))
    return given, np.asarray(model.predict(frame))


def predictions_hash(predictions: Predictions) -> str:
    """The SHA-256 of decisions and rounded probabilities: equal when a model was rebuilt right; 64 hex digits."""
    # Adding zero turns -0.0 into 0.0, which rounds alike but has other bytes.
    rounded = np.round(predictions.probabilities, DECIMALS) + 0.0
    state = sha256(rounded.astype("<f8").tobytes())
    state.update("\x1f".join([*predictions.class_names, *predictions.decisions.tolist()]).encode())
    return state.hexdigest()


CHALLENGER, CHAMPION, NEITHER = "challenger", "champion", "neither"
WHO: Final = (CHALLENGER, CHAMPION, NEITHER)


@dataclass(frozen=True, slots=True)
class Flip:
    """One row (its place from 0) that the two models decide differently, and which of them was right."""

    place: int
    label: str
    champion: str
    challenger: str
    right: str


def decision_flips(labels: NDArray[np.str_], champion: Predictions, challenger: Predictions) -> list[Flip]:
    """Every row that is decided differently, in the order of the rows.

    >>> two = [Predictions(np.zeros((2, 2)), np.array(decided), ("no", "yes"), "yes") for decided in (["no"] * 2,
    ...     ["no", "yes"])]
    >>> decision_flips(np.array(["no", "yes"]), *two)
    [Flip(place=1, label='yes', champion='no', challenger='yes', right='challenger')]
    """
    differ = np.flatnonzero(champion.decisions != challenger.decisions)
    return [
        _flip(int(place), str(labels[place]), str(champion.decisions[place]), str(challenger.decisions[place]))
        for place in differ
    ]


def count_correct_flips(found: list[Flip], weights: NDArray[np.float64]) -> dict[str, float]:
    """How many of the flips each was right in, by weight: challenger, champion, neither."""
    return {who: float(sum(weights[flip.place] for flip in found if flip.right == who)) for who in WHO}


def _flip(place: int, label: str, champion: str, challenger: str) -> Flip:
    """A flip with its judgement."""
    right = CHALLENGER if challenger == label else CHAMPION if champion == label else NEITHER
    return Flip(place, label, champion, challenger, right)
