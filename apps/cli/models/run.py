"""``tiltyard run``: once round the loop, as a Prefect flow."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console.errors import DEBUG
from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import console, counted, show_json, show_table
from tiltyard.apps.cli.deployment.embedded_server import bind_embedded_server
from tiltyard.schemas.errors import nearest

if TYPE_CHECKING:
    from tiltyard.flows.whole_cycle import Step
    from tiltyard.workspace.workspace import Workspace

First = Annotated[str | None, typer.Option("--from", metavar="STEP", help="The first step.")]
Last = Annotated[str | None, typer.Option("--to", metavar="STEP", help="The last step.")]
Only = Annotated[str | None, typer.Option("--only", metavar="STEP", help="Just this step.")]
Watch = Annotated[
    float | None,
    typer.Option("--watch", min=1, metavar="SECONDS", help="Go round again after so many seconds, until Ctrl-C."),
]


def run(
    project: ProjectPath = HERE,
    first: First = None,
    last: Last = None,
    only: Only = None,
    watch: Watch = None,
    as_json: AsJson = False,
) -> None:
    """Go once round the loop: ingest, settle, train, judge, promote, ask, seal.

    The steps run as one Prefect flow; without a server (PREFECT_API_URL) Prefect is embedded. Each step finds in
    the stores what is left to do, so a run that was interrupted is resumed by running again.
    """
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    span = _span(first, last, only)
    while True:
        report = _round(workspace, str(project), span)
        if as_json:
            show_json({"steps": report})
        elif watch is None or any(line["done"] for line in report):
            show_table([{"step": line["step"], "what happened": line["what"]} for line in report])
        if watch is None:
            return
        time.sleep(watch)


def _span(first: str | None, last: str | None, only: str | None) -> "tuple[Step, Step]":
    """The first and the last step to take."""
    if only is not None and (first or last):
        raise typer.BadParameter("--only stands alone, without --from and --to")
    from tiltyard.flows.whole_cycle import STEPS

    chosen = _step(only or first or STEPS[0], STEPS), _step(only or last or STEPS[-1], STEPS)
    if STEPS.index(chosen[0]) > STEPS.index(chosen[1]):
        raise typer.BadParameter(f"step {chosen[0]!r} comes after {chosen[1]!r}; the order is {', '.join(STEPS)}")
    return chosen


def _step(name: str, steps: "tuple[Step, ...]") -> "Step":
    """The step of that name."""
    found = next((step for step in steps if step == name), None)
    if found is None:
        raise typer.BadParameter(f"no step {name!r}; {nearest(name, steps)}")
    return found


def _round(workspace: "Workspace", project: str, span: "tuple[Step, Step]") -> list[dict[str, Any]]:
    """Run the flow; a line per step that says what it did, or why there was nothing to do."""
    from tiltyard.flows.whole_cycle import whole_cycle

    before = _counts(workspace)
    with console(to_stderr=True).status("going round the loop ..."), embedded():
        steps = whole_cycle(project, span[0], span[1])
    after = _counts(workspace)
    return [_line(workspace, step, after[step] - before[step]) for step in steps]


@contextmanager
def embedded() -> Iterator[None]:
    """Prefect as a quiet part of this process; a server that PREFECT_API_URL names is used where there is one.

    Its heartbeat thread, which costs a flow of this length a second, is left out. Its server ends with this process,
    also when that is killed, and writes a traceback for each event that it was still storing; what matters of its
    faults reaches the flow.
    """
    from prefect.settings import (
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_LOGGING_LEVEL,
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
        PREFECT_SERVER_LOGGING_LEVEL,
        temporary_settings,
    )

    bind_embedded_server()
    logging.getLogger("prefect").setLevel(logging.WARNING)
    quiet = {
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        PREFECT_LOGGING_LEVEL: "WARNING",
        PREFECT_SERVER_LOGGING_LEVEL: "ERROR" if os.environ.get(DEBUG) else "CRITICAL",
    }
    # The first start makes Prefect's database, which takes longer than its own 20 seconds on a busy machine.
    with temporary_settings({**quiet, PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: 180}):
        yield


def _counts(workspace: "Workspace") -> dict[str, int]:
    """What each step makes more of."""
    ledger = workspace.ledger
    verdicts = ledger.champions.verdicts()
    judged = [one.challenger_id for one in verdicts if one.decision != "roll_back"]
    return {
        "ingest": len(ledger.batches.all()),
        "settle": len(judged) - len(set(judged)) + sum(one.decided_by == "watch" for one in verdicts),
        "train": len(ledger.models.all()),
        "judge": len(set(judged)),
        "promote": len(ledger.champions.history()),
        "ask": len(ledger.assignments.queries()),
        "seal": sum(segment.last_seq - segment.first_seq + 1 for segment in ledger.segments.all()),
    }


def _line(workspace: "Workspace", step: str, made: int) -> dict[str, Any]:
    """What one step did."""
    return {"step": step, "done": made, "what": _done(workspace, step, made) if made else _nothing(workspace, step)}


def _done(workspace: "Workspace", step: str, made: int) -> str:
    """What a step made, as a phrase."""
    ledger = workspace.ledger
    if step == "ingest":
        new = ledger.batches.all()[-made:]
        read, accepted = sum(batch.read for batch in new), sum(batch.accepted for batch in new)
        return f"{counted(made, 'batch', 'batches')}, {read:,} rows read, {accepted:,} accepted"
    if step == "train":
        return f"challenger {ledger.models.all()[-1].model_id[:8]}"
    if step in {"settle", "judge"}:
        last = ledger.champions.verdicts()[-1]
        return f"{last.decision}: {last.reason}"
    if step == "promote":
        return f"champion is {str(ledger.champions.champion_id)[:8]} now"
    if step == "ask":
        return f"{ledger.assignments.waiting_count()} wait in the queue"
    return f"{counted(made, 'fact')} sealed"


def _nothing(workspace: "Workspace", step: str) -> str:
    """Why a step had nothing to do."""
    from tiltyard.workspace.triggers import due_for_training

    if step == "train":
        return f"nothing to do: {due_for_training(workspace).why}"
    waiting = workspace.ledger.assignments.waiting_count()
    return {
        "ingest": "nothing to do: no new object arrived",
        "settle": "nothing to do: no new label speaks of an earlier decision",
        "judge": "nothing to do: no challenger awaits a verdict",
        "promote": f"nothing to do: {_unpromoted(workspace)}",
        "ask": f"nothing to do: {waiting} wait in the queue, or the pool is asked out",
        "seal": "nothing to do: every fact is sealed",
    }[step]


def _unpromoted(workspace: "Workspace") -> str:
    """Why nothing was promoted: no verdict says so, or one waits for a person, or has no say any more."""
    from tiltyard.apps.cli.models.promote import not_approved
    from tiltyard.workspace.triggers import verdict_to_promote

    verdict = verdict_to_promote(workspace)
    return not_approved(workspace, verdict) if verdict else "no verdict says promote that was not acted on"
