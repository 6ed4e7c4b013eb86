"""Whether a candidate's model can be stored, asked before anything is searched: a search may take hours."""

import warnings
from collections.abc import Iterable
from typing import Any, Final

from threadpoolctl import threadpool_limits

from tiltyard.schemas.errors import RegistryError, TrainingError
from tiltyard.schemas.project import Project
from tiltyard.stores.registry.serialization import check_reloads
from tiltyard.training.cross_validation import LabeledFrame
from tiltyard.training.recipes import Recipe, build_recipe
from tiltyard.training.search.search import balanced_order

ROWS: Final = 60
"""Rows that are fitted for the question; each class has its share of them."""


def refuse_unstorable(rows: LabeledFrame, project: Project, own_types: Iterable[str]) -> None:
    """Raise TrainingError, naming the candidate and what to do, where a candidate's model could not be stored.

    Each candidate of the project file is fitted on a few rows, written, and read again under the types that are
    trusted. One that cannot be fitted on so few is left to the search, which says why.
    """
    few = rows.rows(balanced_order(rows.labels, project.seed)[:ROWS])
    for candidate in project.candidates:
        model = _fitted(build_recipe(candidate, {}, project, project.seed), few)
        try:
            if model is not None:
                check_reloads(model, own_types)
        except RegistryError as error:
            told = f"candidate {candidate.name!r} cannot be stored, so nothing was searched: {error}"
            raise TrainingError(told) from error


def _fitted(recipe: Recipe, rows: LabeledFrame) -> Any:
    """The candidate fitted on a few rows; None where that fails."""
    try:
        with warnings.catch_warnings(), threadpool_limits(limits=1):
            warnings.simplefilter("ignore")
            return recipe.fitted(rows.frame, rows.labels)
    except Exception:  # a candidate is the user's own code, and any exception of it belongs in its trial
        return None
