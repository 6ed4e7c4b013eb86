"""The loop of labels, training and judging over the months of a course, by the project's own rules, without stores."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from benchmarks.months import Course
from tiltyard.evaluation.metrics import score
from tiltyard.evaluation.predictions import Predictions, predict_rows
from tiltyard.gate.decision import Judgement, evaluate
from tiltyard.gate.disagreement_sampling import UsableLabels, disagreement_budget, disagreement_mask, usable_labels
from tiltyard.gate.inputs import CheckContext, ModelUnderTest
from tiltyard.gate.sequential_design import significance_level
from tiltyard.gate.triggers import Looks
from tiltyard.query.assignments import evaluation_share, select_disagreements, select_evaluation
from tiltyard.query.selection import CHOICE, QuerySpec, anti_join, select_samples
from tiltyard.samples.evaluation_split import take_in_random_order
from tiltyard.samples.features import feature_frame
from tiltyard.training.search.tuning import check_labels, fit_candidates

BUDGET: Final = 60
SERVED: Final = "roc_auc"
"""What a champion is worth to those it serves, whatever metric the gate compares by."""
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """A fitted model, which of the loop's it is, and its training rows."""

    number: int
    model: Any
    training: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Question:
    """A judgement that wants labels where two models differ: these rows, lowest in the order of chance first."""

    judgement: Judgement
    drawable: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a loop stands after some months: its pool, its labels by purpose, its models, its open question.

    ``evaluation`` says in ``drawn`` for which pair of models a label was asked for, empty where chance asked.
    """

    pool: pl.DataFrame
    training: pl.DataFrame
    evaluation: pl.DataFrame
    champion: Known | None = None
    challenger: Known | None = None
    question: Question | None = None
    looks: int = 0
    at_challenger: int = 0
    scores: tuple[float, ...] = field(default=())
    promoted: tuple[bool, ...] = field(default=())

    @property
    def pair(self) -> str:
        """Which two models are compared."""
        return f"{self.challenger and self.challenger.number} {self.champion and self.champion.number}"


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement, and the rows on which the two models differ and nobody was asked."""

    judgement: Judgement
    drawable: pl.DataFrame


def empty(course: Course) -> Standing:
    """A loop before its first month."""
    nothing = course.months[0].clear()
    labeled = nothing.with_columns(label=pl.lit("", pl.String))
    return Standing(pool=nothing, training=labeled, evaluation=labeled.with_columns(drawn=pl.lit("", pl.String)))


def served(standing: Standing, month: pl.DataFrame, course: Course) -> float:
    """The champion's ROC AUC on a whole month that it has not learned from; NaN where that has one class."""
    assert standing.champion is not None
    return score(SERVED, course.truth(month), _said(standing.champion, month, course))


def learned(standing: Standing, month: pl.DataFrame, course: Course, *, evaluating: bool = True) -> Standing:
    """The loop with a month in its pool and the budget's answers, some of them evaluation labels unless declined."""
    standing = replace(standing, pool=pl.concat([standing.pool, month]))
    seed = course.project.seed * 1000 + standing.pool.height
    to_judge_on = _to_judge_on(standing, course, seed) if evaluating else standing.evaluation.clear()
    asked = pl.concat([standing.training["sample_id"], standing.evaluation["sample_id"], to_judge_on["sample_id"]])
    rest = anti_join(standing.pool if not evaluating else standing.pool.filter(~pl.col("evaluation")), asked)
    wanted = QuerySpec.by(course.project.query, BUDGET - to_judge_on.height, seed)
    model = standing.champion.model if standing.champion else None
    with threadpool_limits(limits=1):
        chosen = select_samples([rest], wanted, course.project, model=model, labeled=standing.training)
    training = pl.concat([standing.training, _answered(chosen, course)])
    return replace(standing, training=training, evaluation=pl.concat([standing.evaluation, to_judge_on]))


def fitted(standing: Standing, course: Course) -> Standing:
    """The loop with a challenger fitted on all training labels; as it was where they are of one class."""
    labels = standing.training["label"].to_numpy().astype(str)
    if len(set(labels)) < 2:
        return standing
    check_labels(labels, course.project)
    frame = feature_frame(standing.training, course.project)
    model = fit_candidates(frame, labels, course.project, course.project.seed).model
    number = standing.challenger.number + 1 if standing.challenger else 1
    challenger = Known(number, model, standing.training)
    return replace(standing, challenger=challenger, question=None, at_challenger=0)


def judged(standing: Standing, course: Course) -> Judged:
    """What the project's gate says of the challenger, with all of its checks."""
    assert standing.challenger is not None
    project, policy = course.project, course.project.gate
    standing = _in_window(standing, policy.window)
    population, differs = _population(standing, course)
    spoken = _speaking(standing, population, differs)
    rows = standing.evaluation.filter(spoken.rows)
    drawable = anti_join(population.filter(pl.Series(differs)), standing.evaluation["sample_id"])
    sides = [_side(one, rows, course) for one in (standing.challenger, standing.champion) if one]
    context = CheckContext.of(
        rows.drop("drawn"),
        sides,
        spoken.strata,
        seed=project.seed,
        now=NOW,
        level=significance_level(standing.looks + 1, policy),
    )
    looks = Looks(standing.looks + 1, standing.at_challenger + 1)
    counted = drawable.height if standing.champion else None
    return Judged(evaluate(context, project, looks, drawable=counted), drawable)


def settled(standing: Standing, verdict: Judged) -> tuple[Standing, bool]:
    """The loop after a judgement was acted on, and whether the challenger was promoted."""
    if verdict.judgement.decision == "promote":
        return replace(standing, champion=standing.challenger, question=None, looks=0, at_challenger=0), True
    open_question = verdict.judgement.wanted_where == "disagreement" and verdict.drawable.height > 0
    return replace(
        standing,
        question=Question(verdict.judgement, verdict.drawable) if open_question else None,
        # A look that came close is none that later ones pay for.
        looks=standing.looks + bool(verdict.judgement.evidence.get("counts", True)),
        at_challenger=standing.at_challenger + 1,
    ), False


def _to_judge_on(standing: Standing, course: Course, seed: int) -> pl.DataFrame:
    """The evaluation labels of a budget: the project's share by chance, and those that an open question wants."""
    share = evaluation_share(BUDGET, course.project, seed)
    held = anti_join(standing.pool.filter("evaluation"), standing.evaluation["sample_id"])
    by_chance = select_evaluation([held], share, course.project)
    chosen = [_answered(by_chance, course).with_columns(drawn=pl.lit("", pl.String))] if by_chance.width else []
    if standing.question is not None:
        taken = pl.concat([standing.evaluation["sample_id"], *(one["sample_id"] for one in chosen)])
        drawable = anti_join(standing.question.drawable, taken)
        wanted = min(standing.question.judgement.labels_wanted, drawable.height)
        room = disagreement_budget(wanted, BUDGET, share)
        # With less than half of what is wanted a look would be paid for and hardly decide anything.
        if room and 2 * room >= wanted:
            drawn = _answered(select_disagreements(drawable, room), course)
            chosen.append(drawn.with_columns(drawn=pl.lit(standing.pair, pl.String)))
    return pl.concat([standing.evaluation.clear(), *chosen])


def _in_window(standing: Standing, window: int | None) -> Standing:
    """The loop with the evaluation rows of its newest months only; the whole where the gate has no window."""
    if window is None:
        return standing
    months = standing.pool["_month"].unique().sort().tail(window).implode()
    pool, evaluation = (rows.filter(pl.col("_month").is_in(months)) for rows in (standing.pool, standing.evaluation))
    return replace(standing, pool=pool, evaluation=evaluation)


def _population(standing: Standing, course: Course) -> tuple[pl.DataFrame, Any]:
    """The first rows of the evaluation set in the order of chance, and on which of them the two models differ."""
    rows = take_in_random_order([standing.pool.filter("evaluation")], course.project.evaluation.population,
                          course.project.seed)  # fmt: skip
    if standing.champion is None or standing.challenger is None:
        return rows, np.zeros(rows.height, dtype=bool)
    old, new = (_said(one, rows, course) for one in (standing.champion, standing.challenger))
    return rows, disagreement_mask(course.project.gate.metric, old, new)


def _speaking(standing: Standing, population: pl.DataFrame, differs: Any) -> UsableLabels:
    """Which evaluation labels may speak, and for how much."""
    places = population.select("sample_id", order="_order", batch="_month").with_columns(differs=pl.Series(differs))
    by = pl.col("drawn")
    here = pl.when(by == standing.pair).then(pl.lit("here")).otherwise(pl.lit("elsewhere"))
    labeled = standing.evaluation.select("sample_id", drawn=pl.when(by == "").then(pl.lit("chance")).otherwise(here))
    joined = labeled.join(places, on="sample_id", how="left", maintain_order="left")
    if standing.champion is None:
        return UsableLabels(pl.Series([True] * joined.height, dtype=pl.Boolean), None, joined.height)
    return usable_labels(joined, population.height, int(differs.sum()))


def _side(known: Known, rows: pl.DataFrame, course: Course) -> ModelUnderTest:
    """One of the two models as the checks meet it."""
    return ModelUnderTest(
        model_id=str(known.number),
        model=known.model,
        predictions=_said(known, rows, course),
        training=known.training,
        size=0,
    )


def _said(known: Known, rows: pl.DataFrame, course: Course) -> Predictions:
    """What a model says of some rows."""
    return predict_rows(known.model, feature_frame(rows, course.project), course.project)


def _answered(rows: pl.DataFrame, course: Course) -> pl.DataFrame:
    """Rows with what the expert says of them."""
    said: Mapping[str, str] = course.said
    plain = rows.drop(name for name in (*CHOICE, "_order") if name in rows.columns)
    return plain.with_columns(label=pl.Series("label", [said[sample] for sample in plain["sample_id"]], pl.String))
