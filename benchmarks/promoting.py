"""What the gate is worth over years of data: the same loop under rules of promotion.

    nice python -m benchmarks.promoting [bank hotel] [--seeds 0 1 2] [--jobs 2] [--out promoting.csv]
    python -m benchmarks.promoting --out promoting.csv --report

Months arrive in the order in which they happened. Before a month is learned from, the champion is scored on all of its
rows by ROC AUC. Then the expert answers 60 samples: the project's share of evaluation labels, the rest chosen by the
project's strategy with the rule's own champion; the project's candidates are fitted on all training labels; and the
rule says whether the challenger becomes champion. All rules share the way to the first champion, which the gate lets
pass as soon as it has its fewest evaluation labels; only from there on is counted.

never             the first champion stays
always            every challenger is promoted (a scheduled retraining without a gate)
always, all       the same, and the evaluation labels that this rule does not need are training labels as well
higher number     promoted when its ROC AUC on the evaluation labels is higher
gate              the project file's own gate with all of its checks; labels that it wants are drawn where the models
                  disagree, at most half of what is left of the budget, and then it looks again
gate, superior    the same with ``rule: superior``, the default: the gain must be shown to be above 0
gate, margin .1   the same with ``rule: not_worse``: the gain is above 0, and shown to be above -0.1
gate, newest 8    the project's own, on the evaluation labels of the newest eight months only
gate, looks free  the project's own, without paying for looks (``gate.looks.correction: none``)

``--wrong`` makes the expert err in every fifth month (as a team on a bad day) on this share of its answers.
``--metric`` is another one for choosing candidates and for the gate; champions are scored by ROC AUC all the same.
"""

import argparse
import csv
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy: each process is one core

import polars as pl

from benchmarks.months import Course, course
from benchmarks.promotion_loop import SERVED, Standing, empty, fitted, judged, learned, served, settled
from tiltyard.evaluation.metrics import score
from tiltyard.evaluation.predictions import predict_rows
from tiltyard.samples.features import feature_frame

FIELDS: Final = ("example", "seed", "wrong", "rule", "month", "score", "promoted")
FRESH: Final = get_context("spawn")
"""Polars' threads do not survive a fork."""
EVERYTHING: Final = "always, all"
LAST: Final = 6
"""Months that count as the end."""

Rule = Callable[[Standing, Course], tuple[Standing, bool]]
"""From a loop with a new challenger to the loop after the decision, and whether it was promoted."""


def _never(standing: Standing, _course: Course) -> tuple[Standing, bool]:
    """The first champion stays."""
    return standing, False


def _always(standing: Standing, _course: Course) -> tuple[Standing, bool]:
    """The newest is the best."""
    return replace(standing, champion=standing.challenger), True


def _higher(standing: Standing, course: Course) -> tuple[Standing, bool]:
    """The challenger's number is higher."""
    project = course.project
    frame, labels = feature_frame(standing.evaluation, project), standing.evaluation["label"].to_numpy().astype(str)
    known = [one.model for one in (standing.challenger, standing.champion) if one]
    new, old = (score(SERVED, labels, predict_rows(model, frame, project)) for model in known)
    return _always(standing, course) if new > old else (standing, False)


def _gate(**changes: Any) -> Rule:
    """The project's gate, with some changes of its policy, lets it pass."""
    return lambda standing, course: settled(standing, judged(standing, course.under(changes)))


RULES: Final[dict[str, Rule]] = {
    "never": _never,
    "always": _always,
    EVERYTHING: _always,
    "higher number": _higher,
    "gate": _gate(),
    "gate, superior": _gate(rule="superior", margin=0.0),
    "gate, margin .1": _gate(rule="not_worse", margin=0.1),
    "gate, newest 8": _gate(window=8),
    "gate, looks free": _gate(looks={"correction": "none"}),
}


def started(course: Course) -> tuple[Standing, int]:
    """The loop with its first champion, and how many months that took."""
    standing = empty(course)
    for number, month in enumerate(course.months):
        standing = fitted(learned(standing, month, course), course)
        if standing.challenger is not None and judged(standing, course).judgement.decision == "promote":
            return replace(standing, champion=standing.challenger), number + 1
    raise SystemExit("no champion came of all months")


def lived(standing: Standing, months: Iterable[pl.DataFrame], course: Course, rule: str) -> Standing:
    """The loop over the months after its first champion under one rule of promotion."""
    if rule == EVERYTHING:
        standing = replace(standing, training=pl.concat([standing.training, standing.evaluation.drop("drawn")]))
    for month in months:
        standing = replace(standing, scores=(*standing.scores, served(standing, month, course)))
        standing, promoted = (standing, False) if rule == "never" else _one_month(standing, month, course, rule)
        standing = replace(standing, promoted=(*standing.promoted, promoted))
    return standing


def _one_month(standing: Standing, month: pl.DataFrame, course: Course, rule: str) -> tuple[Standing, bool]:
    """A month's labels, the question that was left open, a new challenger, and the rule's decision."""
    standing = learned(standing, month, course, evaluating=rule != EVERYTHING)
    first = False
    answered = bool((standing.evaluation["drawn"] == standing.pair).any())
    if standing.question is not None and answered and standing.at_challenger < _looks_at_one(course):
        standing, first = RULES[rule](standing, course)
    standing, second = RULES[rule](fitted(standing, course), course)
    return standing, first or second


def _looks_at_one(course: Course) -> int:
    """How often one challenger may be looked at."""
    return course.project.gate.looks.per_challenger


def run(name: str, seed: int, wrong: float, rules: list[str], metric: str | None) -> list[dict[str, Any]]:
    """Each rule's months as rows of the CSV; by another metric than the project's where one is named."""
    ours = course(name, seed, wrong).under({"metric": metric} if metric else {})
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
    late = pl.col("month") > pl.col("month").max().over("example", "seed", "wrong") - LAST
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
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--wrong", type=float, nargs="+", default=[0.0])
    parser.add_argument("--rules", nargs="+", choices=list(RULES), default=list(RULES))
    parser.add_argument("--metric", help="by which candidates are chosen and the gate compares; else the project's")
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
    wanted = product(options.seeds, options.wrong, options.examples)
    with options.out.open("a", newline="") as file, ProcessPoolExecutor(options.jobs, FRESH) as pool:
        writer = csv.DictWriter(file, FIELDS)
        if new:
            writer.writeheader()
        what = (options.rules, options.metric)
        for job in as_completed(pool.submit(run, name, seed, wrong, *what) for seed, wrong, name in wanted):
            writer.writerows(job.result())
            file.flush()


if __name__ == "__main__":
    main()
