"""Numbers that are too large for arithmetic, clipped to a bound: the first step of every model.

A contract may let any finite float64 in. Forests convert to float32 (3.4e38 at most), k-means and scaling square what
they get, and a sum of squares of 1e300 is infinite. No model learns anything from the difference of 1e30 and 1e300.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

LARGEST: Final = 1e30
"""The largest magnitude that models, distances and clusters see. Times a weight of 1e8 it is still a float32, and
eight such numbers can be multiplied in float64."""
STEP: Final = "bounds"


class Bounded(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A transformer that brings numbers beyond ``LARGEST`` back to it; text and missing values stay what they are.

    It learns nothing. It takes frames with any columns, arrays and sparse matrices, and returns the same object if
    nothing is beyond the bound.
    """

    __module__ = "tiltyard.model_classes"  # the name that archives store, wherever the class is defined

    def fit(self, rows: Any, _labels: Any = None) -> "Bounded":
        """Record the columns, for scikit-learn's feature names."""
        if hasattr(rows, "columns"):
            self.feature_names_in_ = np.asarray(rows.columns, dtype=object)
        self.n_features_in_ = rows.shape[1]
        return self

    def transform(self, rows: Any) -> Any:
        """The rows with every number within the bounds."""
        return clip_to_bounds(rows)

    def __sklearn_is_fitted__(self) -> bool:
        """It always is: there is nothing to learn."""
        return True

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn may hand to it."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.sparse = tags.input_tags.string = True
        tags.requires_fit = False
        return tags


def clip_to_bounds(rows: Any) -> Any:
    """A frame, array or sparse matrix with every float brought within ±``LARGEST``, infinities too; NaN stays.

    >>> clip_to_bounds(np.array([[1.5, 1e300, -np.inf]])).tolist()
    [[1.5, 1e+30, -1e+30]]
    """
    if isinstance(rows, pd.DataFrame):
        beyond = {name: _clipped(column) for name, column in rows.items() if _is_beyond(column)}
        if not beyond:
            return rows
        within = rows.copy(deep=False)
        for name, column in beyond.items():
            within[name] = column
        return within
    if sparse.issparse(rows):
        return _bounded_sparse(rows)
    return _clipped(rows) if _is_beyond(rows) else rows


def _is_beyond(values: Any) -> bool:
    """Whether floats hold a magnitude beyond the bound; text never does."""
    if not pd.api.types.is_float_dtype(values.dtype):
        return False
    known = np.asarray(values)
    # Comparisons with NaN are false, and no copy of the whole is made where nothing is wrong.
    return bool((known > LARGEST).any() or (known < -LARGEST).any())


def _clipped(values: Any) -> Any:
    """The values within the bounds, in a new object of their kind."""
    return values.clip(-LARGEST, LARGEST)


def _bounded_sparse(matrix: Any) -> Any:
    """A sparse matrix whose stored numbers are within the bounds."""
    if not _is_beyond(matrix.data):
        return matrix
    within = matrix.copy()
    within.data = _clipped(within.data)
    return within
