"""How often the gate's interval calls one of two equal models better, where a customer has a dozen rows.

    python -m benchmarks.entities [--entities 30 60] [--pairs 400] [--each 12]

Pairs of models are made that see the same truth through noise of the same size, so neither is better. Each made row
stands there ``--each`` times, as the rows of one customer, patient or machine do. Rows drawn takes each as news;
entities drawn draws all rows of one together, as the gate does where the project names ``columns.entity``
(docs/decisions/0039). The gate's first look allows 2.5 %.
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.paired_comparison import Bootstrap, compare
from tiltyard.evaluation.predictions import Predictions

METRICS = ("accuracy", "roc_auc", "brier")
RESAMPLES = 200


def equals(entities: int, rng: np.random.Generator) -> tuple[NDArray[np.str_], Predictions, Predictions]:
    """Labels, text (n,), and what two equal models say of them."""
    truth = rng.random(entities) < 0.4
    seen = np.where(truth, 1.0, -1.0) + rng.normal(size=entities)
    first, second = (_said(seen + 2 * rng.normal(size=entities)) for _ in range(2))
    return np.where(truth, "yes", "no"), first, second


def _said(scores: NDArray[np.float64]) -> Predictions:
    """Scores as probabilities and decisions."""
    told = 1 / (1 + np.exp(-scores))
    return Predictions(np.column_stack([1 - told, told]), np.where(told >= 0.5, "yes", "no"), ("no", "yes"), "yes")


def promoted(metric: str, entities: int, each: int, seed: int) -> tuple[bool, bool]:
    """Whether the equal challenger's lower bound is above 0: with rows drawn, with entities drawn."""
    labels, *models = equals(entities, np.random.default_rng(seed))
    whose = np.repeat(np.arange(entities), each)
    champion, challenger = (one.rows(whose) for one in models)
    names = np.array([f"e{number:04d}" for number in whose])
    by_row, by_entity = (
        compare(metric, labels[whose], champion, challenger, Bootstrap(0.95, RESAMPLES, seed, units)).gain
        for units in (None, names)
    )
    return by_row is not None and by_row.low > 0, by_entity is not None and by_entity.low > 0


def main() -> None:
    """Print the table of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, nargs="+", default=[30, 60])
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--each", type=int, default=12, help="rows of one entity")
    options = parser.parse_args()
    print("| entities | metric | rows drawn | entities drawn |\n|---|---|---|---|")
    for entities in options.entities:
        for metric in METRICS:
            found = [promoted(metric, entities, options.each, 1000 + seed) for seed in range(options.pairs)]
            by_row, by_entity = np.mean(found, axis=0)
            print(f"| {entities} | {metric} | {by_row:.1%} | {by_entity:.1%} |", flush=True)


if __name__ == "__main__":
    main()
