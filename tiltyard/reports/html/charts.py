"""What chosen labels bought beside labels drawn by chance."""

from typing import TYPE_CHECKING

from tiltyard.reports.html.beside import Curves
from tiltyard.reports.html.drawing import BLUE, ORANGE, Chart, in_two_widths

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def choice_chart(curves: Curves, metric: str) -> Chart:
    """The learning curve of the labels that were chosen, beside that of as many drawn by chance."""
    last, chance = curves.chosen[-1], curves.random[-1]
    told = (
        f"With {last.labels} training labels the chosen ones give {metric} {last.score:.3f}, "
        f"labels by chance {chance.score:.3f} (between {chance.low:.3f} and {chance.high:.3f} in {curves.draws} draws)."
    )
    return in_two_widths(lambda axes: _draw_choice(axes, curves, metric), told, "choice")


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


def _name_axes(axes: "Axes", metric: str) -> None:
    """What the axes count."""
    axes.set_xlabel("training labels")
    axes.set_ylabel(metric)
