"""The report's charts: SVG inside the page, in the page's own colours, so that light, dark and paper all read well."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from matplotlib import rc_context
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from examples.random_choice import Curves

Row = dict[str, Any]

# matplotlib knows no CSS variables: each colour is a stand-in that the finished drawing exchanges.
INK, FAINT, CHOSEN, CHANCE = "#010101", "#020202", "#030303", "#040404"
VARIABLES: Final = {INK: "--ink", FAINT: "--faint", CHOSEN: "--chosen", CHANCE: "--chance"}

STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": FAINT,
    "grid.alpha": 0.35,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart as SVG text, drawn twice: for a wide page and for a telephone; ``told`` says it in words."""

    wide: str
    narrow: str
    told: str


def choice_chart(curves: "Curves", metric: str) -> Chart:
    """The learning curve of the labels that were chosen, beside that of as many drawn by chance."""
    last, chance = curves.chosen[-1], curves.random[-1]
    told = (
        f"With {last.labels} training labels the chosen ones give {metric} {last.score:.3f}, "
        f"labels by chance {chance.score:.3f} (between {chance.low:.3f} and {chance.high:.3f} in {curves.draws} draws)."
    )
    return _twice(lambda axes: _draw_choice(axes, curves, metric), told, "choice")


def gate_chart(curve: Sequence[Row], moves: Sequence[Row], metric: str) -> Chart:
    """What the gate saw of each challenger: its score with the interval, filled where it was promoted."""
    promoted = sum(point["decision"] == "promote" for point in curve)
    back = sum(move["kind"] == "roll_back" for move in moves)
    told = (
        f"{len(curve)} verdicts on challengers, from {metric} {curve[0]['score']:.3f} to {curve[-1]['score']:.3f}; "
        f"{promoted} said promote. The champion moved {len(moves)} times, {back} of them back."
    )
    return _twice(lambda axes: _draw_gate(axes, curve, metric), told, "gate")


def _draw_choice(axes: "Axes", curves: "Curves", metric: str) -> None:
    """Two lines, and the spread of chance."""
    labels = [point.labels for point in curves.random]
    low, high = [point.low for point in curves.random], [point.high for point in curves.random]
    axes.fill_between(labels, low, high, color=CHANCE, alpha=0.18, linewidth=0)
    axes.plot(labels, [point.score for point in curves.random], "--s", color=CHANCE, markersize=4, label="by chance")
    axes.plot(
        [point.labels for point in curves.chosen],
        [point.score for point in curves.chosen],
        "-o",
        color=CHOSEN,
        markersize=5,
        label="chosen by the strategy",
    )
    _name_axes(axes, metric)
    axes.legend(loc="lower right")


def _draw_gate(axes: "Axes", curve: Sequence[Row], metric: str) -> None:
    """One point a verdict, its interval behind it."""
    for point in curve:
        axes.plot([point["labels"]] * 2, [point["low"], point["high"]], color=FAINT, linewidth=2, zorder=1)
    for decision, face, word in (("promote", CHOSEN, "promoted"), ("keep", "none", "rejected")):
        points = [point for point in curve if point["decision"] == decision]
        axes.plot(
            [point["labels"] for point in points],
            [point["score"] for point in points],
            "o",
            color=CHOSEN,
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


def _twice(draw: Callable[["Axes"], None], told: str, name: str) -> Chart:
    """The same drawing for a wide and for a narrow page."""
    return Chart(_svg(draw, (7.0, 3.5), f"{name}-wide"), _svg(draw, (3.6, 3.2), f"{name}-narrow"), told)


def _svg(draw: Callable[["Axes"], None], size: tuple[float, float], salt: str) -> str:
    """A drawing as an SVG element: no fixed size, font or date, and ids that nothing else on the page has."""
    with rc_context({**STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _in_page(text.getvalue(), salt)


def _in_page(svg: str, salt: str) -> str:
    """The drawing without its XML prolog, in the page's colours and font."""
    head, rest = svg[svg.index("<svg") :].split(">", 1)
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    svg = f"{head}>{re.sub(r'<metadata>.*?</metadata>', '', rest, flags=re.DOTALL)}"
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{salt}-", svg)
    svg = re.sub(r"font-family:[^;\"]*;?", "", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
