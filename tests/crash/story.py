"""One story of the loop, run as a process of its own; it may be told to kill itself at its Nth durable step.

``python -m tests.crash.story FOLDER [N]`` goes three rounds through the loop. A durable step is a commit of any
database or a rename of a finished file: what stands on disk changes there and nowhere else.
"""

import json
import os
import signal
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from tasks.check_batch import check_batch, objects_to_check
from tasks.choose_samples import choose_samples
from tasks.fit_candidates import fit_candidates
from tasks.judge_challenger import judge_challenger, unjudged_challenger
from tasks.land_objects import land_objects
from tasks.promote_challenger import pending_verdict, promote_challenger
from tasks.repair_stores import repair_stores
from tasks.seal_ledger import seal_ledger
from tasks.snapshot_labels import snapshot_labels
from tasks.training_due import training_due
from tests.small_project import a_day, answer_queue, deliver, make_project
from tiltyard.stores.files import Writing

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 3


def go_round(project: str) -> None:
    """One round: the flow's own steps in the flow's own order, without Prefect's engine."""
    land_objects.fn(project)
    for object_id in objects_to_check.fn(project):
        check_batch.fn(project, object_id)
    if training_due.fn(project):
        fit_candidates.fn(project, snapshot_labels.fn(project, "training"))
    evaluation = snapshot_labels.fn(project, "evaluation")
    if challenger := unjudged_challenger.fn(project, evaluation):
        judge_challenger.fn(project, challenger, evaluation)
    if verdict := pending_verdict.fn(project):
        promote_challenger.fn(project, verdict)
    choose_samples.fn(project)
    seal_ledger.fn(project)


def tell(folder: Path) -> None:
    """The whole story; told again after a kill, it goes on where it stopped."""
    workspace = make_project(folder) if not (folder / "project.yaml").exists() else None
    from tiltyard.stores.workspace import open_workspace

    workspace = workspace or open_workspace(folder)
    project = str(folder)
    repair_stores.fn(project)
    for number in range(ROUNDS):
        # A round that was answered to its end is over: its marker is the expert's, not the loop's.
        if (folder / f"round-{number}").exists():
            continue
        deliver(workspace, f"day-{number}.csv", a_day(number))
        go_round(project)
        answer_queue(workspace, NOW)
        (folder / f"round-{number}").touch()
    go_round(project)


def kill_at(number: int) -> None:
    """Arm the process to kill itself just before its Nth durable step."""
    steps = count(1)

    def step(*_: Any) -> None:
        if next(steps) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    finish = Writing.__exit__

    def finish_or_die(self: Writing, kind: object, *rest: object) -> None:
        step()
        finish(self, kind, *rest)

    event.listen(Engine, "commit", step)
    Writing.__exit__ = finish_or_die  # type: ignore[method-assign]  # the test's own hand on the kill switch


def count_steps() -> Any:
    """A counter of durable steps, for the undisturbed run."""
    steps = {"commit": 0, "file": 0}
    finish = Writing.__exit__

    def counted(self: Writing, kind: object, *rest: object) -> None:
        steps["file"] += 1
        finish(self, kind, *rest)

    def commit(*_: Any) -> None:
        steps["commit"] += 1

    event.listen(Engine, "commit", commit)
    Writing.__exit__ = counted  # type: ignore[method-assign]  # as above
    return steps


if __name__ == "__main__":
    steps = None
    if len(sys.argv) > 2:
        kill_at(int(sys.argv[2]))
    else:
        steps = count_steps()
    tell(Path(sys.argv[1]))
    sys.stdout.write(json.dumps(steps) + "\n")
