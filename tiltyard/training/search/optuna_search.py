"""Combinations that Optuna suggests by what earlier trials showed (tree-structured Parzen estimator).

Source: Bergstra, Bardenet, Bengio and Kégl 2011, Algorithms for Hyper-Parameter Optimization, NeurIPS 24.
"""

import warnings
from typing import Any, Final

from tiltyard.schemas.canonical import canonical_json
from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import Candidate
from tiltyard.training.cross_validation import ranking_key
from tiltyard.training.recipes import build_recipe
from tiltyard.training.search.search import Attempt, Search
from tiltyard.training.search.search_space import coerce_param

TOGETHER: Final = 4
"""Suggestions that are asked for at once, however many workers there are: their number must change no result."""


def ask_optuna(candidate: Candidate, search: Search) -> None:
    """Try ``tuning.trials`` combinations of a candidate, suggested four at a time and seeded.

    A repeated combination gets its earlier score and is not fitted again. Raises TrainingError where
    Optuna is not installed.
    """
    study = _study(search.seed)
    known: dict[str, Attempt] = {}
    asked = 0
    while asked < search.project.tuning.trials and not search.is_over:
        number = min(TOGETHER, search.project.tuning.trials - asked)
        suggestions = [study.ask(_distributions(candidate)) for _ in range(number)]
        _answer(study, suggestions, candidate, search, known)
        asked += number
    search.left += search.project.tuning.trials - asked


def _answer(
    study: Any, suggestions: list[Any], candidate: Candidate, search: Search, known: dict[str, Attempt]
) -> None:
    """Try what was suggested and not tried before, and tell the study how each did."""
    chosen = [_chosen(candidate, one.params) for one in suggestions]
    new = {canonical_json(one): one for one in chosen if canonical_json(one) not in known}
    recipes = [build_recipe(candidate, one, search.project, search.seed) for one in new.values()]
    known.update(zip(new, search.attempt(recipes), strict=False))
    for suggestion, one in zip(suggestions, chosen, strict=True):
        attempt = known.get(canonical_json(one))
        _tell(study, suggestion, attempt, search)


def _tell(study: Any, suggestion: Any, attempt: Attempt | None, search: Search) -> None:
    """What a suggestion scored; failed where it has no score."""
    from optuna.trial import TrialState

    if attempt is None or attempt.trial.mean is None:
        study.tell(suggestion, state=TrialState.FAIL)
    else:
        study.tell(suggestion, ranking_key(attempt.trial, search.project)[0])


def _study(seed: int) -> Any:
    """A silent study in memory, seeded."""
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise TrainingError(
            "tuning.search is 'optuna', which is not installed; pip install 'tiltyard[optuna]', "
            "or set it to random or halving"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        # Suggesting several at once is marked as experimental in some versions.
        warnings.simplefilter("ignore")
        sampler = optuna.samplers.TPESampler(seed=seed % 2**32, constant_liar=True)
    return optuna.create_study(direction="maximize", sampler=sampler)


def _distributions(candidate: Candidate) -> dict[str, Any]:
    """What Optuna suggests from: ranges, and the places of a grid's values, which may be anything."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    grids = {name: CategoricalDistribution(tuple(range(len(values)))) for name, values in candidate.grid.items()}
    spaces = {
        name: IntDistribution(int(one.low), int(one.high), log=one.log)
        if one.integer
        else FloatDistribution(one.low, one.high, log=one.log)
        for name, one in candidate.space.items()
    }
    return {**grids, **spaces}


def _chosen(candidate: Candidate, suggested: dict[str, Any]) -> dict[str, Any]:
    """A suggestion as parameters."""
    return {
        name: candidate.grid[name][value] if name in candidate.grid else coerce_param(candidate, name, value)
        for name, value in suggested.items()
    }
