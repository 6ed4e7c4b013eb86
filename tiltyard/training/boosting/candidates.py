"""LightGBM, XGBoost and CatBoost as candidates: quiet, on one thread, seeded, and stored without a pickle.

Their own classes keep a pointer into a C library, want numbers for classes (XGBoost) or write files where they stand
(CatBoost). The wrapper gives them numbers, keeps the class order of scikit-learn, and its stored state is plain
parameters and the library's own model format, which is checked before the library reads it.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from tiltyard.training.boosting.libraries import LIBRARIES, Library, library_of

CLASS_WEIGHTS: Final = ("class_weight", "class_weights")


class Boosted(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A classifier of a boosting library as scikit-learn, skops and we want it.

    ``booster`` is the library's own classifier, unfitted. Its parameters can be read and set as if they were the
    wrapper's. Labels may be text. A fitted one answers from the library's own stored format, so that it says the same
    once it was stored.
    """

    __module__ = "tiltyard.model_classes"  # the name that archives store, wherever the class is defined

    def __init__(self, booster: Any) -> None:
        self.booster = booster

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The library's classifier and, if deep, its parameters under their own names."""
        own = {"booster": self.booster}
        # CatBoost tells only what was set.
        named = dict.fromkeys(self._library.settable(type(self.booster)))
        return {**named, **self.booster.get_params(), **own} if deep else own

    def set_params(self, **parameters: Any) -> "Boosted":
        """Set parameters of the library's classifier."""
        self.booster = parameters.pop("booster", self.booster)
        if parameters:
            self.booster.set_params(**parameters)
        return self

    def fit(self, rows: Any, labels: Any, sample_weight: Any = None) -> "Boosted":
        """Fit on n rows (array, sparse matrix or frame) and their labels."""
        library, fresh = self._library, _copied(self.booster)
        self.classes_, codes = np.unique(np.asarray(labels), return_inverse=True)
        self.n_features_in_ = rows.shape[1]
        weights = _weights_by_code(fresh.get_params(), [str(name) for name in self.classes_])
        if weights:
            fresh.set_params(**weights)
        stored = b""
        if len(self.classes_) > 1:
            fresh.fit(library.readable(rows), codes, sample_weight=sample_weight)
            stored = library.written(fresh)
        self._believe(np.frombuffer(stored, dtype=np.uint8).copy())
        return self

    def predict_proba(self, rows: Any) -> NDArray[np.float64]:
        """Each row's probabilities (n, classes), in the order of ``classes_``."""
        check_is_fitted(self, "stored_")
        if self.model_ is None:
            return np.ones((int(rows.shape[0]), 1))
        given = np.asarray(self._library.asked(self.model_, self._library.readable(rows)), dtype=np.float64)
        if given.ndim == 1:
            return np.asarray(np.column_stack([1 - given, given]))
        return given

    def predict(self, rows: Any) -> NDArray[Any]:
        """The likeliest class of each row."""
        decided: NDArray[Any] = self.classes_[np.argmax(self.predict_proba(rows), axis=1)]
        return decided

    @property
    def _library(self) -> Library:
        """The library that the classifier is of."""
        library = library_of(type(self.booster))
        if library is None:
            raise TypeError(f"{type(self.booster).__name__} is not a classifier of {', '.join(LIBRARIES)}")
        return library

    def _believe(self, stored: NDArray[np.uint8]) -> None:
        """Take a stored model as one's own, after it was checked."""
        content = stored.tobytes()
        if content:
            self._library.refuse_unsound(content, self.n_features_in_, len(self.classes_))
        self.stored_ = stored
        self.model_ = self._library.read(content) if content else None

    def __sklearn_clone__(self) -> "Boosted":
        """An unfitted copy; CatBoost's own classifiers do not always pass scikit-learn's test of one."""
        return Boosted(_copied(self.booster))

    def __sklearn_tags__(self) -> Any:
        """What it takes: missing values, and sparse rows where its library does well with them."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan, tags.input_tags.sparse = True, self._library.sparse
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """The state to store: names, plain parameters, classes, and the library's own bytes."""
        fitted = {name: value for name, value in self.__dict__.items() if name not in {"booster", "model_"}}
        own = type(self.booster).__name__
        return {**fitted, "library": self._library.name, "own": own, "parameters": dict(self.booster.get_params())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a stored state back; ValueError if Tiltyard did not write it."""
        state = dict(state)
        library, own, parameters = (state.pop(name) for name in ("library", "own", "parameters"))
        if library not in LIBRARIES or own not in LIBRARIES[library].classes:
            raise ValueError(f"{library}.{own} is not a classifier of {', '.join(LIBRARIES)}")
        stored = state.pop("stored_", None)
        self.__dict__.update(state)
        self.booster = LIBRARIES[library].named(own)(**parameters)
        if stored is not None:
            self._believe(np.asarray(stored, dtype=np.uint8))


def boosted(factory: Any, parameters: Mapping[str, Any], seed: int) -> Boosted | None:
    """The wrapped classifier where a factory is one of a boosting library, with our defaults; None for any other."""
    library = library_of(factory)
    if library is None:
        return None
    return Boosted(factory(**{**library.defaults(parameters, seed), **parameters}))


def known_parameters(factory: Any) -> set[str] | None:
    """The parameters that a boosting library knows, aliases too; None for any other factory.

    Their constructors take any keyword and leave what they do not know unread.
    """
    library = library_of(factory)
    return None if library is None else library.known(factory)


def _copied(booster: Any) -> Any:
    """An unfitted classifier with the same parameters."""
    return type(booster)(**copy.deepcopy(booster.get_params()))


def _weights_by_code(parameters: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Class weights that are written by class name, by the number that stands for it."""
    given = {name: parameters[name] for name in CLASS_WEIGHTS if isinstance(parameters.get(name), Mapping)}
    texts = {name: {str(key): weight for key, weight in weights.items()} for name, weights in given.items()}
    # CatBoost takes the order of the keys for the order of the classes.
    return {name: {code: own.get(each, 1.0) for code, each in enumerate(names)} for name, own in texts.items()}
