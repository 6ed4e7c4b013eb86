"""Which trials are fitted and how they are compared among themselves, before the gate, as the project file says it."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from schemas.columns import Part


class Range(Part):
    """Numbers from which a search draws a parameter."""

    low: float = Field(description="smallest value")
    high: float = Field(description="largest value")
    log: bool = Field(False, description="whether every order of magnitude is as likely (low above 0)")
    integer: bool = Field(False, description="whole numbers only")

    @model_validator(mode="after")
    def is_a_range(self) -> Self:
        """Refuse an empty range, and a logarithm of nothing."""
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0, got {self.low:g}")
        return self


class Candidate(Part):
    """An estimator that may become the challenger."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$", description="what its trials are called")
    estimator: str = Field(description="import path, for example sklearn.linear_model.LogisticRegression")
    parameters: dict[str, Any] = Field(default_factory=dict, description="what the estimator is made with")
    grid: dict[str, list[Any]] = Field(
        default_factory=dict, description="values of a parameter; search 'grid' tries every combination"
    )
    space: dict[str, Range] = Field(
        default_factory=dict, description="ranges of a parameter, for the searches 'random', 'halving' and 'optuna'"
    )
    preprocessing: Literal["default", "none"] = Field(
        "default", description="default: imputation, rare categories, scaling, TF-IDF, as the kinds ask"
    )


class Tuning(Part):
    """How trials are compared among themselves, before the gate."""

    search: Literal["grid", "random", "halving", "optuna"] = Field(
        "grid", description="which combinations are tried; optuna needs tiltyard[optuna]"
    )
    trials: int = Field(20, ge=1, description="of each candidate with a space or grid, unless search is grid")
    seconds: float | None = Field(None, gt=0, description="after this no further trial is begun; none: no limit")
    workers: int = Field(1, ge=1, le=64, description="processes that fit trials side by side")
    start: Literal["cold", "warm"] = Field("cold", description="warm: the champion's own parameters are tried too")
    folds: int = Field(3, ge=2, le=20, description="of the cross-validation that ranks the trials")
    minimum_labels: int = Field(20, ge=2, description="fewest training labels to fit from")
    class_weight: Literal["none", "balanced"] = Field("none", description="balanced: rare classes weigh more")
    calibration: Literal["none", "sigmoid", "isotonic", "temperature"] = Field(
        "none", description="how the best trial's probabilities are calibrated, by cross-validation"
    )
    threshold: Literal["search", "costs", "none"] = Field(
        "search", description="the cut-off of two classes: search by the gate's metric, by the project's costs, or 0.5"
    )
