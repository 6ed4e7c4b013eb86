"""Which combinations of a candidate's parameters are tried: all of its grid, or a random sample."""

from collections.abc import Mapping
from typing import Any

from scipy.stats import loguniform, randint, uniform
from sklearn.model_selection import ParameterGrid, ParameterSampler

from tiltyard.schemas.project import Candidate, Range, Tuning

Combination = Mapping[str, Any]


def parameter_combinations(candidate: Candidate, tuning: Tuning, seed: int) -> list[Combination]:
    """The combinations of a candidate that are known before the first is tried, in the order of trying.

    Search ``grid`` gives all of its grid; ``random`` and ``halving`` draw ``tuning.trials`` of them from grid and
    space together (Bergstra and Bengio 2012), without repeats where there is no space. A candidate with nothing to
    search gives one, empty. None come for ``optuna``, which asks one by one.

    >>> two = Candidate(name="c", estimator="m.C", grid={"a": [1, 2]})
    >>> parameter_combinations(two, Tuning(), seed=0)
    [{'a': 1}, {'a': 2}]
    >>> len(parameter_combinations(two, Tuning(search="random", trials=1), seed=0))
    1
    """
    if tuning.search == "grid" or not candidate.is_searched:
        return [dict(one) for one in ParameterGrid(candidate.grid)]
    if tuning.search == "optuna":
        return []
    return sample_combinations(candidate, tuning.trials, seed)


def sample_combinations(candidate: Candidate, number: int, seed: int) -> list[Combination]:
    """``number`` random combinations from a candidate's grid and space; all of them if there are no more."""
    if not candidate.space:
        number = min(number, len(ParameterGrid(candidate.grid)))
    offered = {**candidate.grid, **{name: _distribution(one) for name, one in candidate.space.items()}}
    sampler = ParameterSampler(offered, number, random_state=seed % 2**32)
    return [{name: coerce_param(candidate, name, value) for name, value in one.items()} for one in sampler]


def coerce_param(candidate: Candidate, name: str, value: Any) -> Any:
    """A drawn value as it is fitted and recorded: whole where whole numbers are wanted, else of six digits.

    >>> wide = Candidate(name="c", estimator="m.C", space={"a": Range(low=0.1, high=9, log=True)})
    >>> coerce_param(wide, "a", 0.123456789), coerce_param(wide, "b", "red")
    (0.123457, 'red')
    """
    if name not in candidate.space:
        return value
    bounds = candidate.space[name]
    if bounds.integer:
        return int(min(max(round(float(value)), bounds.low), bounds.high))
    return min(max(float(f"{value:.6g}"), bounds.low), bounds.high)


def _distribution(bounds: Range) -> Any:
    """What scipy draws a parameter from; both ends can be drawn."""
    low, high = bounds.low, bounds.high
    if bounds.log:
        # Half a step beyond either end, so that the ends are as likely as their neighbours once rounded.
        return loguniform(low - 0.5, high + 0.5) if bounds.integer else loguniform(low, high)
    return randint(int(low), int(high) + 1) if bounds.integer else uniform(low, high - low)
