"""How the CPU of a cycle grows over the weeks of a text project: batch by batch, step by step.

usage: python -m benchmarks.cycles [--batches 12] [--rows 1500] [--profile CYCLE] [--forgetful]

Short texts of made words, three classes, the default candidate and strategy. Each cycle is what one tick of the loop
does: a batch arrives, open questions are settled, a challenger is trained, judged and perhaps promoted, the pool is
scored and rows are asked for; then an expert who is right nine times in ten answers all that waits. CPU seconds are of
the steps alone. ``--forgetful`` removes what models said after every step, as if nothing were kept.
"""

import argparse
import cProfile
import os
import pstats
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from time import process_time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")

import numpy as np
import polars as pl
import yaml

CLASSES = ("angry", "calm", "glad")
PROJECT = {
    "name": "cycles",
    "columns": {"id": "key", "features": {"text": {"kind": "text"}}},
    "classes": list(CLASSES),
    "query": {"budget": 120},
    "triggers": {"labels": 60},
    "gate": {"minimum_labels": 30},
}
WORDS = 20_000


def made(batch: int, rows: int) -> tuple[pl.DataFrame, dict[str, str]]:
    """A batch of texts whose rarer words hint at a class, and the classes by key."""
    rng = np.random.default_rng(batch)
    truth = rng.integers(len(CLASSES), size=rows)
    ranks = np.minimum(rng.zipf(1.3, size=(rows, 14)), WORDS) - 1
    hints = rng.integers(300, size=(rows, 4)) * len(CLASSES) + truth[:, None] + 1_000
    said = np.where(rng.random((rows, 4)) < 0.5, hints, rng.integers(WORDS, size=(rows, 4)))
    texts = [" ".join(f"w{word:x}" for word in row) for row in np.hstack([ranks, said]).tolist()]
    keys = [f"{batch}-{row}" for row in range(rows)]
    return pl.DataFrame({"key": keys, "text": texts}), dict(zip(keys, np.array(CLASSES)[truth].tolist(), strict=True))


def ingest(folder: str) -> None:
    """Take in what arrived."""
    from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
    from tiltyard.tasks.ingest.land_objects import land_objects

    land_objects.fn(folder)
    for one in objects_to_check.fn(folder):
        check_batch.fn(folder, one)


def settle(folder: str) -> None:
    """Watch the champion, and judge again where a question was left open."""
    from tiltyard.tasks.models.judge_challenger import question_to_settle
    from tiltyard.tasks.monitoring.watch_champion import watch_champion

    watch_champion.fn(folder)
    if question_to_settle.fn(folder):
        judge(folder)


def train(folder: str) -> None:
    """Fit a challenger where enough labels are new."""
    from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
    from tiltyard.tasks.models.fit_candidates import fit_candidates
    from tiltyard.tasks.models.training_due import training_due

    if training_due.fn(folder):
        fit_candidates.fn(folder, snapshot_labels.fn(folder, "training"))


def judge(folder: str) -> None:
    """Judge the challenger that awaits it, and promote it where the verdict says so."""
    from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
    from tiltyard.tasks.models.judge_challenger import judge_challenger, unjudged_challenger
    from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger

    evaluation = snapshot_labels.fn(folder, "evaluation")
    if challenger := unjudged_challenger.fn(folder, evaluation):
        judge_challenger.fn(folder, challenger, evaluation)
    if pending := pending_verdict.fn(folder):
        promote_challenger.fn(folder, pending)


def score(folder: str) -> None:
    """The champion's predictions for what has none."""
    from tiltyard.tasks.models.score_pool import batches_to_score, score_pool

    for one in batches_to_score.fn(folder):
        score_pool.fn(folder, one)


def ask(folder: str) -> None:
    """Fill the queue."""
    from tiltyard.tasks.labels.choose_samples import choose_samples

    choose_samples.fn(folder)


STEPS: tuple[Callable[[str], None], ...] = (ingest, settle, train, judge, score, ask)


def answer(folder: str, truth: dict[str, str], rng: np.random.Generator) -> None:
    """The expert answers all that waits."""
    from tiltyard.schemas.records import NewAnnotation
    from tiltyard.workspace.workspace import open_workspace

    workspace, now = open_workspace(folder), datetime.now(UTC)
    answers = [
        NewAnnotation(
            client_key=one.assignment_id,
            annotator="expert",
            act="label",
            sample_id=one.sample_id,
            payload=one.payload,
            said_at=now,
            label=truth[one.payload["key"]] if rng.random() < 0.9 else str(rng.choice(CLASSES)),
            assignment_id=one.assignment_id,
        )
        for one in workspace.ledger.assignments.lease("expert", now, 10_000)
    ]
    workspace.ledger.annotations.submit(answers, contract_hash=workspace.contract_hash, now=now)


def forget(folder: str) -> None:
    """Remove what models said, on disk and in memory."""
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(folder)
    rmtree(workspace.folder / "scores", ignore_errors=True)
    vars(workspace).pop("scores", None)


def tick(folder: str, forgetful: bool) -> list[float]:
    """One tick of the loop; the CPU seconds of each step."""
    spent = []
    for step in STEPS:
        begun = process_time()
        step(folder)
        spent.append(process_time() - begun)
        if forgetful:
            forget(folder)
    return spent


def main() -> None:
    """Run the cycles and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--profile", type=int, help="profile this cycle (from 1)")
    parser.add_argument("--forgetful", action="store_true")
    options = parser.parse_args()
    rng, truth = np.random.default_rng(0), dict[str, str]()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "incoming").mkdir()
        (Path(folder) / "project.yaml").write_text(yaml.safe_dump(PROJECT), "utf-8")
        print("cycle  " + "".join(f"{step.__name__:>8}" for step in STEPS) + "     all")
        for cycle in range(1, options.batches + 1):
            rows, known = made(cycle, options.rows)
            truth |= known
            rows.write_csv(Path(folder) / "incoming" / f"{cycle:02d}.csv")
            profile = cProfile.Profile() if options.profile == cycle else None
            spent = profile.runcall(tick, folder, options.forgetful) if profile else tick(folder, options.forgetful)
            print(f"{cycle:5}  " + "".join(f"{seconds:8.2f}" for seconds in [*spent, sum(spent)]), flush=True)
            if profile:
                pstats.Stats(profile).sort_stats("cumulative").print_stats(r"tiltyard|tasks|sklearn", 60)
            answer(folder, truth, rng)


if __name__ == "__main__":
    main()
