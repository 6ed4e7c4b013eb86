"""How many labels each strategy needs: learning curves on real sets, against random choice and modAL's own calls.

    python -m benchmarks.label_efficiency --jobs 2 --out curves.csv
    python -m benchmarks.label_efficiency --out curves.csv --report

Each curve starts with ``START`` labels and grows by ``BATCH`` up to the budget. The pool has at most ``POOL`` rows,
accuracy is measured on as many others. modAL's strategies and `random` start from random rows, as modAL leaves that
to its user; ours start from their own cold start. Where the first labels name one class only, no model can be fitted,
and the next batch is chosen like the first. Curves are appended as they finish, seed by seed; a second call goes on.
The data folder is TILTYARD_DATA, or shared/data beside the repository.
"""

import argparse
import csv
import os
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy: each process is one core

import numpy as np
import polars as pl
from modAL.batch import ranked_batch
from modAL.disagreement import consensus_entropy_sampling, max_disagreement_sampling, vote_entropy_sampling
from modAL.uncertainty import classifier_uncertainty, entropy_sampling, margin_sampling, uncertainty_sampling
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from benchmarks.label_report import report
from tiltyard.query.committee import Committee, fit_committee
from tiltyard.query.feature_space import fitted_preprocessing
from tiltyard.query.selection import QuerySpec, select_samples
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.project import Project

SETS = ["adult", "credit_default", "magic", "spambase", "splice", "sms_spam"]
MODELS = ["LR", "HGB"]
START, BATCH, POOL = 20, 50, 5_000
FIELDS = ["set", "model", "strategy", "seed", "labels", "accuracy", "macro_f1", "choose_cpu_s"]
FRESH = get_context("spawn")
"""Polars' threads do not survive a fork."""
Positions = Any


@dataclass(frozen=True)
class Problem:
    """One set, split by a seed: pool and test as the model takes them, and the pool as the store gives it."""

    project: Project
    pool: pl.DataFrame
    test: Any
    pool_y: Any
    test_y: Any


@dataclass(frozen=True)
class Question:
    """What a strategy sees when it is asked for the next batch."""

    problem: Problem
    model: Any
    labeled: Positions
    rest: Positions
    number: int
    seed: int

    def frame(self, positions: Positions) -> Any:
        """These rows of the pool as the model takes them."""
        return feature_frame(self.problem.pool[positions], self.problem.project)


Choice = Callable[[Question], Positions]


def at_random(question: Question) -> Positions:
    """Rows of the rest by chance."""
    rng = np.random.default_rng([question.seed, len(question.labeled)])
    return rng.choice(question.rest, size=question.number, replace=False)


def by_modal(sampling: Any) -> Choice:
    """A modAL strategy that asks one classifier."""
    return lambda q: (
        at_random(q) if q.model is None else q.rest[sampling(q.model, q.frame(q.rest), n_instances=q.number)[0]]
    )


def by_modal_committee(sampling: Any) -> Choice:
    """A modAL strategy that asks a committee of five bootstraps of the model."""

    def ask(q: Question) -> Positions:
        if q.model is None:
            return at_random(q)
        members = fit_committee(q.model, q.frame(q.labeled), q.problem.pool_y[q.labeled], 5, q.seed)
        return q.rest[sampling(Committee(members), q.frame(q.rest), n_instances=q.number)[0]]

    return ask


def by_modal_ranked_batch(q: Question) -> Positions:
    """modAL's ranked batch in the model's preprocessed space (its ``on_transformed``)."""
    if q.model is None:
        return at_random(q)
    space = fitted_preprocessing(q.model)
    assert space is not None
    rest, labeled = (_dense(space.transform(q.frame(rows))) for rows in (q.rest, q.labeled))
    learner = argparse.Namespace(X_training=labeled, on_transformed=False)
    uncertainty = classifier_uncertainty(q.model, q.frame(q.rest))
    return q.rest[ranked_batch(learner, rest, uncertainty, q.number, "euclidean", None)[0]]


def by_ours(strategy: Any, **options: Any) -> Choice:
    """A strategy of this project through :func:`select_samples`, cold start and random share included."""

    def ask(q: Question) -> Positions:
        pool = q.problem.pool
        wanted = QuerySpec(number=q.number, strategy=strategy, seed=q.seed * 1000 + len(q.labeled), **options)
        labeled = pool[q.labeled] if len(q.labeled) else None
        return select_samples([pool[q.rest]], wanted, q.problem.project, model=q.model, labeled=labeled)[
            "row"
        ].to_numpy()

    return ask


CHOICES: dict[str, Choice] = {
    "random": at_random,
    "margin_kmeans (default)": by_ours("margin_kmeans"),
    "modAL margin": by_modal(margin_sampling),
    "modAL ranked batch": by_modal_ranked_batch,
    "margin_kmeans, random start": by_ours("margin_kmeans", start="random"),
    "modAL entropy": by_modal(entropy_sampling),
    "modAL least confident": by_modal(uncertainty_sampling),
    "modAL committee vote": by_modal_committee(vote_entropy_sampling),
    "modAL committee consensus": by_modal_committee(consensus_entropy_sampling),
    "modAL committee KL": by_modal_committee(max_disagreement_sampling),
}
SLOW = list(CHOICES)[4:]
"""Fewer seeds for these: committees fit five more models a batch, and with two classes modAL's entropy and least
confident choose the rows that margin chooses."""


def data_folder() -> Path:
    """Where the data sets are."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("TILTYARD_DATA", beside)) / "al"


def load(name: str, seed: int) -> Problem:
    """A set, its rows shuffled by the seed and dealt to pool and test."""
    rows = pl.read_parquet(data_folder() / f"{name}.parquet").sample(fraction=1, shuffle=True, seed=seed)
    features = {column: _kind(rows.schema[column], column) for column in rows.columns if column != "target"}
    project = Project.model_validate(
        {
            "name": name,
            "columns": {"features": {column: {"kind": kind} for column, kind in features.items()}},
            "classes": sorted(rows["target"].cast(pl.String).unique()),
        }
    )
    share = min(POOL, int(rows.height * (0.7 if rows.height < 2000 else 0.5)))
    numbered = rows.with_columns(pl.col(column).cast(pl.Float64) for column in features if features[column] == "number")
    pool, test = numbered[:share], numbered[share : 2 * share]
    ids = [f"{number:016x}{seed:016x}" for number in np.random.default_rng(seed).integers(0, 2**63, share)]
    return Problem(
        project=project,
        pool=pool.drop("target").with_columns(sample_id=pl.Series(ids), row=pl.int_range(pl.len())),
        test=feature_frame(test, project),
        pool_y=pool["target"].cast(pl.String).to_numpy(),
        test_y=test["target"].cast(pl.String).to_numpy(),
    )


def _kind(dtype: pl.DataType, name: str) -> str:
    """The kind of a column of these sets."""
    if name == "text":
        return "text"
    return "category" if dtype == pl.String else "number"


def recipe(model: str, project: Project, seed: int) -> Pipeline:
    """The model of that name, unfitted; trees with 8 rows a leaf, or 20 labels give a constant."""
    kinds = {name: column.kind for name, column in project.columns.features.items()}
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    categories = [name for name, kind in kinds.items() if kind == "category"]
    if model == "LR":
        number, category = make_pipeline(SimpleImputer(), StandardScaler()), OneHotEncoder(handle_unknown="ignore")
        words, estimator = TfidfVectorizer(sublinear_tf=True), LogisticRegression(max_iter=1000)
    else:
        number, category = "passthrough", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        words = make_pipeline(TfidfVectorizer(max_features=300), FunctionTransformer(_dense))
        estimator = HistGradientBoostingClassifier(min_samples_leaf=8, random_state=seed)
    texts = [(name, words, name) for name, kind in kinds.items() if kind == "text"]
    parts = [("numbers", number, numbers), ("categories", category, categories)]
    return Pipeline(
        [("columns", ColumnTransformer([*(part for part in parts if part[2]), *texts])), (model, estimator)]
    )


def _dense(matrix: Any) -> Any:
    """An array, sparse or not, as an array."""
    return matrix.toarray() if hasattr(matrix, "toarray") else matrix


def curve(name: str, model: str, strategy: str, seed: int, budget: int) -> list[dict[str, Any]]:
    """One learning curve as rows of the CSV; the strategy `full data` is one point with the whole pool labelled."""
    warnings.filterwarnings("ignore")
    problem = load(name, seed)
    base = {"set": name, "model": model, "strategy": strategy, "seed": seed}
    if strategy == "full data":
        everything = np.arange(problem.pool.height)
        return [base | _measured(problem, _fitted(problem, model, everything, seed), everything, 0.0)]
    labeled, rows, spent = np.arange(0), [], 0.0
    fitted: Any = None
    while len(labeled) < min(budget, int(problem.pool.height * 0.9)):
        number = BATCH if len(labeled) else START
        rest = np.setdiff1d(np.arange(problem.pool.height), labeled)
        before = process_time()
        chosen = CHOICES[strategy](Question(problem, fitted, labeled, rest, number, seed))
        spent += process_time() - before
        labeled = np.concatenate([labeled, chosen])
        fitted = _fitted(problem, model, labeled, seed)
        rows.append(base | _measured(problem, fitted, labeled, spent))
    return rows


def _fitted(problem: Problem, model: str, labeled: Positions, seed: int) -> Any:
    """The model fitted on the labelled rows; nothing while they name one class."""
    y = problem.pool_y[labeled]
    if len(set(y)) < 2:
        return None
    return recipe(model, problem.project, seed).fit(feature_frame(problem.pool[labeled], problem.project), y)


def _measured(problem: Problem, fitted: Any, labeled: Positions, spent: float) -> dict[str, Any]:
    """Accuracy and macro F1 on the test rows; without a model, the one class known is the answer."""
    if fitted is None:
        fitted = DummyClassifier().fit(problem.test[:1], problem.pool_y[labeled[:1]])
    answers = fitted.predict(problem.test)
    return {
        "labels": len(labeled),
        "accuracy": round(float((answers == problem.test_y).mean()), 6),
        "macro_f1": round(float(f1_score(problem.test_y, answers, average="macro")), 6),
        "choose_cpu_s": round(spent, 3),
    }


def wanted_curves(options: argparse.Namespace) -> Iterator[tuple[str, str, str, int]]:
    """The curves not yet in the file, seed by seed, so that an unfinished run still covers every pair."""
    done = set()
    if options.out.exists():
        done = set(pl.read_csv(options.out).select("set", "model", "strategy", "seed").unique().iter_rows())
    for count, seed in enumerate(options.seeds):
        for strategy, model, name in product(["full data", *options.strategies], MODELS, options.sets):
            few = strategy in SLOW and count >= options.slow_seeds
            if not few and (name, model, strategy, seed) not in done:
                yield name, model, strategy, seed


def run(options: argparse.Namespace) -> None:
    """Compute the missing curves and append each to the file as it finishes."""
    new, missing = not options.out.exists(), list(wanted_curves(options))
    with options.out.open("a", newline="") as file, ProcessPoolExecutor(options.jobs, FRESH) as pool:
        writer = csv.DictWriter(file, FIELDS)
        if new:
            writer.writeheader()
        jobs = [pool.submit(curve, *wanted, options.budget) for wanted in missing]
        for count, job in enumerate(as_completed(jobs), 1):
            writer.writerows(job.result())
            file.flush()
            print(f"\r{count} of {len(jobs)} curves", end="", flush=True)
    print()


def main() -> None:
    """Run what is missing, then print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("label_efficiency.csv"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--slow-seeds", type=int, default=3, help="seeds for committees, entropy and least confident")
    parser.add_argument("--budget", type=int, default=1020)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--strategies", nargs="+", choices=list(CHOICES), default=list(CHOICES))
    parser.add_argument("--report", action="store_true", help="only print the report of what is there")
    options = parser.parse_args()
    if not options.report:
        run(options)
    print(report(pl.read_csv(options.out)))


if __name__ == "__main__":
    main()
