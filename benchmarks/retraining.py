"""The retrain cycle against a bare script that does the same fits and scoring.

usage: python -m benchmarks.retraining [--rows 100000] [--rounds 3]

The bare script reads one Parquet file, cross-validates the same two pipelines (written out by hand with scikit-learn)
on three stratified folds, fits the better one on all rows, scores it and the model of the last round on the same
evaluation rows, and writes it with skops. Ours is measured in two parts, each in a process of its own:

rules   fit_candidates, judge (2,000 bootstrap resamples), and the registry's log on MLflow
cycle   the loop's steps over a workspace whose ledger holds every label as an annotation: count what is new, snapshot
        both sets, fit, log, judge, promote, seal
empty   the same steps when there is nothing new

Wall and CPU seconds are of the steps alone: imports and opening databases come before, as in a running worker.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
import polars as pl

NUMBERS = [f"x{number}" for number in range(16)]
CATEGORIES = [f"c{number}" for number in range(4)]
FEATURES = [*NUMBERS, *CATEGORIES]
PROJECT = {
    "name": "bench",
    "source": {"format": "parquet"},
    "columns": {
        "id": "key",
        "features": {name: {"kind": "number"} for name in NUMBERS}
        | {name: {"kind": "category"} for name in CATEGORIES},
        "label": "answer",
    },
    "classes": ["no", "yes"],
    "gate": {"metric": "accuracy"},
}


def made(rows: int) -> pl.DataFrame:
    """Rows with a curved border between the classes, rare categories and 5 % missing numbers."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, len(NUMBERS)))
    cities = [f"v{number}" for number in range(30)]
    c = rng.choice(cities, size=(rows, len(CATEGORIES)), p=np.arange(1, 31) / np.arange(1, 31).sum())
    signal = x[:, 0] + x[:, 1] * x[:, 2] + (c[:, 0] == "v29") + rng.normal(size=rows)
    x[rng.random(x.shape) < 0.05] = np.nan
    own = {"key": [f"k{row}" for row in range(rows)], "answer": np.where(signal > 0.5, "yes", "no")}
    columns = {name: x[:, number] for number, name in enumerate(NUMBERS)}
    columns |= {name: c[:, number] for number, name in enumerate(CATEGORIES)}
    return pl.DataFrame({**own, **columns}).fill_nan(None)


def timed(work: Callable[[], Any]) -> dict[str, float]:
    """Wall and CPU seconds of some work."""
    wall, cpu = perf_counter(), process_time()
    work()
    return {"wall": perf_counter() - wall, "cpu": process_time() - cpu}


def bare(folder: Path) -> dict[str, float]:
    """The script that does the same without us."""
    import skops.io
    from sklearn.base import clone
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    def imputer() -> Any:
        return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)

    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=5)
    scaled = ColumnTransformer([("n", make_pipeline(imputer(), StandardScaler()), NUMBERS), ("c", one_hot, CATEGORIES)])
    plain = ColumnTransformer([("n", imputer(), NUMBERS), ("c", codes, CATEGORIES)])
    trees = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=15, min_samples_leaf=5, l2_regularization=1.0, early_stopping=False, random_state=0
    )
    models = [make_pipeline(scaled, LogisticRegression(max_iter=1000, random_state=0)), make_pipeline(plain, trees)]

    def read(name: str) -> tuple[pd.DataFrame, Any]:
        rows = pl.read_parquet(folder / f"{name}.parquet")
        return rows.select(FEATURES).to_pandas(), rows["answer"].to_numpy().astype(str)

    def scores(model: Any, frame: pd.DataFrame, labels: Any) -> tuple[float, float, float]:
        told = model.predict_proba(frame)
        decided = model.classes_[told.argmax(axis=1)]
        return accuracy_score(labels, decided), roc_auc_score(labels, told[:, 1]), log_loss(labels, told)

    def work() -> None:
        frame, labels = read("training")
        means = []
        for model in models:
            folds = StratifiedKFold(3, shuffle=True, random_state=0).split(frame, labels)
            fits = [(clone(model).fit(frame.iloc[a], labels[a]), b) for a, b in folds]
            means.append(np.mean([scores(fitted, frame.iloc[b], labels[b])[0] for fitted, b in fits]))
        best = clone(models[int(np.argmax(means))]).fit(frame, labels)
        (folder / "bare.skops").write_bytes(skops.io.dumps(best))
        evaluation, answers = read("evaluation")
        champion = skops.io.load(
            folder / "bare.skops", trusted=skops.io.get_untrusted_types(file=folder / "bare.skops")
        )
        for one in (best, champion):
            scores(one, evaluation, answers)

    return timed(work)


def rules(folder: Path) -> dict[str, float]:
    """Our rules and the registry, from frames."""
    import sklearn.ensemble  # likewise
    import sklearn.linear_model  # noqa: F401  # likewise
    import skops.io  # noqa: F401  # imports come before, as in a running worker

    from tiltyard.evaluation.predictions import predict_rows
    from tiltyard.gate.decision import decide
    from tiltyard.gate.inputs import Evidence
    from tiltyard.samples.features import feature_frame
    from tiltyard.schemas.project import Project
    from tiltyard.schemas.records import ModelId, TrainingId
    from tiltyard.stores.registry.registry import Registry
    from tiltyard.stores.registry.runs import Training
    from tiltyard.training.search.tuning import fit_candidates

    project = Project.model_validate(PROJECT)
    with tempfile.TemporaryDirectory() as place:
        registry = Registry(f"sqlite:///{place}/mlflow.db", Path(place) / "artifacts", "bench")
        _ = registry.experiment_id

        def work() -> None:
            rows = pl.read_parquet(folder / "training.parquet")
            frame = feature_frame(rows, project)
            fitted = fit_candidates(frame, rows["answer"].to_numpy(), project, 0)
            registry.log_training(
                Training(
                    model_id=ModelId("m"),
                    training_id=TrainingId("t"),
                    fitted=fitted,
                    golden=frame.head(20),
                    rows=len(frame),
                )
            )
            evaluation = pl.read_parquet(folder / "evaluation.parquet")
            told = [predict_rows(fitted.model, feature_frame(evaluation, project), project) for _ in range(2)]
            labels = evaluation["answer"].to_numpy().astype(str)
            decide(Evidence(labels=labels, challenger=told[0], champion=told[1], overlap=0), project.gate)

        return timed(work)


def cycle(folder: Path) -> dict[str, float]:
    """The loop's steps over a workspace, then again with nothing to do."""
    import sklearn.ensemble  # likewise
    import sklearn.linear_model  # noqa: F401  # likewise
    import skops.io  # noqa: F401  # imports come before, as in a running worker

    from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
    from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
    from tiltyard.tasks.models.fit_candidates import fit_candidates
    from tiltyard.tasks.models.judge_challenger import judge_challenger, question_to_settle, unjudged_challenger
    from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger
    from tiltyard.tasks.models.training_due import training_due
    from tiltyard.tasks.monitoring.watch_champion import watch_champion
    from tiltyard.workspace.workspace import open_workspace

    project = str(folder / "project")
    open_workspace(project).ledger.position()
    _ = open_workspace(project).registry.experiment_id

    def work() -> None:
        watch_champion.fn(project)
        if open_one := question_to_settle.fn(project):
            judge_challenger.fn(project, open_one, snapshot_labels.fn(project, "evaluation"))
        if verdict := pending_verdict.fn(project):
            promote_challenger.fn(project, verdict)
        if training_due.fn(project):
            fit_candidates.fn(project, snapshot_labels.fn(project, "training"))
        evaluation = snapshot_labels.fn(project, "evaluation")
        if challenger := unjudged_challenger.fn(project, evaluation):
            judge_challenger.fn(project, challenger, evaluation)
        if verdict := pending_verdict.fn(project):
            promote_challenger.fn(project, verdict)
        seal_ledger.fn(project)

    full, empty = timed(work), timed(work)
    return {**full, "empty wall": empty["wall"], "empty cpu": empty["cpu"]}


def prepare(folder: Path, rows: int) -> None:
    """Take an object with labels into a workspace, and write the same training and evaluation rows as plain Parquet."""
    import yaml

    from tiltyard.tasks.ingest.check_batch import check_batch
    from tiltyard.tasks.ingest.land_objects import land_objects
    from tiltyard.workspace.workspace import open_workspace

    place = folder / "project"
    (place / "incoming").mkdir(parents=True)
    (place / "project.yaml").write_text(yaml.safe_dump(PROJECT))
    made(round(rows / 0.8)).write_parquet(place / "incoming" / "day-1.parquet")
    for object_id in land_objects.fn(str(place)):
        check_batch.fn(str(place), object_id)
    workspace = open_workspace(str(place))
    pooled = pl.concat(list(workspace.pool.scan(workspace.pool_files(), 1_000_000)))
    answers = pl.read_parquet(place / "incoming" / "day-1.parquet").select("key", "answer")
    for name, chosen in (("training", ~pl.col("evaluation")), ("evaluation", pl.col("evaluation"))):
        pooled.filter(chosen).join(answers, on="key").write_parquet(folder / f"{name}.parquet")


CONTENDERS = {"bare": bare, "rules": rules, "cycle": cycle}


def apart(name: str, folder: Path) -> dict[str, float]:
    """One contender in a process of its own, on a fresh copy of the workspace."""
    with tempfile.TemporaryDirectory() as copy:
        subprocess.run(["cp", "-r", f"{folder}/.", copy], check=True)
        command = [sys.executable, "-m", "benchmarks.retraining", "--contender", name, "--folder", copy]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured: dict[str, float] = json.loads(out.splitlines()[-1])
    return measured


def main() -> None:
    """Prepare once, measure each contender in turn, print a Markdown table of medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contender", choices=sorted(CONTENDERS))
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.contender:
        print(json.dumps(CONTENDERS[given.contender](given.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), given.rows)
        rounds = [{name: apart(name, Path(folder)) for name in CONTENDERS} for _ in range(given.rounds)]
    print(table(rounds, given.rows))


def table(rounds: list[dict[str, dict[str, float]]], rows: int) -> str:
    """Medians of the rounds, and ratios to the bare script of the same round."""
    lines = [f"{rows:,} training labels, median of {len(rounds)} rounds", ""]
    lines += ["| | CPU s | wall s | CPU against bare | wall against bare |", "|---|---|---|---|---|"]
    for name in CONTENDERS:
        mid = {what: median(one[name][what] for one in rounds) for what in ("cpu", "wall")}
        ratio = {what: median(one[name][what] / one["bare"][what] for one in rounds) for what in ("cpu", "wall")}
        lines.append(f"| {name} | {mid['cpu']:.2f} | {mid['wall']:.2f} | {ratio['cpu']:.2f} | {ratio['wall']:.2f} |")
    empty = {what: median(one["cycle"][f"empty {what}"] for one in rounds) for what in ("cpu", "wall")}
    return "\n".join([*lines, f"| empty | {empty['cpu']:.2f} | {empty['wall']:.2f} | | |"])


if __name__ == "__main__":
    main()
