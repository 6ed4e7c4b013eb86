"""Evaluation: predictions and metrics, paired comparisons with intervals, and explanations of predictions.

Pure functions of labels, predictions and weights; nothing here reads a store.
"""

from typing import TYPE_CHECKING

from tiltyard.schemas.lazy import lazy_exports

if TYPE_CHECKING:
    from tiltyard.evaluation.explanations import explain_rows
    from tiltyard.evaluation.metrics import score
    from tiltyard.evaluation.paired_comparison import Bootstrap, compare
    from tiltyard.evaluation.permutation_importance import permutation_importances
    from tiltyard.evaluation.predictions import Predictions, predict_rows
    from tiltyard.evaluation.strata import Strata
else:
    # Some need scikit-learn, which takes a second to import.
    __getattr__ = lazy_exports(
        __name__,
        {
            "Bootstrap": "paired_comparison",
            "Predictions": "predictions",
            "Strata": "strata",
            "compare": "paired_comparison",
            "explain_rows": "explanations",
            "permutation_importances": "permutation_importance",
            "predict_rows": "predictions",
            "score": "metrics",
        },
    )

__all__ = [
    "Bootstrap",
    "Predictions",
    "Strata",
    "compare",
    "explain_rows",
    "permutation_importances",
    "predict_rows",
    "score",
]
