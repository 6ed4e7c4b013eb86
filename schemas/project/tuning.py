"""Which trials are fitted and how they are compared among themselves, before the gate, as the project file says it."""

from collections.abc import Iterable, Mapping
from math import prod
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from tiltyard.schemas.project.columns import LARGEST, Part

MOST_COMBINATIONS: Final = 10_000

TypeOrModule = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")]
"""A module, or a class or function in one, as an import writes it."""


class Range(Part):
    """Numbers from which a search draws a parameter."""

    low: float = Field(description="smallest value")
    high: float = Field(description="largest value")
    log: bool = Field(False, description="whether every order of magnitude is as likely (low above 0)")
    integer: bool = Field(False, description="whole numbers only")

    @model_validator(mode="after")
    def is_a_range(self) -> Self:
        """Refuse an empty range, and a logarithm of nothing."""
        if max(abs(self.low), abs(self.high)) > LARGEST:
            raise ValueError(f"low and high are at most {LARGEST:g} from zero, got {self.low:g} and {self.high:g}")
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0, got {self.low:g}")
        if self.integer and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError(f"a range of whole numbers ends in whole numbers, got {self.low:g} and {self.high:g}")
        return self


class Candidate(Part):
    """An estimator that may become the challenger."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$", description="what its trials are called")
    estimator: str = Field(description="import path, for example sklearn.linear_model.LogisticRegression")
    parameters: dict[str, Any] = Field(default_factory=dict, description="what the estimator is made with")
    grid: dict[str, list[Any]] = Field(
        default_factory=dict, description="values of a parameter; search 'grid' tries every combination, others draw"
    )
    space: dict[str, Range] = Field(
        default_factory=dict, description="ranges of a parameter, for the searches 'random', 'halving' and 'optuna'"
    )
    preprocessing: Literal["default", "none"] = Field(
        "default", description="default: imputation, rare categories, scaling, TF-IDF, as the kinds ask"
    )

    @property
    def is_searched(self) -> bool:
        """Whether there is anything to search."""
        return bool(self.grid or self.space)

    @model_validator(mode="after")
    def each_parameter_is_searched_once(self) -> Self:
        """Refuse a parameter that is in both grid and space, and one without values."""
        for name in sorted(set(self.grid) & set(self.space)):
            raise ValueError(f"{name!r} is under both grid and space; keep one")
        for name, values in self.grid.items():
            if not values:
                raise ValueError(f"grid names no values of {name!r}")
        combinations = prod(len(values) for values in self.grid.values())
        if combinations > MOST_COMBINATIONS:
            raise ValueError(
                f"grid has {combinations:,} combinations, {MOST_COMBINATIONS:,} at most; name fewer values"
            )
        return self


class Tuning(Part):
    """How trials are compared among themselves, before the gate."""

    search: Literal["grid", "random", "halving", "optuna"] = Field(
        "grid", description="which combinations are tried; optuna needs tiltyard[optuna]"
    )
    trials: int = Field(20, ge=1, le=10_000, description="of each candidate with space or grid, unless search is grid")
    seconds: float | None = Field(None, gt=0, le=31_536_000, description="after this no trial is begun; none: no limit")
    workers: int = Field(1, ge=1, le=64, description="processes that fit trials side by side; they change no result")
    start: Literal["cold", "warm"] = Field("cold", description="warm: the champion's own parameters are tried first")
    folds: int = Field(3, ge=2, le=20, description="of the cross-validation that ranks the trials")
    minimum_labels: int = Field(20, ge=2, le=10**9, description="fewest training labels to fit from")
    class_weight: Literal["none", "balanced"] = Field("none", description="balanced: rare classes weigh more")
    calibration: Literal["none", "sigmoid", "isotonic", "temperature"] = Field(
        "none", description="how the best trial's probabilities are calibrated, by cross-validation"
    )
    threshold: Literal["search", "costs", "none"] = Field(
        "search", description="threshold of two classes: by the gate's metric, by the project's costs, or none (0.5)"
    )


def refuse_unread(candidates: Iterable[Candidate], tuning: Tuning) -> None:
    """Raise ValueError for a space that the search does not read, and for a search that finds nothing to search."""
    named = list(candidates)
    for candidate in named:
        if candidate.space and tuning.search == "grid":
            raise ValueError(
                f"candidate {candidate.name!r} has a space, which search 'grid' does not read; "
                "write values under its grid, or set tuning.search to random, halving or optuna"
            )
    if tuning.search != "grid" and named and not any(candidate.is_searched for candidate in named):
        raise ValueError(f"tuning.search is {tuning.search!r}, and no candidate has a grid or a space to search")


def refuse_costs(costs: Mapping[str, Mapping[str, float]], class_names: list[str]) -> None:
    """Raise ValueError where a threshold cannot follow from the costs: of two classes each mistake needs a cost."""
    if len(class_names) != 2:
        raise ValueError(
            f"tuning.threshold 'costs' is a threshold between two classes, here are {len(class_names)}; "
            "use search or none, and read the costs in the verdict"
        )
    for true, decided in (class_names, class_names[::-1]):
        if not costs.get(true, {}).get(decided):
            raise ValueError(
                f"tuning.threshold is 'costs', and costs.{true}.{decided} is none: a mistake that costs nothing "
                "would always be made; name a cost above 0 for both"
            )
