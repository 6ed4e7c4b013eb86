"""The project page's charts: what chosen labels bought beside chance, and what the gate saw of each challenger."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tiltyard.pages.beside import Curves
from tiltyard.pages.drawing import BLUE, FAINT, ORANGE, Chart, in_two_widths

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, Any]


def choice_chart(curves: Curves, metric: str) -> Chart:
    """The learning curve of the labels that were chosen, beside that of as many drawn by chance."""
    last, chance = curves.chosen[-1], curves.random[-1]
    told = (
        f"With {last.labels} training labels the chosen ones give {metric} {last.score:.3f}, "
        f"labels by chance {chance.score:.3f} (between {chance.low:.3f} and {chance.high:.3f} in {curves.draws} draws)."
    )
    return in_two_widths(lambda axes: _draw_choice(axes, curves, metric), told, "choice")


def gate_chart(curve: Sequence[Row], moves: Sequence[Row], metric: str) -> Chart:
    """What the gate saw of each challenger: its score with the interval, filled where it was promoted."""
    promoted = sum(point["decision"] == "promote" for point in curve)
    back = sum(move["kind"] == "roll_back" for move in moves)
    told = (
        f"{len(curve)} verdicts on challengers, from {metric} {curve[0]['score']:.3f} to {curve[-1]['score']:.3f}; "
        f"{promoted} said promote. The champion moved {len(moves)} times, {back} of them back."
    )
    return in_two_widths(lambda axes: _draw_gate(axes, curve, metric), told, "gate")


def _draw_choice(axes: "Axes", curves: Curves, metric: str) -> None:
    """Two lines, and the spread of chance."""
    labels = [point.labels for point in curves.random]
    low, high = [point.low for point in curves.random], [point.high for point in curves.random]
    axes.fill_between(labels, low, high, color=ORANGE, alpha=0.18, linewidth=0)
    axes.plot(labels, [point.score for point in curves.random], "--s", color=ORANGE, markersize=4, label="by chance")
    axes.plot(
        [point.labels for point in curves.chosen],
        [point.score for point in curves.chosen],
        "-o",
        color=BLUE,
        markersize=5,
        label="chosen by the strategy",
    )
    _name_axes(axes, metric)
    axes.legend(loc="lower right")


def _draw_gate(axes: "Axes", curve: Sequence[Row], metric: str) -> None:
    """One point a verdict, its interval behind it."""
    for point in curve:
        axes.plot([point["labels"]] * 2, [point["low"], point["high"]], color=FAINT, linewidth=2, zorder=1)
    for decision, face, word in (("promote", BLUE, "promoted"), ("keep", "none", "rejected")):
        points = [point for point in curve if point["decision"] == decision]
        axes.plot(
            [point["labels"] for point in points],
            [point["score"] for point in points],
            "o",
            color=BLUE,
            markerfacecolor=face,
            markersize=6,
            label=word,
            zorder=2,
        )
    _name_axes(axes, metric)
    axes.legend(loc="lower right")


def _name_axes(axes: "Axes", metric: str) -> None:
    """What the axes count."""
    axes.set_xlabel("training labels")
    axes.set_ylabel(metric)
