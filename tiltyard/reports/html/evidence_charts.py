"""Charts of what a verdict rests on: gains with their intervals, and how challengers grew with labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from tiltyard.reports.html.drawing import BLUE, FAINT, ORANGE, Chart, in_one_width, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
from typing import TYPE_CHECKING

from tiltyard.reports.html.drawing import in_two_widths
from tiltyard.reports.html.project_data import Curves

Row = dict[str, Any]

PER_DOT: Final = 0.3
"""Inches between two dots, and for a letter of a name."""
PER_LETTER: Final = 0.08
MOST_LETTERS: Final = 25


@dataclass(frozen=True, slots=True)
class Dot:
    """A named value with its interval; ``hollow`` if it is only secondary, or negative."""

    name: str
    value: float
    low: float
    high: float
    hollow: bool = False


def dots_chart(dots: Sequence[Dot], limit: float | None, axis: str, caption: str, name: str) -> Chart | None:
    """Dots with intervals under each other, a line at 0 and a dotted one at the limit; None without dots."""
    names = [shortened(dot.name, MOST_LETTERS) for dot in dots]
    left = 0.2 + PER_LETTER * max((len(one) for one in names), default=0)

    def draw(axes: "Axes") -> None:
        axes.axvline(0, color=FAINT, linewidth=1.2)
        if limit:
            axes.axvline(limit, color=ORANGE, linewidth=1.2, linestyle=":")
        for place, dot in enumerate(dots):
            colour = ORANGE if dot.hollow else BLUE
            axes.plot([dot.low, dot.high], [place] * 2, color=colour, linewidth=2.4, alpha=0.6, zorder=2)
            face = "none" if dot.hollow else colour
            axes.plot([dot.value], [place], "o", color=colour, markerfacecolor=face, markersize=7, zorder=3)
        axes.set_yticks(range(len(dots)), names)
        axes.set_ylim(len(dots) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        axes.locator_params(axis="x", nbins=5)
        axes.set_xlabel(axis)

    return in_one_width(draw, caption, name, 0.75 + PER_DOT * len(dots), left) if dots else None


def learning_chart(curve: Sequence[Row], metric: str, caption: str, shown: str | None = None) -> Chart | None:
    """Every challenger's score by its training labels, filled where it was promoted; ``shown`` gets a ring."""
    # Of several looks at one challenger the last counts.
    ordered = sorted({point["challenger"]: point for point in curve}.values(), key=lambda point: point["labels"])

    def draw(axes: "Axes") -> None:
        for point in ordered:
            axes.plot([point["labels"]] * 2, [point["low"], point["high"]], color=FAINT, linewidth=2, zorder=1)
        axes.plot([one["labels"] for one in ordered], [one["score"] for one in ordered], color=FAINT, linewidth=1)
        for decision, face, word in (("promote", BLUE, "promoted"), ("keep", "none", "not promoted")):
            _marks(axes, [one for one in ordered if one["decision"] == decision], face, word)
        ringed = [one for one in ordered if one["challenger"] == shown]
        axes.plot(
            [one["labels"] for one in ringed],
            [one["score"] for one in ringed],
            "o",
            markerfacecolor="none",
            markeredgecolor=ORANGE,
            markeredgewidth=2,
            markersize=13,
        )
        axes.set_xlabel("training labels")
        axes.set_ylabel(metric)
        axes.legend(loc="best")

    return in_one_width(draw, caption, "learning") if len(ordered) > 1 else None


@dataclass(frozen=True, slots=True)
class Reign:
    """One champion: since when, what its verdict saw, and whether it came by roll-back."""

    since: datetime
    score: float
    model: str
    is_back: bool


def champions_chart(reigns: Sequence[Reign], until: datetime, metric: str, caption: str) -> Chart | None:
    """The score of the champion of the time, over time; None without a champion."""

    def draw(axes: "Axes") -> None:
        times: Any = [*(reign.since for reign in reigns), until]
        scores = [*(reign.score for reign in reigns), reigns[-1].score]
        axes.step(times, scores, where="post", color=BLUE)
        for is_back, mark, colour, word in ((False, "o", BLUE, "promoted"), (True, "v", ORANGE, "rolled back to")):
            own = [reign for reign in reigns if reign.is_back is is_back]
            if not own:
                continue
            since: Any = [one.since for one in own]
            axes.plot(since, [one.score for one in own], mark, color=colour, markersize=7, label=word)
        locator: Any = AutoDateLocator(minticks=2, maxticks=5)  # type: ignore[no-untyped-call] # matplotlib left it untyped
        axes.xaxis.set_major_locator(locator)
        formatter: Any = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call] # matplotlib left it untyped
        axes.xaxis.set_major_formatter(formatter)
        axes.set_ylabel(metric)
        axes.legend(loc="best")

    return in_one_width(draw, caption, "champions") if reigns else None


def _marks(axes: "Axes", points: Sequence[Row], face: str, word: str) -> None:
    """Some challengers as dots."""
    axes.plot(
        [point["labels"] for point in points],
        [point["score"] for point in points],
        "o",
        color=BLUE,
        markerfacecolor=face,
        markeredgecolor=BLUE,
        markersize=6,
        label=word,
        zorder=2,
    )


def choice_chart(curves: Curves, metric: str) -> Chart:
    """The learning curve of the selected labels, compared with as many random labels."""
    last, chance = curves.chosen[-1], curves.random[-1]
    caption = (
        f"With {last.labels} training labels the chosen ones give {metric} {last.score:.3f}, "
        f"random labels {chance.score:.3f} (between {chance.low:.3f} and {chance.high:.3f} in {curves.draws} draws)."
    )
    return in_two_widths(lambda axes: _draw_choice(axes, curves, metric), caption, "choice")


def _draw_choice(axes: "Axes", curves: Curves, metric: str) -> None:
    """Two lines, and the spread of chance."""
    labels = [point.labels for point in curves.random]
    low, high = [point.low for point in curves.random], [point.high for point in curves.random]
    axes.fill_between(labels, low, high, color=ORANGE, alpha=0.18, linewidth=0)
    axes.plot(labels, [point.score for point in curves.random], "--s", color=ORANGE, markersize=4, label="random")
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
