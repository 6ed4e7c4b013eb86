"""When the advice to stop labeling comes, and what it would have cost to follow it: real sets, our default strategy.

    nice -n 10 python -m benchmarks.stopping --seeds 0 1 2

Labels grow by a batch at a time, as in label_efficiency.py. Each model is judged on a fifth of the test rows (at most
``JUDGED``), and compared with the one before on two fifths of them without labels (at most ``COMPARED``); the advice is
asked after each. Accuracy is measured on the rows that are left. The table tells where each method alone first says
stop, where the advice does, what accuracy there was and how much more came until the budget, and the labels spared.
"""

import argparse
import warnings
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from math import sqrt
from typing import Any

from benchmarks import label_efficiency as curves  # before numpy: it caps the threads  # isort: skip
import numpy as np
import polars as pl

from tiltyard.query.learning_curve import Point
from tiltyard.query.stopping import decision_kappa, stopping_advice
from tiltyard.schemas.project import Stopping

JUDGED, COMPARED = 400, 1000
STRATEGY = "margin_kmeans (default)"
POLICY = Stopping()


def told(name: str, model: str, seed: int, budget: int) -> dict[str, Any]:
    """One course of labels as a row: where it was said to stop, and what accuracy was there and at the budget."""
    warnings.filterwarnings("ignore")
    problem = curves.load(name, seed)
    labeled, fitted, said = np.arange(0), None, np.array([])
    judged = min(JUDGED, len(problem.test_y) // 5)
    seen = slice(judged, judged + min(COMPARED, 2 * len(problem.test_y) // 5))
    kappas: list[float] = []
    points: list[Point] = []
    course: list[tuple[int, float]] = []
    stops: dict[str, int] = {}
    while len(labeled) < min(budget, int(problem.pool.height * 0.9)):
        number = curves.BATCH if len(labeled) else curves.START
        rest = np.setdiff1d(np.arange(problem.pool.height), labeled)
        question = curves.Question(problem, fitted, labeled, rest, number, seed)
        labeled = np.concatenate([labeled, curves.CHOICES[STRATEGY](question)])
        fitted = curves._fitted(problem, model, labeled, seed)
        if fitted is None:
            continue
        answers = fitted.predict(problem.test).astype(str)
        right = answers == problem.test_y
        if len(said):
            kappas.append(decision_kappa(said, answers[seen]))
        said = answers[seen]
        share = float(right[:judged].mean())
        points.append(Point(len(labeled), share, sqrt(share * (1 - share) / judged) + 1e-3))
        course.append((len(labeled), float(right[seen.stop :].mean())))
        for method, (known, curve) in {
            "advice": (kappas, points),
            "agreement": (kappas, []),
            "gain": ([], points),
        }.items():
            if method not in stops and stopping_advice(known, curve, "accuracy", POLICY, seed).enough:
                stops[method] = len(labeled)
    last = {"kappa at budget": float(np.mean(kappas[-POLICY.models :]))}
    return {"set": name, "model": model, "seed": seed, **_row(stops, course), **last}


def _row(stops: dict[str, int], course: list[tuple[int, float]]) -> dict[str, Any]:
    """Where each method said stop, and what followed the advice."""
    scores, last = dict(course), course[-1]
    stop = stops.get("advice")
    return {
        **{method: stops.get(method) for method in ("agreement", "gain", "advice")},
        "at stop": None if stop is None else scores[stop],
        "at budget": last[1],
        "missed": None if stop is None else last[1] - scores[stop],
        "best after": None if stop is None else max(score for size, score in course if size >= stop) - scores[stop],
        "labels spared": None if stop is None else last[0] - stop,
    }


def main() -> None:
    """Run every pair of set and model, and print a row for each: medians over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--budget", type=int, default=1520)
    parser.add_argument("--sets", nargs="+", choices=curves.SETS, default=curves.SETS)
    options = parser.parse_args()
    wanted = list(product(options.sets, curves.MODELS, options.seeds))
    with ProcessPoolExecutor(options.jobs, curves.FRESH) as pool:
        rows = list(pool.map(told, *zip(*wanted, strict=True), [options.budget] * len(wanted)))
    print(table(pl.DataFrame(rows, infer_schema_length=None)))


def table(rows: pl.DataFrame) -> str:
    """The medians over seeds as a table in Markdown; ``stopped`` is in how many courses the advice came."""
    columns = ["agreement", "gain", "advice", "at stop", "at budget", "missed", "best after", "labels spared",
               "kappa at budget"]  # fmt: skip
    found = rows.group_by("set", "model", maintain_order=True).agg(
        pl.format("{} of {}", pl.col("advice").count(), pl.len()).alias("stopped"), pl.col(columns).median()
    )
    lines = ["| " + " | ".join(found.columns) + " |", "|" + "---|" * found.width]
    for row in found.iter_rows():
        cells = ["–" if cell is None else f"{cell:.3f}" if isinstance(cell, float) and abs(cell) < 2
                 else f"{cell:.0f}" if isinstance(cell, float) else str(cell) for cell in row]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
