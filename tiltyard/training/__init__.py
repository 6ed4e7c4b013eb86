"""Training: recipes, preprocessing, folds, hyperparameter search, thresholds, versions and checks of stored models.

:func:`fit_candidates` searches a project's candidates and fits the best; :func:`assign_versions` numbers models.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tiltyard.training.cross_validation import LabeledFrame as LabeledFrame
    from tiltyard.training.cross_validation import cross_validate as cross_validate
    from tiltyard.training.folds import make_folds as make_folds
    from tiltyard.training.model_migration import adapt_model as adapt_model
    from tiltyard.training.recipes import restore_recipe as restore_recipe
    from tiltyard.training.search.tuning import choose_recipe as choose_recipe
    from tiltyard.training.search.tuning import fit_candidates as fit_candidates
    from tiltyard.training.versioning import assign_versions as assign_versions

HOMES: Final = {
    "LabeledFrame": "cross_validation",
    "adapt_model": "model_migration",
    "assign_versions": "versioning",
    "choose_recipe": "search.tuning",
    "cross_validate": "cross_validation",
    "fit_candidates": "search.tuning",
    "make_folds": "folds",
    "restore_recipe": "recipes",
}
"""Public names and their modules, imported on first use: some need scikit-learn, which takes a second to import."""

__all__ = [
    "LabeledFrame",
    "adapt_model",
    "assign_versions",
    "choose_recipe",
    "cross_validate",
    "fit_candidates",
    "make_folds",
    "restore_recipe",
]


def __getattr__(name: str) -> Any:
    """A public name of the room."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
