"""Training: recipes, preprocessing, folds, hyperparameter search, thresholds, versions and checks of stored models.

:func:`fit_candidates` searches a project's candidates and fits the best; :func:`assign_versions` numbers models.
"""

from typing import TYPE_CHECKING

from tiltyard.schemas.lazy import lazy_exports

if TYPE_CHECKING:
    from tiltyard.training.cross_validation import LabeledFrame, cross_validate
    from tiltyard.training.folds import make_folds
    from tiltyard.training.model_migration import adapt_model
    from tiltyard.training.recipes import restore_recipe
    from tiltyard.training.search.tuning import choose_recipe, fit_candidates
    from tiltyard.training.versioning import assign_versions
else:
    # Some need scikit-learn, which takes a second to import.
    __getattr__ = lazy_exports(
        __name__,
        {
            "LabeledFrame": "cross_validation",
            "adapt_model": "model_migration",
            "assign_versions": "versioning",
            "choose_recipe": "search.tuning",
            "cross_validate": "cross_validation",
            "fit_candidates": "search.tuning",
            "make_folds": "folds",
            "restore_recipe": "recipes",
        },
    )

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
