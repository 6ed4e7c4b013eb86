"""The page of one verdict."""

from typing import Final

from tiltyard.reports.html.confusion_table import matrices, mistakes
from tiltyard.reports.html.drawing import Chart, shortened
from tiltyard.reports.html.evidence_charts import MOST_LETTERS, Dot, dots_chart, learning_chart
from tiltyard.reports.html.flips import find_flips
from tiltyard.reports.html.model_charts import (
    calibration_chart,
    cost_chart,
    precision_chart,
    roc_chart,
    threshold_chart,
)
from tiltyard.reports.html.page import render
from tiltyard.reports.html.verdict_data import VerdictData, collect_verdict_data
from tiltyard.reports.html.verdict_evidence import (
    SliceResult,
    notes,
    read_importance,
    read_number,
    read_slices,
    second_figure,
)
from tiltyard.schemas.records import Interval, Verdict
from tiltyard.workspace.workspace import Workspace

MOST_SLICES: Final = 14
MOST_COLUMNS: Final = 12


def verdict_page(workspace: Workspace, verdict: Verdict) -> str:
    """A verdict's page as HTML, rendered from the ledger and the stored models."""
    return render_verdict(collect_verdict_data(workspace, verdict))


def render_verdict(facts: VerdictData) -> str:
    """The page of what was gathered of a verdict."""
    sides = facts.answers.sides if facts.answers else None
    slices = read_slices(facts.verdict)
    return render(
        "verdict.html",
        facts=facts,
        charts=_charts(facts, slices),
        slices=slices,
        second=second_figure(facts.verdict, "gain"),
        flipped=find_flips(facts.answers) if facts.answers else None,
        matrices=matrices(sides) if sides else [],
        mistakes=mistakes(sides) if sides else [],
        of_two=bool(sides and sides.of_two),
        churn=read_number(facts.verdict, "churn", "share"),
        churn_rows=read_number(facts.verdict, "churn", "rows"),
        costs={side: read_number(facts.verdict, "costs", side, "value") for side in ("challenger", "champion")},
        notes=notes(facts.verdict),
        look=read_number(facts.verdict, "look"),
    )


def _charts(facts: VerdictData, slices: list[SliceResult]) -> dict[str, Chart | None]:
    """The page's drawings by name; None where there is nothing to draw."""
    charts = {
        "gain": _gain(facts),
        "slices": _slices(slices, facts.metric),
        "importance": _importance(facts),
        "learning": _learning(facts),
    }
    names = ("roc", "precision", "threshold", "calibration", "cost")
    return {**charts, **(_of_models(facts) if facts.answers else dict.fromkeys(names))}


def _of_models(facts: VerdictData) -> dict[str, Chart | None]:
    """The drawings for which both models were asked again."""
    assert facts.answers is not None
    sides = facts.answers.sides
    return {
        "roc": roc_chart(sides),
        "precision": precision_chart(sides),
        "threshold": threshold_chart(sides, facts.verdict.metric),
        "calibration": calibration_chart(sides),
        "cost": cost_chart(sides, facts.answers.project.costs),
    }


def _gain(facts: VerdictData) -> Chart | None:
    """The gain between its bounds, and the second figure beneath."""
    gain, second = facts.verdict.gain, second_figure(facts.verdict, "gain")
    if gain is None:
        return None
    dots = [_dot("the gain", gain)] + ([_dot("second figure", second, hollow=True)] if second else [])
    limit = next((check.limit for check in facts.verdict.checks if check.name == "gain"), None)
    must = f" The interval's left end must lie right of {limit:.3g}." if limit is not None else ""
    whom = facts.called["challenger"].removeprefix("the ")
    caption = f"The line at 0 is the champion; right of it the {whom} is better.{must}"
    return dots_chart(dots, limit, f"gain in {facts.metric}", caption, "gain")


def _slices(slices: list[SliceResult], metric: str) -> Chart | None:
    """The slices with the smallest lower bounds."""
    shown = [one for one in slices if one.gain is not None][:MOST_SLICES]
    dots = [_dot(_short(one), one.gain, hollow=one.outcome == "fail") for one in shown if one.gain is not None]
    caption = f"The challenger's gain in each part of the data{', the worst first' if len(shown) > 1 else ''}."
    if len(shown) < len(slices):
        caption = f"{caption} {len(shown)} of {len(slices)} parts; the table has them all."
    return dots_chart(dots, None, f"gain in {metric}", caption, "slices")


def _short(part: SliceResult) -> str:
    """A slice's name next to a drawing, short enough to show both column and value."""
    value = shortened(part.value, 14)
    return f"{shortened(part.column, MOST_LETTERS - 2 - len(value))}: {value}"


def _importance(facts: VerdictData) -> Chart | None:
    """The columns that matter most."""
    weighed = read_importance(facts.verdict)[:MOST_COLUMNS]
    dots = [_dot(one.column, one.loss) for one in weighed]
    caption = (
        f"How much {facts.metric} the challenger loses on the evaluation rows when a column's values are shuffled."
    )
    return dots_chart(dots, None, f"loss of {facts.metric}", caption, "importance")


def _learning(facts: VerdictData) -> Chart | None:
    """The project's learning curve until this verdict."""
    caption = f"Each challenger until this verdict, {facts.metric} with its interval; the ring marks this one."
    if facts.worth:
        caption = f"{facts.worth[0].upper()}{facts.worth[1:]}. {caption}"
    return learning_chart(facts.curve, facts.metric, caption, facts.verdict.challenger_id[:8])


def _dot(name: str, interval: Interval, *, hollow: bool = False) -> Dot:
    """An interval with its name, to be drawn."""
    return Dot(name, interval.value, interval.low, interval.high, hollow)
