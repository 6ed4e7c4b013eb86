"""Evaluation: predictions and metrics, paired comparisons with intervals, and explanations of predictions.

Pure functions of labels, predictions and weights; nothing here reads a store.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tiltyard.evaluation.explanations import explain_rows as explain_rows
    from tiltyard.evaluation.metrics import score as score
    from tiltyard.evaluation.paired_comparison import Bootstrap as Bootstrap
    from tiltyard.evaluation.paired_comparison import compare as compare
    from tiltyard.evaluation.permutation_importance import permutation_importances as permutation_importances
    from tiltyard.evaluation.predictions import Predictions as Predictions
    from tiltyard.evaluation.predictions import predict_rows as predict_rows
    from tiltyard.evaluation.strata import Strata as Strata

HOMES: Final = {
    "Bootstrap": "paired_comparison",
    "Predictions": "predictions",
    "Strata": "strata",
    "compare": "paired_comparison",
    "explain_rows": "explanations",
    "permutation_importances": "permutation_importance",
    "predict_rows": "predictions",
    "score": "metrics",
}
"""Public names and their modules, imported on first use: some need scikit-learn, which takes a second to import."""

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


def __getattr__(name: str) -> Any:
    """A public name of the room."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
