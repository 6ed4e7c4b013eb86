"""What standing still costs: a model frozen early against one retrained on all labels before every batch.

usage: python -m benchmarks.frozen_or_retrained [bank hotel ...] [--seeds 3]

Both see the same rows in the order in which they happened (the planted events of the dealer are left out) and
are scored by ROC AUC on the next batch before they learn from it; the table has the mean over the batches.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
import pandas as pd
import polars as pl
import yaml
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from threadpoolctl import threadpool_limits

from tiltyard.examples.catalogue import EXAMPLES, Example
from tiltyard.examples.dealing import Delivery, read_rows
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.pool_types import pool_schema
from tiltyard.schemas.project import Project, parse_project

MONTHS_A_STEP: Final = {"bank": 1, "hotel": 3}
FROZEN_AFTER: Final = {"bank": 5, "hotel": 2}
"""In steps: five months of calls, two quarters of bookings."""


@dataclass(frozen=True, slots=True)
class Step:
    """The rows of one step in time: what a model takes, and whether each is of the positive class."""

    features: pd.DataFrame
    positive: np.ndarray[tuple[int], np.dtype[np.bool_]]


def main() -> None:
    """Print one line of a Markdown table per example and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", nargs="*", default=sorted(MONTHS_A_STEP))
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    print("| Example | Seed | Batches scored | AUC frozen | AUC retrained | Gain |\n|---|---|---|---|---|---|")
    for name in arguments.examples:
        steps = steps_of(EXAMPLES[name])
        for seed in range(arguments.seeds):
            print(_line(name, seed, aucs(steps, FROZEN_AFTER[name], seed)), flush=True)


def _line(name: str, seed: int, scores: pd.DataFrame) -> str:
    """One line of the table."""
    frozen, retrained = scores.frozen.mean(), scores.retrained.mean()
    return f"| {name} | {seed} | {len(scores)} | {frozen:.3f} | {retrained:.3f} | {retrained - frozen:+.3f} |"


def steps_of(example: Example) -> list[Step]:
    """The example's real rows in steps of equal length in time."""
    project = parse_project(yaml.safe_load(example.project_file.read_text()), example.name)
    deal = example.deal()
    months = sorted({delivery.key: delivery for delivery in deal.deliveries}.values(), key=lambda one: one.key)
    length = MONTHS_A_STEP[example.name]
    numbered = groupby(enumerate(months), key=lambda pair: pair[0] // length)
    frames = (pl.concat([text_rows(month, project) for _, month in part]) for _, part in numbered)
    return [_step(frame, project, deal.answers, deal.reference) for frame in first_time_only(frames, deal.reference)]


def text_rows(delivery: Delivery, project: Project) -> pl.DataFrame:
    """A delivery's whole rows as text, empty cells missing."""
    header, *rows = read_rows(delivery.content, delivery.delimiter)
    whole = [row for row in rows if len(row) == len(header)]
    text = pl.DataFrame(whole, schema=dict.fromkeys(header, pl.String), orient="row")
    return text.with_columns(pl.col(name).replace(project.source.csv.missing, None) for name in header)


def first_time_only(frames: Iterator[pl.DataFrame], reference: str) -> Iterator[pl.DataFrame]:
    """The frames without the rows that were planted as repeats or as damaged copies."""
    seen: set[str] = set()
    for frame in frames:
        fresh = frame.unique(reference, keep="first", maintain_order=True)
        fresh = fresh.filter(~pl.col(reference).is_in(list(seen)))
        seen |= set(fresh[reference])
        yield fresh


def _step(frame: pl.DataFrame, project: Project, answers: Mapping[str, str], reference: str) -> Step:
    """One step's model input and answers."""
    types = pool_schema(project)
    typed = frame.with_columns(pl.col(name).cast(types[name], strict=False) for name in project.columns.features)
    positive = np.array([answers[cell] == project.positive_class for cell in frame[reference]])
    return Step(feature_frame(typed, project), positive)


def aucs(steps: list[Step], frozen_after: int, seed: int) -> pd.DataFrame:
    """ROC AUC on each step after the freeze, columns `frozen` and `retrained`; steps with one class are left out."""
    frozen = fitted(steps[:frozen_after], seed)
    scores = []
    for number in range(frozen_after, len(steps)):
        step = steps[number]
        if len(set(step.positive)) == 2:
            retrained = fitted(steps[:number], seed)
            scores.append((auc(frozen, step), auc(retrained, step)))
    return pd.DataFrame(scores, columns=["frozen", "retrained"])


def auc(model: Pipeline, step: Step) -> float:
    """ROC AUC of a model on one step."""
    return float(roc_auc_score(step.positive, model.predict_proba(step.features)[:, 1]))


def fitted(steps: list[Step], seed: int) -> Pipeline:
    """Histogram gradient boosting over the rows of some steps, rare and unknown categories aside."""
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=100, encoded_missing_value=np.nan
    )
    texts = make_column_selector(dtype_exclude=np.number)
    columns = make_column_transformer((encoder, texts), remainder="passthrough")
    model = make_pipeline(columns, HistGradientBoostingClassifier(random_state=seed))
    rows = pd.concat([step.features for step in steps], ignore_index=True)
    with threadpool_limits(1):
        return model.fit(rows, np.concatenate([step.positive for step in steps]))


if __name__ == "__main__":
    main()
