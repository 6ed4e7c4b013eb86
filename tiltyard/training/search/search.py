"""The trials of one training: which recipes are tried, side by side, until the time that they may take is over."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Final

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from tiltyard.schemas.project import Candidate, Project
from tiltyard.training.cross_validation import LabeledFrame, Trial, cross_validate, ranking_key
from tiltyard.training.folds import Split
from tiltyard.training.recipes import Recipe, build_recipe
from tiltyard.training.search.search_space import sample_combinations

STORED_NAMES: Final = "tiltyard.model_classes"
"""Where the classes of stored models are named; it imports training itself, so it is imported when it is needed."""

Clock = Callable[[], float]
"""Seconds that only ever grow."""

FACTOR: Final = 3
"""A third of a rung goes on, on three times the rows (Li et al. 2018 find 3 or 4 best)."""
FEWEST_ROWS: Final = 60
"""A rung with fewer rows tells chance from merit in no search."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A recipe and what its trial said."""

    recipe: Recipe
    trial: Trial


@dataclass(slots=True)
class Search:
    """What all trials of a training share, and the attempts so far.

    ``clock`` is asked only where the project file limits seconds. ``left`` counts the recipes that were never tried
    because the time was over.
    """

    rows: LabeledFrame
    project: Project
    seed: int
    clock: Clock | None = None
    attempts: list[Attempt] = field(default_factory=list)
    left: int = 0
    begun: float = field(init=False)
    splits: list[Split] = field(init=False)

    def __post_init__(self) -> None:
        """Look at the clock, and deal the folds that every trial on all rows is scored by."""
        self.begun = self.clock() if self.clock else 0.0
        self.splits = self.rows.make_folds(self.project.tuning.folds, self.seed)

    @property
    def is_over(self) -> bool:
        """Whether no further trial may begin."""
        limit = self.project.tuning.seconds
        if limit is None or self.clock is None or not self.attempts:
            return False
        return self.clock() - self.begun >= limit

    def attempt(self, recipes: list[Recipe], rung: int = 0, rows: LabeledFrame | None = None) -> list[Attempt]:
        """Try recipes on the search's rows, or on some of them for a rung; those tried before the time was over."""
        some = rows or self.rows
        splits = self.splits if rows is None else rows.make_folds(self.project.tuning.folds, self.seed)
        done: list[Attempt] = []
        for part in self._parts(recipes):
            if self.is_over:
                break
            trials = _side_by_side(part, some, splits, self.project)
            new = [Attempt(*one) for one in zip(part, (replace(trial, rung=rung) for trial in trials), strict=True)]
            done += new
            self.attempts += new
        self.left += len(recipes) - len(done)
        return done

    def _parts(self, recipes: list[Recipe]) -> list[list[Recipe]]:
        """All recipes at once where time is free, else as many as run side by side."""
        size = len(recipes) if self.project.tuning.seconds is None else self.project.tuning.workers
        return [recipes[start : start + size] for start in range(0, len(recipes), max(1, size))]


def successive_halving(candidate: Candidate, search: Search) -> None:
    """Successive halving (Jamieson and Talwalkar 2016): many combinations on few rows, the best third on three times
    as many, until those that are left have seen all rows.

    A rung's rows are the first in one random order, class by class, so each rung holds those before it.
    """
    chosen = sample_combinations(candidate, search.project.tuning.trials, search.seed)
    recipes = [build_recipe(candidate, one, search.project, search.seed) for one in chosen]
    order = balanced_order(search.rows.labels, search.seed)
    sizes = rung_sizes(len(order), len(recipes), len(set(search.rows.labels)))
    for rung, size in enumerate(sizes):
        last = rung == len(sizes) - 1
        rows = None if last else search.rows.rows(np.sort(order[:size]))
        done = search.attempt(recipes, rung, rows)
        if last or search.is_over:
            return
        recipes = _best_third(done, search)


def rung_sizes(rows: int, trials: int, classes: int) -> list[int]:
    """How many rows each rung sees, the last all of them; as many rungs as rows and trials are good for.

    >>> rung_sizes(rows=1000, trials=27, classes=2), rung_sizes(rows=100, trials=27, classes=2)
    ([111, 333, 1000], [100])
    """
    fewest, rungs = max(FEWEST_ROWS, 10 * classes), 1
    while trials // FACTOR**rungs >= 1 and rows // FACTOR**rungs >= fewest:
        rungs += 1
    return [rows // FACTOR**step for step in range(rungs - 1, -1, -1)]


def balanced_order(labels: NDArray[np.str_], seed: int) -> NDArray[np.int64]:
    """The rows in a random order in which every prefix has each class in proportion; one row of each class first.

    >>> order = balanced_order(np.array(list("aaaaaaab")), seed=0)
    >>> sorted(order.tolist()) == list(range(8)), 7 in order[:2]
    (True, True)
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    place = np.empty(len(labels))
    for name in sorted(set(labels.tolist())):
        rows = shuffled[labels[shuffled] == name]
        place[rows] = np.arange(len(rows)) / len(rows)
    return shuffled[np.argsort(place[shuffled], kind="stable")]


def _best_third(done: list[Attempt], search: Search) -> list[Recipe]:
    """The recipes that go on to the next rung; the others' trials are marked as dropped."""
    sound = [one for one in done if not one.trial.problem]
    ranked = sorted(sound, key=lambda one: ranking_key(one.trial, search.project), reverse=True)
    kept = ranked[: max(1, len(done) // FACTOR)]
    going = {id(one) for one in kept}
    search.attempts = [_dropped(one) if one in sound and id(one) not in going else one for one in search.attempts]
    return [one.recipe for one in kept]


def _dropped(attempt: Attempt) -> Attempt:
    """The attempt with a trial that went no further."""
    return replace(attempt, trial=replace(attempt.trial, state="dropped"))


def _side_by_side(recipes: list[Recipe], rows: LabeledFrame, splits: list[Split], project: Project) -> list[Trial]:
    """Each recipe's trial, in order, in as many processes as the project file allows."""
    workers = min(project.tuning.workers, len(recipes))
    if workers <= 1:
        return [cross_validate(recipe, rows, splits, project) for recipe in recipes]
    # A class whose stored name is not imported would be pickled by value, and fail in the worker's process.
    import_module(STORED_NAMES)
    trials: list[Trial] = Parallel(n_jobs=workers)(
        delayed(cross_validate)(one, rows, splits, project) for one in recipes
    )
    return trials
