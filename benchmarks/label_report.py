"""What learning curves amount to: labels to a share of the full-data score, area under the curve, ratios to random."""

from collections.abc import Sequence

import numpy as np
import polars as pl

PAIR = ["set", "model"]
CURVE = [*PAIR, "strategy", "seed"]
LEVELS = (0.95, 0.98)


def labels_to(labels: Sequence[int], scores: Sequence[float], level: float) -> float:
    """The first number of labels at which the curve reaches the level, between points by a line; inf if never.

    >>> labels_to([20, 70, 120], [0.5, 0.7, 0.9], 0.8)
    95.0
    """
    for place, score in enumerate(scores):
        if score >= level and place == 0:
            return float(labels[0])
        if score >= level:
            low, step = scores[place - 1], labels[place] - labels[place - 1]
            return float(labels[place - 1] + step * (level - low) / (score - low))
    return float("inf")


def area(labels: Sequence[int], scores: Sequence[float]) -> float:
    """The mean height of the curve over its labels."""
    return float(np.trapezoid(scores, labels) / (labels[-1] - labels[0]))


def summaries(curves: pl.DataFrame, score: str) -> pl.DataFrame:
    """One row for each curve: its area, and its labels to each level of the full-data score of the same seed."""
    full = curves.filter(pl.col("strategy") == "full data").select(*PAIR, "seed", pl.col(score).alias("full"))
    grouped = curves.filter(pl.col("strategy") != "full data").sort("labels").group_by(CURVE, maintain_order=True)
    lists = grouped.agg("labels", score, pl.col("choose_cpu_s").max()).join(full, on=[*PAIR, "seed"])
    rows = [
        {**{name: row[name] for name in [*CURVE, "full", "choose_cpu_s"]}, "area": area(row["labels"], row[score])}
        | {f"to {level:.0%}": labels_to(row["labels"], row[score], level * row["full"]) for level in LEVELS}
        for row in lists.iter_rows(named=True)
    ]
    return pl.DataFrame(rows)


def paired(summary: pl.DataFrame) -> pl.DataFrame:
    """One row for each pair and strategy, beside random choice on the same seeds: medians of labels, mean gain."""
    measures = ["area", *(f"to {level:.0%}" for level in LEVELS)]
    random = summary.filter(pl.col("strategy") == "random").select(*PAIR, "seed", *measures)
    both = summary.join(random, on=[*PAIR, "seed"], suffix=" random").with_columns(
        gain=(pl.col("area") - pl.col("area random")) * 100
    )
    to = [name for level in LEVELS for name in (f"to {level:.0%}", f"to {level:.0%} random")]
    return both.group_by([*PAIR, "strategy"]).agg(
        pl.col(to).median(),
        pl.col("full", "choose_cpu_s", "area", "gain").mean(),
        (pl.col("gain").std() / pl.len().sqrt()).alias("error"),
        pl.len().alias("seeds"),
    )


def overall(pairs: pl.DataFrame) -> pl.DataFrame:
    """One row for each strategy: the geometric mean of labels over random's, where both reach the level."""
    columns = [pl.len().alias("pairs"), pl.col("seeds").min(), pl.col("gain").mean().round(2)]
    columns += [(pl.col("gain") < -2 * pl.col("error")).sum().alias("below random")]
    for level in LEVELS:
        own, other = pl.col(f"to {level:.0%}"), pl.col(f"to {level:.0%} random")
        reached = own.is_finite() & other.is_finite()
        columns += [(own / other).log().filter(reached).mean().exp().round(3).alias(f"labels / random, {level:.0%}")]
        columns += [reached.sum().alias(f"reach {level:.0%}")]
    columns += [pl.col("choose_cpu_s").mean().round(1)]
    return pairs.group_by("strategy").agg(columns).sort("labels / random, 98%")


def markdown(table: pl.DataFrame) -> str:
    """A frame as a Markdown table."""
    head = [f"| {' | '.join(table.columns)} |", f"|{'---|' * table.width}"]
    return "\n".join([*head, *(f"| {' | '.join(map(_cell, row))} |" for row in table.iter_rows())])


def _cell(value: object) -> str:
    """A cell's text."""
    if isinstance(value, float):
        return "not reached" if np.isinf(value) else f"{value:.3g}" if abs(value) < 1 else f"{value:.1f}"
    return str(value)


def report(curves: pl.DataFrame) -> str:
    """The overall table, and the labels to 98 % of each pair and strategy, as Markdown."""
    pairs = paired(summaries(curves, "accuracy"))
    cells = pairs.sort("strategy").with_columns(
        cell=pl.format("{} ({})", pl.col("to 98%").round(0), pl.col("gain").round(1))
    )
    wide = cells.pivot("strategy", index=PAIR, values="cell").sort(PAIR)
    return "\n\n".join(
        [
            markdown(overall(pairs)),
            "Median labels to 98 % of the full-data accuracy (gain of the area over random, points of accuracy):",
            markdown(wide),
        ]
    )
