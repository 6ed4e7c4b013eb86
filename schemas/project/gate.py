"""What a challenger must show before it becomes champion, as the project file says it."""

import re
from typing import Final, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from tiltyard.schemas.errors import nearest
from tiltyard.schemas.project.columns import LARGEST, Part

MetricName = Literal[
    "accuracy", "balanced_accuracy", "f1", "macro_f1", "roc_auc", "average_precision", "log_loss", "brier"
]
METRICS: Final[tuple[MetricName, ...]] = get_args(MetricName)
OF_TWO_CLASSES: Final = frozenset({"f1", "roc_auc", "average_precision"})
OF_NUMBERS: Final = frozenset({"rmse", "mse", "mae", "r2", "mape", "msle", "rmsle", "explained_variance", "max_error"})
"""Metrics of regression, which predicts numbers; here a prediction is a class."""

OWN_METRIC: Final = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")
"""How a metric of one's own is named: ``module:function``."""


class Looks(Part):
    """How judging again and again on one evaluation set is paid for."""

    correction: Literal["online_fdr", "none"] = Field(
        "online_fdr",
        description="online_fdr: looks pay for those before them, so that few promotions are false; none: each alone",
    )
    per_challenger: int = Field(
        3, ge=1, le=1000, description="how often one challenger may be judged as labels come in"
    )


class Slices(Part):
    """Parts of the evaluation set in which a challenger must do no harm."""

    columns: list[str] = Field(default_factory=list, description="columns to slice by; empty: those with few values")
    minimum: int = Field(30, ge=2, le=10**9, description="fewest evaluation labels of a slice that is judged")
    labels: bool | None = Field(
        None, description="whether each true label is a slice too; none: of more than two classes (two are a trade-off)"
    )
    margin: float = Field(0.05, ge=0, le=LARGEST, description="how much worse a slice may be")
    rule: Literal["no_harm", "not_worse"] = Field(
        "no_harm",
        description="no_harm: fails where a slice is shown to be worse by more than margin; "
        "not_worse: each slice must be shown not to be",
    )


class Perturbation(Part):
    """Small changes of the inputs, and how many decisions may flip under them."""

    noise: float = Field(0.02, ge=0, le=1000, description="of a number, in standard deviations of its column")
    typos: float = Field(0.02, ge=0, le=1, description="share of a text's characters that are mistyped")
    missing: float = Field(0.02, ge=0, le=1, description="share of the cells that are emptied")
    most_flips: float | None = Field(None, ge=0, le=1, description="largest share of flipped decisions; none: report")
    most_more_flips: float | None = Field(
        0.1, ge=0, le=1, description="largest share of flips beyond the champion's own; none: report"
    )


class Calibration(Part):
    """How far probabilities may be from what comes true (expected calibration error)."""

    counted: Literal["overconfidence", "both"] = Field(
        "overconfidence", description="whether only promises that are not kept count, or too modest ones too"
    )
    most_error: float | None = Field(0.25, ge=0, le=1, description="largest error; none: report")
    most_worse: float | None = Field(0.1, ge=0, le=1, description="largest increase over the champion; none: report")


class Resources(Part):
    """What a prediction and a model may cost; measured only where there is a limit."""

    latency_ms: float | None = Field(None, gt=0, le=LARGEST, description="95th percentile of the time for one row")
    latency_times: float | None = Field(None, gt=0, le=LARGEST, description="the same, as a multiple of the champion's")
    size_mb: float | None = Field(None, gt=0, le=LARGEST, description="the stored model")


class Leaks(Part):
    """Content that must not be on both sides of the split."""

    same_content: int | None = Field(0, ge=0, description="evaluation rows that equal a training row; none: report")
    same_entity: int | None = Field(0, ge=0, description="evaluation rows whose entity was trained on; none: report")
    near_duplicates: float | None = Field(
        0.05, ge=0, le=1, description="most near-duplicates, as a share; none: report"
    )
    similarity: float = Field(0.95, gt=0, le=1, description="from when on two rows are near-duplicates")


class Watch(Part):
    """After a promotion: new labels of random samples that may roll the champion back."""

    labels: int = Field(
        30, ge=0, le=10**9, description="fresh evaluation labels from which the champion is looked at; 0: never"
    )
    days: float = Field(30, gt=0, le=36_500, description="how long after its promotion a champion is watched")


class Gate(Part):
    """What a challenger must show before it becomes champion."""

    metric: str = Field(
        "accuracy", description=f"what models are compared by: {', '.join(METRICS)}, or module:function of your own"
    )
    minimum_gain: float = Field(0.0, ge=0, le=LARGEST, description="the challenger must be better by at least this")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="of the two-sided interval at the first look")
    rule: Literal["superior", "not_worse"] = Field(
        "superior",
        description="superior: the lower bound is above minimum_gain; not_worse: above -margin, gain > minimum_gain",
    )
    margin: float = Field(0.0, ge=0, le=LARGEST, description="how much worse the lower bound may be under not_worse")
    minimum_labels: int = Field(50, ge=2, le=10**9, description="fewest evaluation labels to judge on")
    window: int | None = Field(
        None,
        ge=1,
        le=10**9,
        description="newest batches that are judged on, where only they tell what will come; none: all",
    )
    floors: dict[MetricName, float] = Field(default_factory=dict, description="values to reach (losses: not exceed)")
    resamples: int = Field(
        2000, ge=100, le=100_000, description="of the paired bootstrap that the standard error comes from"
    )
    looks: Looks = Looks()
    slices: Slices = Slices()
    dominance: float | None = Field(
        0.25, ge=0, le=1, description="how far a label's share of the decisions may exceed its share of the labels"
    )
    perturbation: Perturbation = Perturbation()
    calibration: Calibration = Calibration()
    resources: Resources = Resources()
    leaks: Leaks = Leaks()
    freshness_days: float | None = Field(
        None, gt=0, le=36_500, description="oldest that the newest evaluation label may be"
    )
    churn: float | None = Field(None, ge=0, le=1, description="largest share of decisions that may flip; none: report")
    watch: Watch = Watch()
    approval: bool = Field(False, description="whether a person must approve each promotion")
    approval_hours: float = Field(
        72, gt=0, le=8760, description="how long a promotion waits for approval; after it the champion stays"
    )

    @field_validator("metric")
    @classmethod
    def metric_is_known(cls, metric: str) -> str:
        """Refuse a name that is not a metric of classes, and name the nearest."""
        if metric in METRICS or OWN_METRIC.match(metric):
            return metric
        if metric.lower() in OF_NUMBERS:
            raise ValueError(f"{metric!r} compares numbers, a prediction here is a class: regression is not offered")
        raise ValueError(
            f"metric {metric!r} is not known; {nearest(metric, METRICS)}, or name your own as module:function"
        )

    @model_validator(mode="after")
    def margins_belong_to_their_rule(self) -> Self:
        """Refuse a margin that the rule never reads."""
        if self.rule == "superior" and self.margin:
            raise ValueError("margin is read under rule: not_worse only; leave it out or change the rule")
        return self
