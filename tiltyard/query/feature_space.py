"""The space in which rows are near or far: a model's own preprocessing, or a plain encoding of the columns."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tiltyard.samples.numeric_bounds import Bounded, clip_to_bounds
from tiltyard.samples.tokens import TOKEN
from tiltyard.schemas.project import Project

Matrix = NDArray[np.float64]

WIDE: Final = 256
"""A sparse matrix with more columns than this is reduced to ``COMPONENTS``."""
COMPONENTS: Final = 64
FARTHEST: Final = 5.0
"""Standard deviations after which a value counts as no farther: one outlier must not fill a cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What a strategy picks from: rows best first, what is known about them, and what is labelled already.

    ``X`` and ``labeled`` are what the model takes (array, sparse matrix or pandas frame); ``scores`` holds one
    number for each row of ``X``; ``encoder`` is an unfitted transformer for when the model brings none.
    """

    X: Any
    scores: NDArray[np.float64]
    model: Any = None
    labeled: Any = None
    encoder: Any = None
    seed: int = 0


def unwrap_model(model: Any) -> Any:
    """The pipeline or estimator inside scikit-learn's threshold, calibration and frozen wrappers."""
    calibrated = getattr(model, "calibrated_classifiers_", None)
    inner = calibrated[0].estimator if calibrated else None
    # Pipeline has no `estimator`; ensembles have, as the recipe of their members, beside `estimators_`.
    if inner is None and not hasattr(model, "estimators_"):
        inner = getattr(model, "estimator_", None) or getattr(model, "estimator", None)
    return model if inner is None else unwrap_model(inner)


def fitted_preprocessing(model: Any) -> Pipeline | None:
    """All steps of a fitted pipeline but the last; None unless the model is a pipeline of two steps or more."""
    pipeline = unwrap_model(model)
    if isinstance(pipeline, Pipeline) and len(pipeline.steps) > 1:
        return pipeline[:-1]
    return None


def column_encoder(project: Project) -> ColumnTransformer:
    """An unfitted encoding of a project's features, by their kinds, for when there is no model yet."""
    kinds = {name: column.kind for name, column in project.columns.features.items()}
    texts = [name for name, kind in kinds.items() if kind == "text"]
    categories = [name for name, kind in kinds.items() if kind == "category"]
    numbers = [name for name in kinds if name not in {*texts, *categories}]
    parts = [("numbers", _numbers(), numbers), ("categories", _categories(), categories)]
    return ColumnTransformer([*parts, *((name, _words(), name) for name in texts)])


def encode_candidates(offer: Candidates) -> tuple[Any, Any]:
    """The offered rows and the labelled rows (or nothing) in the model's own terms, both by one transformer."""
    preprocessing = fitted_preprocessing(offer.model)
    rows, labeled = clip_to_bounds(offer.X), None if offer.labeled is None else clip_to_bounds(offer.labeled)
    if preprocessing is not None:
        prepared = preprocessing.transform(rows)
        # Steps that leave a frame (bounds, the columns of a model's time) make no space: today's columns do.
        if not hasattr(prepared, "dtypes"):
            return prepared, None if labeled is None else preprocessing.transform(labeled)
    both = rows if labeled is None else stack_rows(rows, labeled)
    if hasattr(both, "dtypes"):
        both = _encode_frame(both, offer.encoder)
    number = offer.X.shape[0]
    return both[:number], (None if labeled is None else both[number:])


def to_points(offer: Candidates) -> tuple[Matrix, Matrix]:
    """The offered and the labelled rows as dense points in which each feature weighs about the same (float64)."""
    rows, labeled = encode_candidates(offer)
    both = rows if labeled is None else stack_rows(rows, labeled)
    points = _reduced(both, offer.seed) if sparse.issparse(both) else _standardised(np.asarray(both, dtype=np.float64))
    count = rows.shape[0]
    return points[:count], points[count:]


def stack_rows(above: Any, below: Any) -> Any:
    """Two blocks of rows of the same sort as one."""
    if hasattr(above, "iloc"):
        return pd.concat([above, below], ignore_index=True)
    if sparse.issparse(above):
        return sparse.vstack([above, below]).tocsr()
    return np.concatenate([above, below])


def _encode_frame(frame: pd.DataFrame, encoder: Any) -> Any:
    """A pandas frame as a matrix; without an encoder, text columns count as categories."""
    if encoder is None:
        numbers = make_column_selector(dtype_include=["number", "bool"])
        others = make_column_selector(dtype_exclude=["number", "bool"])
        encoder = ColumnTransformer([("numbers", _numbers(), numbers), ("categories", _categories(), others)])
    return encoder.fit_transform(frame)


def _numbers() -> Pipeline:
    """Numbers with gaps filled by the median, in standard deviations."""
    imputed = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(Bounded(), imputed, StandardScaler(), Bounded())


def _categories() -> OneHotEncoder:
    """Categories as indicators, the rarest together."""
    return OneHotEncoder(max_categories=50, handle_unknown="ignore")


def _words() -> Pipeline:
    """Texts as weighted words; hashed, so that no text is too empty for a vocabulary."""
    hashed = HashingVectorizer(n_features=2**14, alternate_sign=False, token_pattern=TOKEN)
    return make_pipeline(hashed, TfidfTransformer(sublinear_tf=True))


def _reduced(matrix: Any, seed: int) -> Matrix:
    """A sparse matrix as dense points; wide ones by their strongest components (latent semantic analysis)."""
    rows, columns = matrix.shape
    if columns <= WIDE or rows <= COMPONENTS:
        return _standardised(matrix.toarray()) if columns <= WIDE else np.asarray(matrix.toarray(), dtype=np.float64)
    return np.asarray(TruncatedSVD(COMPONENTS, random_state=seed).fit_transform(matrix), dtype=np.float64)


def _standardised(points: Matrix) -> Matrix:
    """Columns in standard deviations from their mean, gaps at the mean; indicator columns (0 or 1) as they are."""
    finite = clip_to_bounds(np.where(np.isfinite(points), points, np.nan))
    known = np.isfinite(finite)
    counts = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, finite - np.nansum(finite, axis=0) / counts, 0.0)
    spread = np.sqrt(np.square(centred).sum(axis=0) / counts)
    indicator = ((points == 0) | (points == 1)).all(axis=0)
    spread = np.where(indicator | (spread == 0), 1.0, spread)
    return np.asarray(np.clip(centred / spread, -FARTHEST, FARTHEST))
