"""Rare classes that weigh more while a model is fitted, in the way that its estimator can."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import Tuning


def weighs_rows(estimator: Any, path: str, tuning: Tuning) -> bool:
    """Whether an estimator must be told the weight of each row to balance classes; it is told of classes if it can.

    Where classes are to be balanced and the estimator has a ``class_weight`` of its own, that is set here, unless the
    project file has set it. Raises TrainingError for an estimator that takes neither, and for one that takes rows'
    weights where probabilities are calibrated too: the calibration would weigh the rows again and undo itself.
    """
    if tuning.class_weight == "none":
        return False
    known = estimator.get_params(deep=True)
    if "class_weight" in known:
        estimator.set_params(class_weight=known["class_weight"] or tuning.class_weight)
        return False
    if not has_fit_parameter(estimator, "sample_weight"):
        raise TrainingError(
            f"estimator {path!r} takes neither class_weight nor sample_weight, so classes cannot be balanced; "
            "set tuning.class_weight to none or name another estimator"
        )
    if tuning.calibration != "none":
        raise TrainingError(
            f"estimator {path!r} can balance classes by the weight of rows only, which calibration would undo; "
            "set tuning.class_weight or tuning.calibration to none"
        )
    return True


def fit_arguments(by_rows: bool, labels: NDArray[np.str_]) -> dict[str, NDArray[np.float64]]:
    """What a pipeline's ``fit`` is given beside rows and labels: n weights, or nothing.

    A row weighs n / (classes * rows of its class), as scikit-learn's ``balanced`` does (King and Zeng 2001).

    >>> fit_arguments(True, np.array(["a", "b", "b", "b"]))["estimator__sample_weight"].round(2).tolist()
    [2.0, 0.67, 0.67, 0.67]
    """
    return {"estimator__sample_weight": compute_sample_weight("balanced", labels)} if by_rows else {}
