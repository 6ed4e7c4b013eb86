"""One story of the loop that may be told to kill itself at any durable step.

A durable step is a writing commit of the ledger, a commit of MLflow's database, or the rename of a finished
file: what stands on disk changes there and nowhere else.

``python -m tests.crash.story TEMPLATE FOLDER STEP...`` tells the story once for each step (``ledger:12``,
``file:3``, ``mlflow:40``, or ``none``) in processes of its own, forked from this one so that the imports are paid
once: the first is killed at the step, the second goes on to the end. For each step a line of JSON says what came
of it.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from tests.crash.preloaded import preload
from tests.projects.small_project import a_day, answer_queue, deliver
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.schemas.canonical import digest
from tiltyard.stores.files.local import Writing
from tiltyard.stores.ledger.chain.integrity import verify_ledger
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.maintenance.repair_stores import repair_stores
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import judge_challenger, question_to_settle, unjudged_challenger
from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger
from tiltyard.tasks.models.training_due import training_due
from tiltyard.tasks.monitoring.watch_champion import watch_champion
from tiltyard.workspace.workspace import Workspace, open_workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 3
KINDS = ("ledger", "file", "mlflow")


def go_round(project: str) -> None:
    """One round: the flow's own steps in the flow's own order, without Prefect's engine."""
    land_objects.fn(project)
    for object_id in objects_to_check.fn(project):
        check_batch.fn(project, object_id)
    watch_champion.fn(project)
    if question_to_settle.fn(project):
        judge(project)
    promote(project)
    if training_due.fn(project):
        fit_candidates.fn(project, snapshot_labels.fn(project, "training"))
    judge(project)
    promote(project)
    choose_samples.fn(project)
    seal_ledger.fn(project)


def judge(project: str) -> None:
    """The challenger that awaits a verdict is judged."""
    evaluation = snapshot_labels.fn(project, "evaluation")
    if challenger := unjudged_challenger.fn(project, evaluation):
        judge_challenger.fn(project, challenger, evaluation)


def promote(project: str) -> None:
    """What a verdict says is done, if none did it yet."""
    if verdict := pending_verdict.fn(project):
        promote_challenger.fn(project, verdict)


def tell(folder: Path) -> None:
    """The whole story; told again after a kill, it goes on where it stopped."""
    workspace, project = open_workspace(folder), str(folder)
    repair_stores.fn(project)
    for number in range(ROUNDS):
        # A round that was answered to its end is over: the marker is the expert's memory, not the loop's.
        if (folder / f"round-{number}").exists():
            continue
        deliver(workspace, f"day-{number}.csv", a_day(number))
        go_round(project)
        answer_queue(workspace, NOW)
        (folder / f"round-{number}").touch()
    go_round(project)


def end_of(workspace: Workspace) -> dict[str, Any]:
    """Where the story ended: pool, labels, models, verdicts and champion, times left out."""
    ledger = workspace.ledger
    pool = [row for chunk in workspace.pool.scan(workspace.pool_files(), 1000) for row in chunk.rows()]
    labels = effective_labels(ledger.annotations.until())
    verdicts = ledger.champions.verdicts()
    return {
        "pool": digest(sorted(str(row) for row in pool)),
        "batches": sorted((b.batch_id, b.state, b.read, b.accepted, b.duplicate) for b in ledger.batches.all()),
        "annotations": sorted((a.annotation_id, a.label) for a in ledger.annotations.until()),
        "labels": [(one.sample_id, one.label, one.evaluation) for one in labels],
        "assignments": sorted(ledger.assignments.asked()),
        "models": [(model.model_id, model.predictions_hash) for model in ledger.models.all()],
        "verdicts": [(one.verdict_id, one.decision, one.rows, one.reason) for one in verdicts],
        "champions": [(move.number, move.model_id, move.kind) for move in ledger.champions.history()],
        "alias": workspace.registry.aliases().get("champion"),
        "problems": verify_ledger(ledger),
    }


def watch(act: Callable[[str], None]) -> None:
    """Call ``act`` with the kind of each durable step just before it is taken."""
    finish = Writing.__exit__

    def file_step(self: Writing, kind: object, *rest: object) -> None:
        act("file")
        finish(self, kind, *rest)

    def commit(connection: Connection) -> None:
        if "mlflow" in str(connection.engine.url):
            act("mlflow")
        elif connection.get_execution_options().get("tiltyard_writes"):
            act("ledger")

    event.listen(Engine, "commit", commit)
    Writing.__exit__ = file_step  # type: ignore[method-assign]  # the test's own hand on the kill switch


def killer(step: str) -> Callable[[str], None]:
    """An act that kills this process at one step, named as ``kind:number``."""
    wanted, _, number = step.partition(":")
    seen: Counter[str] = Counter()

    def act(kind: str) -> None:
        seen[kind] += 1
        if kind == wanted and seen[kind] == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def in_a_fork(work: Callable[[], None]) -> int:
    """Do some work in a process of its own; its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except Exception:
            traceback.print_exc()  # to whoever reads the story's standard error
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def told_with_a_kill(template: Path, folder: Path, step: str) -> dict[str, Any]:
    """The end of the story when it was killed at a step and told again."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    result = folder / "end.json"
    counts: Counter[str] = Counter()

    def first() -> None:
        watch(killer(step))
        tell(folder)

    def second() -> None:
        watch(lambda kind: counts.update([kind]))
        tell(folder)
        result.write_text(json.dumps({"end": end_of(open_workspace(folder)), "steps": counts}))

    killed = in_a_fork(first) if step != "none" else 0
    finished = in_a_fork(second)
    told = json.loads(result.read_text()) if finished == 0 else {"end": None, "steps": {}}
    return {"step": step, "killed": killed, "finished": finished, **told}


if __name__ == "__main__":
    preload()
    for named in sys.argv[3:]:
        sys.stdout.write(json.dumps(told_with_a_kill(Path(sys.argv[1]), Path(sys.argv[2]), named)) + "\n")
        sys.stdout.flush()
