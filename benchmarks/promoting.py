"""What the gate is worth over years of data: the same loop under five rules of promotion.

    nice python -m benchmarks.promoting [bank hotel] [--seeds 5] [--jobs 2] [--out promoting.csv]
    python -m benchmarks.promoting --out promoting.csv --report

Months arrive in the order in which they happened. Before a month is learned from, the champion is scored on all of its
rows by the example's gate metric. Then the expert answers ``BUDGET`` samples: the project's share of evaluation labels,
the rest chosen by the project's strategy with the rule's own champion; the project's candidates are fitted on all
training labels; and the rule says whether the challenger becomes champion. All rules share the way to the first
champion, which the gate lets pass as soon as it has its fewest evaluation labels; only from there on is counted.

never             the first champion stays
always            every challenger is promoted (a scheduled retraining without a gate)
always, all       the same, and the evaluation labels that this rule does not need are training labels as well
higher number     promoted when its metric on the evaluation labels is higher
gate              the project file's own gate
gate, looks free  the same without paying for looks (``gate.looks.correction: none``)

``--wrong`` makes the expert err in every fifth month (as a team on a bad day) on this share of its answers.
"""

import argparse
import csv
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Literal

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy: each process is one core

import numpy as np
import polars as pl
import yaml
from threadpoolctl import threadpool_limits

from benchmarks.frozen_or_retrained import first_time_only, text_rows
from examples.catalogue import EXAMPLES
from examples.expert import misled
from schemas.gate import Looks
from schemas.pool_types import pool_schema
from schemas.project import Project, parse_project
from tiltyard.rules.asking import evaluation_share, pick_evaluation
from tiltyard.rules.choosing import Wanted, choose, without
from tiltyard.rules.features import feature_frame
from tiltyard.rules.identity import sample_ids
from tiltyard.rules.judging import Evidence, Judgement, judge
from tiltyard.rules.metrics import greater_is_better, score
from tiltyard.rules.predictions import predictions_of
from tiltyard.rules.splitting import drawn_for_evaluation
from tiltyard.rules.tuning import check_labels, fit_candidates

BUDGET: Final = 60
BAD_MONTH: Final = 5
"""Every so many months the expert errs, where he is told to."""
FIELDS: Final = ("example", "seed", "wrong", "rule", "month", "score", "promoted")
FRESH: Final = get_context("spawn")
"""Polars' threads do not survive a fork."""


@dataclass(frozen=True, slots=True)
class Course:
    """What happens under every rule: the project, its months as pool rows, and the answers by sample id.

    ``said`` is what the expert says, ``answers`` what is true.
    """

    project: Project
    months: tuple[pl.DataFrame, ...]
    answers: Mapping[str, str]
    said: Mapping[str, str]

    def truth(self, rows: pl.DataFrame) -> Any:
        """The true answers of some rows."""
        return np.array([self.answers[sample] for sample in rows["sample_id"]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a loop stands after some months: its pool, its labels by purpose, its champion."""

    pool: pl.DataFrame
    training: pl.DataFrame
    evaluation: pl.DataFrame
    champion: Any = None
    challenger: Any = None
    looks: int = 0
    scores: tuple[float, ...] = field(default=())
    promoted: tuple[bool, ...] = field(default=())


Rule = Callable[[Standing, Course], bool]


def course(name: str, seed: int, wrong: float) -> Course:
    """An example's months, first copies of each sample only, under a seed."""
    example = EXAMPLES[name]
    content = yaml.safe_load(example.project_file.read_text(encoding="utf-8"))
    project = parse_project({**content, "seed": seed}, name)
    deal = example.deal()
    months = sorted({one.key: one for one in deal.deliveries}.values(), key=lambda one: one.key)
    frames = first_time_only((text_rows(month, project) for month in months), deal.reference)
    pooled = [_pooled(frame, project) for frame in frames]
    seen: set[str] = set()
    fresh = [_unseen(rows, seen) for rows in pooled]
    bad = [row for month in fresh[BAD_MONTH - 1 :: BAD_MONTH] for row in month[deal.reference]]
    said = misled(deal.answers, bad, wrong, seed) if wrong else deal.answers
    place = {sample: row for month in fresh for sample, row in month.select("sample_id", deal.reference).iter_rows()}
    keys = ({sample: key[row] for sample, row in place.items()} for key in (deal.answers, said))
    return Course(project, tuple(fresh), *keys)


def _pooled(frame: pl.DataFrame, project: Project) -> pl.DataFrame:
    """Rows of text in pool types, with their ids and what chance draws into the evaluation set."""
    types = pool_schema(project)
    typed = frame.with_columns(_cast(name, types[name]) for name in types if name in frame.columns)
    ids = sample_ids(typed, project)
    drawn = drawn_for_evaluation(ids, project.evaluation.share, project.seed)
    return typed.with_columns(sample_id=ids, evaluation=drawn)


def _cast(name: str, dtype: Any) -> pl.Expr:
    """A column of text in its pool type."""
    if isinstance(dtype, pl.Datetime):
        return pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us").dt.replace_time_zone("UTC")
    return pl.col(name).cast(dtype, strict=False)


def _unseen(rows: pl.DataFrame, seen: set[str]) -> pl.DataFrame:
    """The rows whose samples did not come before; ``seen`` learns them."""
    fresh = rows.unique("sample_id", keep="first", maintain_order=True)
    fresh = fresh.filter(~pl.col("sample_id").is_in(list(seen)))
    seen |= set(fresh["sample_id"])
    return fresh


def _never(_standing: Standing, _course: Course) -> bool:
    """The first champion stays."""
    return False


def _always(_standing: Standing, _course: Course) -> bool:
    """The newest is the best."""
    return True


def _higher(standing: Standing, course: Course) -> bool:
    """The challenger's number is higher."""
    metric, project = course.project.gate.metric, course.project
    frame, labels = _frame(standing.evaluation, project), standing.evaluation["label"].to_numpy().astype(str)
    new, old = (
        score(metric, labels, predictions_of(model, frame, project))
        for model in (standing.challenger, standing.champion)
    )
    return new > old if greater_is_better(metric) else new < old


def _gate(standing: Standing, course: Course) -> bool:
    """The project's gate lets it pass."""
    return judged(standing, course).decision == "promote"


def _looks_free(standing: Standing, course: Course) -> bool:
    """The gate lets it pass, each look by itself."""
    return judged(standing, course, "none").decision == "promote"


RULES: Final[dict[str, Rule]] = {
    "never": _never,
    "always": _always,
    "always, all": _always,
    "higher number": _higher,
    "gate": _gate,
    "gate, looks free": _looks_free,
}


def judged(standing: Standing, course: Course, correction: Literal["online_fdr", "none"] = "online_fdr") -> Judgement:
    """What the project's gate says of the challenger."""
    policy = course.project.gate.model_copy(update={"looks": Looks(correction=correction)})
    frame = _frame(standing.evaluation, course.project)
    said = [
        model and predictions_of(model, frame, course.project) for model in (standing.challenger, standing.champion)
    ]
    labels = standing.evaluation["label"].to_numpy().astype(str)
    evidence = Evidence(
        labels=labels,
        challenger=said[0],
        champion=said[1],
        overlap=0,
        look=standing.looks + 1,
        seed=course.project.seed,
    )
    return judge(evidence, policy)


def _frame(rows: pl.DataFrame, project: Project) -> Any:
    """Rows as a model takes them."""
    return feature_frame(rows, project)


def started(course: Course) -> tuple[Standing, int]:
    """The loop with its first champion, and how many months that took."""
    nothing = course.months[0].clear().with_columns(label=pl.lit("", pl.String))
    standing = Standing(pool=course.months[0].clear(), training=nothing, evaluation=nothing)
    for number, month in enumerate(course.months):
        standing = fitted(learned(standing, month, course, share=None), course)
        if standing.challenger is not None and judged(standing, course).decision == "promote":
            return replace(standing, champion=standing.challenger), number + 1
    raise SystemExit("no champion came of all months")


def lived(standing: Standing, months: Iterable[pl.DataFrame], course: Course, rule: str) -> Standing:
    """The loop over the months after its first champion under one rule of promotion."""
    share = 0.0 if rule == "always, all" else None
    if rule == "always, all":
        standing = replace(standing, training=pl.concat([standing.training, standing.evaluation]))
    for month in months:
        standing = replace(standing, scores=(*standing.scores, served(standing, month, course)))
        if rule != "never":
            standing = fitted(learned(standing, month, course, share=share), course)
        promoted = RULES[rule](standing, course)
        champion = standing.challenger if promoted else standing.champion
        looks = 0 if promoted else standing.looks + 1
        standing = replace(standing, champion=champion, looks=looks, promoted=(*standing.promoted, promoted))
    return standing


def served(standing: Standing, month: pl.DataFrame, course: Course) -> float:
    """The champion's metric on a whole month that it has not learned from; NaN where that has one class."""
    said = predictions_of(standing.champion, _frame(month, course.project), course.project)
    return score(course.project.gate.metric, course.truth(month), said)


def learned(standing: Standing, month: pl.DataFrame, course: Course, share: float | None) -> Standing:
    """The loop with a month in its pool and the budget's answers; ``share`` is of evaluation labels (project's)."""
    pool, project = pl.concat([standing.pool, month]), course.project
    seed = project.seed * 1000 + standing.pool.height
    held = pool.filter("evaluation") if share is None else pool.clear()
    asked = pl.concat([standing.training["sample_id"], standing.evaluation["sample_id"]])
    wanted = evaluation_share(BUDGET, project, seed) if share is None else 0
    by_chance = pick_evaluation([without(held, asked)], wanted, project) if wanted else pool.clear()
    rest = without(pool if share is not None else pool.filter(~pl.col("evaluation")), asked)
    ask = Wanted.by(project.query, BUDGET - by_chance.height, seed)
    with threadpool_limits(limits=1):
        chosen = choose([rest], ask, project, model=standing.champion, labeled=standing.training)
    training = pl.concat([standing.training, _answered(chosen, course)])
    evaluation = pl.concat([standing.evaluation, _answered(by_chance, course)])
    return replace(standing, pool=pool, training=training, evaluation=evaluation)


def _answered(rows: pl.DataFrame, course: Course) -> pl.DataFrame:
    """Rows with what the expert says of them."""
    said = pl.Series("label", [course.said[sample] for sample in rows["sample_id"]], pl.String)
    return rows.select(course.months[0].columns).with_columns(said)


def fitted(standing: Standing, course: Course) -> Standing:
    """The loop with a challenger fitted on all training labels; without one where they are of one class."""
    labels = standing.training["label"].to_numpy().astype(str)
    if len(set(labels)) < 2:
        return standing
    check_labels(labels, course.project)
    frame = _frame(standing.training, course.project)
    return replace(standing, challenger=fit_candidates(frame, labels, course.project, course.project.seed).model)


def run(name: str, seed: int, wrong: float, rules: list[str]) -> list[dict[str, Any]]:
    """Each rule's months as rows of the CSV."""
    ours = course(name, seed, wrong)
    standing, months = started(ours)
    rows = []
    for rule in rules:
        end = lived(standing, ours.months[months:], ours, rule)
        base = {"example": name, "seed": seed, "wrong": wrong, "rule": rule}
        for number, (value, promoted) in enumerate(zip(end.scores, end.promoted, strict=True)):
            rows.append(base | {"month": months + number, "score": round(value, 6), "promoted": int(promoted)})
    return rows


def report(rows: pl.DataFrame) -> str:
    """A Markdown table: each rule's mean over all months, at the end, its promotions, and its distance to always."""
    rows = rows.filter(pl.col("score").is_not_nan())
    late = pl.col("month") > pl.col("month").max().over("example", "seed", "wrong") - 6
    each = rows.group_by("example", "wrong", "rule", "seed").agg(
        mean=pl.col("score").mean(), end=pl.col("score").filter(late).mean(), promotions=pl.col("promoted").sum()
    )
    always = each.filter(rule="always").select("example", "wrong", "seed", other="mean", other_end="end")
    both = each.join(always, on=["example", "wrong", "seed"])
    whole = both.group_by("example", "wrong", "rule").agg(
        pl.len(),
        pl.col("mean", "end", "promotions").mean(),
        gain=(pl.col("mean") - pl.col("other")).mean(),
        error=(pl.col("mean") - pl.col("other")).std() / pl.len().sqrt(),
        gain_end=(pl.col("end") - pl.col("other_end")).mean(),
        error_end=(pl.col("end") - pl.col("other_end")).std() / pl.len().sqrt(),
    )
    order = {rule: number for number, rule in enumerate(RULES)}
    lines = [
        "| example | wrong answers | rule | mean, all months | last six months | promotions "
        "| against always, all months | last six | seeds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    ordered = sorted(whole.iter_rows(named=True), key=lambda one: (one["example"], one["wrong"], order[one["rule"]]))
    return "\n".join([*lines, *(_line(one) for one in ordered)])


def _line(one: dict[str, Any]) -> str:
    """One line of the table."""
    against, late = (
        "" if one["rule"] == "always" else f"{one[gain]:+.4f} ± {one[error] or 0:.4f}"
        for gain, error in (("gain", "error"), ("gain_end", "error_end"))
    )
    return (
        f"| {one['example']} | {one['wrong']:.0%} | {one['rule']} | {one['mean']:.3f} | {one['end']:.3f} "
        f"| {one['promotions']:.1f} | {against} | {late} | {one['len']} |"
    )


def main() -> None:
    """Run what is asked for, keep each seed's rows as they come, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", nargs="*", default=["bank", "hotel"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--wrong", type=float, nargs="+", default=[0.0])
    parser.add_argument("--rules", nargs="+", choices=list(RULES), default=list(RULES))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("promoting.csv"))
    parser.add_argument("--report", action="store_true", help="only print the table of what is there")
    options = parser.parse_args()
    if not options.report:
        _run_all(options)
    print(report(pl.read_csv(options.out)))


def _run_all(options: argparse.Namespace) -> None:
    """Append each example's and seed's rows to the file as they are done."""
    new = not options.out.exists()
    wanted = product(range(options.seeds), options.wrong, options.examples)
    with options.out.open("a", newline="") as file, ProcessPoolExecutor(options.jobs, FRESH) as pool:
        writer = csv.DictWriter(file, FIELDS)
        if new:
            writer.writeheader()
        for job in as_completed(pool.submit(run, name, seed, wrong, options.rules) for seed, wrong, name in wanted):
            writer.writerows(job.result())
            file.flush()


if __name__ == "__main__":
    main()
