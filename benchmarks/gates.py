"""How honest the gate is: false and missed promotions, coverage and labels spent, beside what others do.

    nice python -m benchmarks.gates levels --samples 600
    nice python -m benchmarks.gates once --pairs 12 --samples 10
    nice python -m benchmarks.gates stream --streams 200
    nice python -m benchmarks.gates asking --pairs 12 --samples 4
    nice python -m benchmarks.gates widths --pairs 4

levels  how often a bound is wrong, over how often it says, on few made rows and at strict levels
once    one look at so many evaluation labels drawn by chance, at equal, better and worse challengers
        (benchmarks/gate_pairs.py), and how often the interval holds the true gain
stream  200 retrains in a row that are no better, judged on one evaluation set that grows: every promotion is false
asking  the gate as it asks for labels, up to three looks, each paid: drawn at the disagreement, or by chance
widths  how many labels at the disagreement give the interval that 1,000 labels by chance give

Rules: `higher number` promotes the higher value (as the examples of ZenML, Databricks and MLflow do), `McNemar` where
its test with continuity correction rejects at 5 % and the challenger is ahead, `percentile` where the 2.5 % quantile
of a paired bootstrap is above 0 (this gate before), `gate` where the gate's own lower bound is.
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Final

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy: seconds of one thread

import numpy as np

from benchmarks.gate_pairs import SETS, WORLDS, MadeRows, Pair, coin_swapped, made_pair, real_pairs
from tiltyard.evaluation.metrics import greater_is_better, scores
from tiltyard.evaluation.paired_comparison import Bootstrap, compare
from tiltyard.evaluation.strata import Strata
from tiltyard.gate.decision import decide
from tiltyard.gate.inputs import Evidence
from tiltyard.gate.sequential_design import CLOSE, significance_level
from tiltyard.schemas.project import Gate

METRICS: Final = ("accuracy", "macro_f1", "roc_auc", "log_loss")
MODELS: Final = ("linear", "trees")
FEW: Final = 300
"""Rows that the smaller models of a pair are trained on."""


def resampled(metric: str, pair: Pair, resamples: int, seed: int) -> np.ndarray:
    """The gain on each of some paired resamples."""
    rng, rows = np.random.default_rng(seed), len(pair.labels)
    if metric == "accuracy":  # three kinds of rows: won, lost, alike
        wins, losses = wins_and_losses(pair)
        kinds = rng.multinomial(rows, np.array([wins, losses, rows - wins - losses]) / rows, size=resamples)
        return np.asarray((kinds[:, 0] - kinds[:, 1]) / rows)
    weights = rng.multinomial(rows, np.full(rows, 1 / rows), size=resamples).astype(np.float64)
    old, new = (scores(metric, pair.labels, side, weights) for side in (pair.champion, pair.challenger))
    return (new - old) if greater_is_better(metric) else (old - new)


def percentile_low(metric: str, pair: Pair, resamples: int, seed: int) -> tuple[float, float]:
    """The 2.5 % and 97.5 % quantiles of the paired bootstrap."""
    low, high = np.nanquantile(resampled(metric, pair, resamples, seed), [0.025, 0.975])
    return float(low), float(high)


def wins_and_losses(pair: Pair) -> tuple[int, int]:
    """On how many rows only the challenger, and only the champion, is right."""
    won = (pair.challenger.decisions == pair.labels).astype(int) - (pair.champion.decisions == pair.labels)
    return int((won > 0).sum()), int((won < 0).sum())


def mcnemar(pair: Pair) -> bool:
    """Whether McNemar's test with continuity correction rejects at 5 % and the challenger won more rows."""
    wins, losses = wins_and_losses(pair)
    return wins > losses and (wins - losses - 1) ** 2 / (wins + losses) > 3.841


def promoted_by(metric: str, pair: Pair, truth: float, seed: int) -> dict[str, bool]:
    """Which rules promote on these rows, and which intervals hold the true gain."""
    gain = compare(metric, pair.labels, pair.champion, pair.challenger, Bootstrap(resamples=500, seed=seed)).gain
    low, high = percentile_low(metric, pair, 500, seed)
    found = {"higher number": pair.gain(metric) > 0, "percentile": low > 0, "covered, percentile": low <= truth <= high}
    if metric == "accuracy":
        found["McNemar"] = mcnemar(pair)
    if gain is not None:
        found |= {"gate": gain.low > 0, "covered, gate": gain.low <= truth <= gain.high}
    return found


LEVELS: Final = (0.025, 0.00833, 0.00139)
"""Those of the first, the second and about the fifth look of a project that asks for 95 %."""


def levels(samples: int) -> None:
    """The one-sided error of bounds over the level they were asked for."""
    print("| world | metric | rows | interval | at 0.025 | at 0.0083 (look 2) | at 0.0014 (look 5 or 6) |")
    print("|---|---|---|---|---|---|---|")
    for world, metric, rows in product(WORLDS, ("accuracy", "f1", "roc_auc", "log_loss", "brier"), (60, 200)):
        truth = made_pair(np.random.default_rng(99), 1_000_000, world).gain(metric) if world == "shape" else 0.0
        rng = np.random.default_rng(rows)
        wrong = np.array([wrong_bounds(metric, made_pair(rng, rows, world), truth, n) for n in range(samples)])
        for rule, found in zip(("quantiles", "gate"), np.nanmean(wrong, axis=0) / np.array(LEVELS), strict=True):
            print(f"| {world} | {metric} | {rows} | {rule} | {' | '.join(f'{x:.2f}' for x in found)} |", flush=True)


def wrong_bounds(metric: str, pair: Pair, truth: float, seed: int) -> list[list[float]]:
    """How many of both bounds, halved, miss the truth: by quantiles and by the gate, at each level; NaN if unknown."""
    gains = resampled(metric, pair, 1000, seed)
    found: list[list[float]] = [[], []]
    for level in LEVELS:
        ours = compare(metric, pair.labels, pair.champion, pair.challenger, Bootstrap(1 - 2 * level, 300, seed)).gain
        low, high = np.nanquantile(gains, [level, 1 - level])
        found[0].append(float((low > truth) + (high < truth)) / 2 if ours else np.nan)
        found[1].append(float((ours.low > truth) + (ours.high < truth)) / 2 if ours else np.nan)
    return found


def pairs(count: int, few: int = FEW) -> Iterator[tuple[str, dict[str, Pair]]]:
    """All data sets' pairs, for each kind of model."""
    for number, (name, model) in enumerate(product(SETS, MODELS)):
        for made in real_pairs(name, model, few, count, number):
            yield f"{name}, {model}", made


def once(count: int, samples: int) -> None:
    """One look: the share of promotions by kind of challenger, rows and rule."""
    tally: dict[tuple[str, str, int], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    rng = np.random.default_rng(0)
    for _, made in pairs(count):
        for kind, metric, rows, number in product(
            ("equal", "better", "worse"), METRICS, (100, 300, 1000), range(samples)
        ):
            pair = made[kind]
            truth = 0.0 if kind == "equal" else pair.gain(metric)
            if kind != "equal" and (truth > 0) != (kind == "better"):
                continue
            whole = coin_swapped(pair, rng) if kind == "equal" else pair
            sample = whole.rows(rng.choice(len(pair.labels), rows, replace=False))
            for rule, answer in promoted_by(metric, sample, truth, number).items():
                tally[kind, metric, rows][rule].append(answer)
    print(
        "| challenger | metric | rows | higher number | McNemar | percentile | gate | held: percentile | gate | times |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (kind, metric, rows), found in sorted(tally.items()):
        shares = [share_of(found[rule]) for rule in RULES]
        print(f"| {kind} | {metric} | {rows} | {' | '.join(shares)} | {len(found['gate'])} |", flush=True)


RULES: Final = ("higher number", "McNemar", "percentile", "gate", "covered, percentile", "covered, gate")


def share_of(answers: list[bool]) -> str:
    """The share of yes, in percent."""
    return f"{100 * np.mean(answers):.1f} %" if answers else ""


def stream(streams: int, retrains: int = 200) -> None:
    """Retrains in a row that are no better: how many are promoted, and in how many streams any."""
    print("| metric | rule | false promotions of 200 | streams with any | streams |")
    print("|---|---|---|---|---|")
    for metric, rule in product(("accuracy", "log_loss"), STREAM_RULES):
        if metric == "log_loss" and rule == "McNemar":
            continue
        share = streams if metric == "accuracy" else max(streams // 10, 1)
        false = [one_stream(metric, rule, seed, retrains) for seed in range(share)]
        print(
            f"| {metric} | {rule} | {np.mean(false):.3f} | {share_of([n > 0 for n in false])} | {share} |", flush=True
        )


STREAM_RULES: Final = ("higher number", "McNemar", "percentile", "gate, looks free", "gate")


def one_stream(metric: str, rule: str, seed: int, retrains: int) -> int:
    """How many of so many equal challengers are promoted; the set has 100 labels and gains 10 for each retrain."""
    made = MadeRows.of(100 + 10 * retrains, seed)
    champion, promotions, look = made.model(), 0, 1
    for number in range(retrains):
        challenger = made.model()
        pair = Pair(made.labels, champion, challenger).rows(np.arange(100 + 10 * number))
        passed, counts = stream_rule(metric, rule, pair, look, number)
        if passed:
            champion, promotions, look = challenger, promotions + 1, 1
        else:
            look += counts
    return promotions


def stream_rule(metric: str, rule: str, pair: Pair, look: int, seed: int) -> tuple[bool, bool]:
    """Whether a rule promotes at its look-th look since its last promotion, and whether the look counts."""
    if rule == "higher number":
        return pair.gain(metric) > 0, True
    if rule == "McNemar":
        return mcnemar(pair), True
    if rule == "percentile":
        return percentile_low(metric, pair, 500, seed)[0] > 0, True
    level = significance_level(look if rule == "gate" else 1, Gate())
    found = compare(metric, pair.labels, pair.champion, pair.challenger, Bootstrap(1 - 2 * level, 300, seed))
    return found.gain is not None and found.gain.low > 0, found.chance_beyond(0.0) > CLOSE


def asking(count: int, samples: int, base: int = 100) -> None:
    """The gate as it asks: promotions by kind of challenger, and labels spent beyond the first ones."""
    tally: dict[tuple[str, str, str], list[tuple[bool, int]]] = defaultdict(list)
    rng = np.random.default_rng(1)
    for _, made in pairs(count):
        for kind, where, _ in product(("equal", "better", "worse"), ("disagreement", "chance"), range(samples)):
            pair = coin_swapped(made[kind], rng) if kind == "equal" else made[kind]
            if kind == "equal" or (pair.gain("accuracy") > 0) == (kind == "better"):
                tally[kind, where, "all"].append(ask(pair, where == "disagreement", base, rng))
    print("| challenger | labels drawn | promoted | labels beyond the first 100, mean | median | times |")
    print("|---|---|---|---|---|---|")
    for (kind, where, _), found in sorted(tally.items()):
        spent = [labels for _, labels in found]
        promoted = share_of([yes for yes, _ in found])
        print(
            f"| {kind} | {where} | {promoted} | {np.mean(spent):.0f} | {np.median(spent):.0f} | {len(found)} |",
            flush=True,
        )


def ask(pair: Pair, at_disagreement: bool, base: int, rng: np.random.Generator, looks: int = 3) -> tuple[bool, int]:
    """Whether a challenger is promoted in at most three looks, and how many labels were drawn for it."""
    order, differ = rng.permutation(len(pair.labels)), pair.differ
    chosen, spent = order[:base], 0
    left = np.array([row for row in order[base:] if differ[row] or not at_disagreement], dtype=np.int64)
    for look in range(1, looks + 1):
        strata = strata_of(differ, chosen) if spent and at_disagreement else None
        judgement = decide(
            evidence_of(pair.rows(chosen), strata, look, at_disagreement, len(left)), Gate(resamples=500)
        )
        if judgement.decision == "promote" or judgement.labels_wanted == 0 or look == looks:
            return judgement.decision == "promote", spent
        taken, left = left[: judgement.labels_wanted], left[judgement.labels_wanted :]
        chosen, spent = np.concatenate([chosen, taken]), spent + len(taken)
    return False, spent


def strata_of(differ: np.ndarray, chosen: np.ndarray) -> Strata:
    """What rows drawn by chance and at the disagreement stand for."""
    return Strata(differ[chosen].astype(np.int64), (int((~differ).sum()), int(differ.sum())))


def evidence_of(pair: Pair, strata: Strata | None, look: int, at_disagreement: bool, left: int) -> Evidence:
    """What the gate sees of some rows."""
    return Evidence(
        labels=pair.labels,
        champion=pair.champion,
        challenger=pair.challenger,
        overlap=0,
        look=look,
        strata=strata,
        disagreement=at_disagreement,
        drawable=left if at_disagreement else None,
    )


def widths(count: int, holdout: int = 1000, base: int = 50) -> None:
    """How many labels (50 by chance, the rest at the disagreement) give the interval of a random holdout."""
    print("| data, model | challenger saw | metric | rows that differ | width of 1,000 | labels for it | times fewer |")
    print("|---|---|---|---|---|---|---|")
    tally: dict[tuple[str, str, str], list[tuple[float, float, int]]] = defaultdict(list)
    for few, metric in product((FEW, 4 * FEW), ("accuracy", "macro_f1")):
        for name, made in pairs(count, few):
            for kind in ("other rows", "a fifth more"):
                tally[f"{name}, {few} rows", kind, metric].append(width_of(metric, made[kind], holdout, base))
    for (name, kind, metric), figures in sorted(tally.items()):
        share, wide, labels = np.mean(np.array(figures), axis=0)
        told = f"{100 * share:.1f} % | {wide:.4f} | {labels:.0f} | {holdout / labels:.1f}"
        print(f"| {name} | {kind} | {metric} | {told} |", flush=True)


def width_of(metric: str, pair: Pair, holdout: int, base: int) -> tuple[float, float, int]:
    """The share of rows that differ, a random holdout's width, and how many labels give it at the disagreement."""
    rng, differ = np.random.default_rng(0), pair.differ
    orders = [rng.permutation(len(differ)) for _ in range(3)]
    target = float(np.mean([width(metric, pair, order[:holdout], None) for order in orders]))
    most = int(min(differ.sum(), holdout))
    for more in sorted({*np.geomspace(5, most, 24).astype(int)}):
        drawn = [np.concatenate([order[:base], order[base:][differ[order[base:]]][:more]]) for order in orders]
        found = [width(metric, pair, rows, strata_of(differ, rows)) for rows in drawn]
        if np.mean(found) <= target:
            return float(differ.mean()), target, base + int(more)
    return float(differ.mean()), target, holdout


def width(metric: str, pair: Pair, rows: np.ndarray, strata: Strata | None) -> float:
    """How wide the gain's interval is; infinite where it is unknown."""
    chosen = pair.rows(rows)
    gain = compare(metric, chosen.labels, chosen.champion, chosen.challenger, Bootstrap(resamples=500), strata).gain
    return gain.high - gain.low if gain else np.inf


def main() -> None:
    """Run one part and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["levels", "once", "stream", "asking", "widths"])
    parser.add_argument("--pairs", type=int, default=12, help="splits of each data set")
    parser.add_argument("--samples", type=int, default=10, help="evaluation sets drawn for each pair")
    parser.add_argument("--streams", type=int, default=200)
    given = parser.parse_args()
    if given.part == "stream":
        stream(given.streams)
    elif given.part == "levels":
        levels(given.samples)
    elif given.part == "widths":
        widths(given.pairs)
    else:
        {"once": once, "asking": asking}[given.part](given.pairs, given.samples)


if __name__ == "__main__":
    main()
