"""Charts of two models' answers for the same rows: ranking, threshold, calibration. The champion is dashed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tiltyard.evaluation.curves import (
    Bins,
    Curve,
    accuracy_by_coverage,
    calibration,
    cost_by_threshold,
    metric_by_threshold,
    precision_recall,
    roc,
)
from tiltyard.evaluation.metrics import BY_DECISION, EncodedRows, Floats
from tiltyard.reports.html.drawing import BLUE, FAINT, INK, ORANGE, Chart, in_one_width
from tiltyard.reports.verdict_summary import metric_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = (("challenger", BLUE, "-", "o"), ("champion", ORANGE, (0, (5, 2)), "s"))
"""Each model's name, colour, line and mark: who sees no colours sees the lines."""


@dataclass(frozen=True, slots=True)
class Side:
    """One model's answers for n rows, and the threshold that it decides at where it has one."""

    rows: EncodedRows
    cut: float | None = None


@dataclass(frozen=True, slots=True)
class Sides:
    """The models that are drawn, the challenger first, with the weights (n,) of the rows they answered."""

    sides: Mapping[str, Side]
    weights: Floats
    class_names: tuple[str, ...]
    positive: str

    @property
    def of_two(self) -> bool:
        """Whether there are two classes."""
        return len(self.class_names) == 2

    def curves(self, of: Callable[[EncodedRows, Floats], Curve | None]) -> dict[str, Curve]:
        """A curve of each model, where it is defined."""
        found = {name: of(side.rows, self.weights) for name, side in self.sides.items()}
        return {name: curve for name, curve in found.items() if curve is not None}


def roc_chart(sides: Sides) -> Chart | None:
    """ROC of both."""
    curves = sides.curves(roc)
    caption = (
        f"Area under the curve: {_areas(curves)}. {_of_whom(sides)} A curve nearer the upper left corner is better."
    )

    def draw(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":")
        _lines(axes, curves)
        _name(axes, "false alarms", "found")
        _unit(axes)

    return in_one_width(draw, caption, "roc") if curves else None


def precision_chart(sides: Sides) -> Chart | None:
    """Precision and recall of both."""
    curves = sides.curves(precision_recall)
    caption = f"Average precision: {_areas(curves)}. {_of_whom(sides)} A curve nearer the upper right corner is better."

    def draw(axes: "Axes") -> None:
        _lines(axes, curves)
        _name(axes, "found (recall)", "right of those (precision)")
        _unit(axes)

    return in_one_width(draw, caption, "precision") if curves else None


def threshold_chart(sides: Sides, metric: str) -> Chart | None:
    """The metric at every threshold with the chosen ones marked; with more classes, right decisions by share taken."""
    if not sides.of_two:
        return _share_chart(sides)
    curves = sides.curves(lambda rows, weights: metric_by_threshold(metric, rows, weights))
    shown = metric_name(metric if metric in BY_DECISION else "accuracy")
    caption = f"{shown[0].upper()}{shown[1:]} at other thresholds for {sides.positive!r}. {_describe_thresholds(sides)}"

    def draw(axes: "Axes") -> None:
        _lines(axes, curves)
        _cuts(axes, sides, curves)
        _name(axes, "threshold", shown)
        axes.set_xlim(0, 1)

    return in_one_width(draw, caption, "threshold") if curves else None


def cost_chart(sides: Sides, costs: Mapping[str, Mapping[str, float]]) -> Chart | None:
    """The mean cost of a decision at every threshold, where the project has costs."""
    curves = sides.curves(lambda rows, weights: cost_by_threshold(costs, sides.class_names, rows, weights))
    least = ", ".join(
        f"{name} {curve.y.min():.3g} at {curve.x[curve.y.argmin()]:.2f}" for name, curve in curves.items()
    )
    caption = (
        f"Mean cost of a decision; lower is better. The least on these rows: {least}. {_describe_thresholds(sides)}"
    )

    def draw(axes: "Axes") -> None:
        _lines(axes, curves)
        _cuts(axes, sides, curves)
        _name(axes, "threshold", "mean cost")
        axes.set_xlim(0, 1)

    return in_one_width(draw, caption, "cost") if curves else None


def calibration_chart(sides: Sides) -> Chart | None:
    """Predicted probability against observed share."""
    bins = {name: calibration(side.rows, sides.weights) for name, side in sides.sides.items() if len(side.rows.truth)}
    of_what = f"of {sides.positive!r}" if sides.of_two else "of the decision"
    caption = f"Observed share of rows against the predicted probability {of_what}. On the dotted line both are equal; "
    caption += f"mean distance from it: {', '.join(f'{name} {_distance(one):.3f}' for name, one in bins.items())}."

    def draw(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":")
        for name, colour, line, mark in STYLES:
            if name in bins:
                one = bins[name]
                axes.plot(one.told, one.came, linestyle=line, marker=mark, markersize=5, color=colour, label=name)
        _name(axes, "predicted", "observed")
        # Where probabilities are small, the points would huddle in a corner.
        _unit(axes, 1.1 * max(float(np.concatenate([one.told, one.came]).max()) for one in bins.values()))

    return in_one_width(draw, caption, "calibration") if bins else None


def _share_chart(sides: Sides) -> Chart | None:
    """With many classes: how many decisions are right if only the surest are taken."""
    curves = sides.curves(accuracy_by_coverage)
    halves = [f"{name} {np.interp(0.5, curve.x, curve.y):.1%}" for name, curve in curves.items()]
    caption = (
        "If only the most confident decisions were taken and people decided the rest. Correct in the confident half: "
    )
    caption += f"{', '.join(halves)}."

    def draw(axes: "Axes") -> None:
        _lines(axes, curves)
        _name(axes, "share of decisions taken, most confident first", "share correct")
        axes.set_xlim(0, 1)

    return in_one_width(draw, caption, "share") if curves else None


def _lines(axes: "Axes", curves: Mapping[str, Curve]) -> None:
    """A line for each model."""
    for name, colour, line, _ in STYLES:
        if name in curves:
            axes.plot(curves[name].x, curves[name].y, linestyle=line, color=colour, label=name)


def _cuts(axes: "Axes", sides: Sides, curves: Mapping[str, Curve]) -> None:
    """Where each model decides."""
    for name, colour, _, mark in STYLES:
        side = sides.sides.get(name)
        if side is not None and side.cut is not None and name in curves:
            at = float(np.interp(side.cut, curves[name].x, curves[name].y))
            axes.plot([side.cut], [at], mark, color=colour, markeredgecolor=INK, markersize=8, zorder=4)


def _describe_thresholds(sides: Sides) -> str:
    """The thresholds in words."""
    cuts = [f"{name} at {side.cut:.2f}" for name, side in sides.sides.items() if side.cut is not None]
    return f"The marks show where each decides: {', '.join(cuts)}." if cuts else ""


def _name(axes: "Axes", x: str, y: str) -> None:
    """What the axes are, and which line is whose."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.legend(loc="best")


def _unit(axes: "Axes", most: float = 1.0) -> None:
    """Both axes from 0 to 1, or to the largest number that is shown."""
    end = min(max(most, 0.05), 1.0)
    axes.set_xlim(-0.02 * end, 1.02 * end)
    axes.set_ylim(-0.02 * end, 1.02 * end)


def _areas(curves: Mapping[str, Curve]) -> str:
    """Each model's area."""
    return ", ".join(f"{name} {curve.area:.3f}" for name, curve in curves.items())


def _of_whom(sides: Sides) -> str:
    """The positive class, or the decision."""
    return f"To be found is {sides.positive!r}." if sides.of_two else "Every pair of row and class counts."


def _distance(bins: Bins) -> float:
    """The mean distance between predicted and observed over the rows."""
    return float(np.average(np.abs(bins.told - bins.came), weights=bins.rows))
