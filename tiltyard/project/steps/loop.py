"""The steps of the loop as the Python API takes them: each calls its tasks in order, seals the ledger, and reports."""

from collections import Counter
from typing import Any

from tiltyard.flows.whole_cycle import STEPS, Step, whole_cycle
from tiltyard.project.results import AskResult, IngestResult, JudgeResult, RunResult, TrainResult
from tiltyard.project.status import rows_of_batches, samples_in
from tiltyard.project.steps.embedded_prefect import embedded
from tiltyard.project.steps.promotion import not_approved
from tiltyard.reports.formatting import format_count
from tiltyard.schemas.errors import TiltyardError, nearest
from tiltyard.schemas.records import TrainingId
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import judge_challenger, unjudged_challenger
from tiltyard.tasks.models.training_due import training_due
from tiltyard.workspace.stopping import stopping_status
from tiltyard.workspace.triggers import check_training_due, verdict_to_promote
from tiltyard.workspace.workspace import Workspace, open_workspace


def ingest(project: str) -> IngestResult:
    """Copy what arrived, check its rows, and pool the good ones."""
    workspace = open_workspace(project)
    known = set(workspace.left.all())
    land_objects.fn(project)
    left = tuple(one for one in workspace.left.all() if one not in known)
    made = [check_batch.fn(project, object_id) for object_id in objects_to_check.fn(project)]
    seal_ledger.fn(project)
    batches = tuple(workspace.ledger.batches.get(batch_id) for batch_id in made)
    return IngestResult(batches, rows_of_batches(workspace, batches), left, samples_in(workspace))


def ask(project: str, budget: int | None) -> AskResult:
    """Fill the queue. Raises TiltyardError for a budget of no assignment."""
    if budget is not None and budget < 1:
        raise TiltyardError(f"budget={budget}: must be at least 1, or None for the project file's query.budget")
    workspace = open_workspace(project)
    query_id = choose_samples.fn(project, budget)
    seal_ledger.fn(project)
    assignments = workspace.ledger.assignments
    query = next((one for one in assignments.queries() if one.query_id == query_id), None)
    own = [one for one in assignments.waiting() if one.query_id == query_id] if query else []
    asked = dict(Counter(str(one.purpose) for one in own))
    return AskResult(query, asked, assignments.waiting_count(), stopping_status(workspace))


def train(project: str, *, force: bool) -> TrainResult:
    """Fit the challenger on all labels, where enough of them are new."""
    workspace = open_workspace(project)
    due = training_due.fn(project)
    if not (due or force):
        return TrainResult(None, due, is_new=False)
    before = {one.model_id for one in workspace.ledger.models.all()}
    training_id = TrainingId(snapshot_labels.fn(project, "training"))
    model = workspace.ledger.models.get(fit_candidates.fn(project, training_id))
    seal_ledger.fn(project)
    return TrainResult(model, due, is_new=model.model_id not in before)


def judge(project: str) -> JudgeResult:
    """Compare the challenger that awaits a verdict with the champion, and keep the verdict's pages."""
    workspace = open_workspace(project)
    evaluation_id = snapshot_labels.fn(project, "evaluation")
    challenger = unjudged_challenger.fn(project, evaluation_id)
    if challenger is None:
        return JudgeResult(None)
    verdict = workspace.ledger.champions.verdict(judge_challenger.fn(project, challenger, evaluation_id))
    seal_ledger.fn(project)
    # They import matplotlib.
    from tiltyard.reports.html.publish import publish_pages

    publish_pages(workspace, verdict)
    return JudgeResult(verdict)


def step_named(name: str) -> Step:
    """The step of that name. Raises TiltyardError, naming the nearest one, where there is none."""
    found = next((step for step in STEPS if step == name), None)
    if found is None:
        raise TiltyardError(f"no step {name!r}; {nearest(name, STEPS)}")
    return found


def span(first: str | None, last: str | None) -> tuple[Step, Step]:
    """The first and the last step to take. Raises TiltyardError where the first comes after the last."""
    chosen = step_named(first or STEPS[0]), step_named(last or STEPS[-1])
    if STEPS.index(chosen[0]) > STEPS.index(chosen[1]):
        raise TiltyardError(f"step {chosen[0]!r} comes after {chosen[1]!r}; the order is {', '.join(STEPS)}")
    return chosen


def run(project: str, first: str | None, last: str | None) -> RunResult:
    """Run the flow from one step to another, in an embedded Prefect where no server is named."""
    chosen, workspace = span(first, last), open_workspace(project)
    before = _counts(workspace)
    with embedded():
        steps = whole_cycle(project, *chosen)
    after = _counts(workspace)
    return RunResult([_line(workspace, step, after[step] - before[step]) for step in steps])


def _counts(workspace: Workspace) -> dict[str, int]:
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


def _line(workspace: Workspace, step: str, made: int) -> dict[str, Any]:
    """What one step did."""
    return {"step": step, "done": made, "what": _done(workspace, step, made) if made else _nothing(workspace, step)}


def _done(workspace: Workspace, step: str, made: int) -> str:
    """What a step made, as a phrase."""
    ledger = workspace.ledger
    if step == "ingest":
        new = ledger.batches.all()[-made:]
        read, accepted = sum(batch.read for batch in new), sum(batch.accepted for batch in new)
        return f"{format_count(made, 'batch', 'batches')}, {read:,} rows read, {accepted:,} accepted"
    if step == "train":
        return f"challenger {ledger.models.all()[-1].model_id[:8]}"
    if step in {"settle", "judge"}:
        last = ledger.champions.verdicts()[-1]
        return f"{last.decision}: {last.reason}"
    if step == "promote":
        return f"champion is {str(ledger.champions.champion_id)[:8]} now"
    if step == "ask":
        return f"{ledger.assignments.waiting_count()} wait in the queue"
    return f"{format_count(made, 'fact')} sealed"


def _nothing(workspace: Workspace, step: str) -> str:
    """Why a step had nothing to do."""
    if step == "train":
        return f"nothing to do: {check_training_due(workspace).why}"
    waiting = workspace.ledger.assignments.waiting_count()
    return {
        "ingest": "nothing to do: no new object arrived",
        "settle": "nothing to do: no new label concerns an earlier decision",
        "judge": "nothing to do: no challenger awaits a verdict",
        "promote": f"nothing to do: {_unpromoted(workspace)}",
        "ask": f"nothing to do: {waiting} wait in the queue, or every sample has been queried",
        "seal": "nothing to do: every fact is sealed",
    }[step]


def _unpromoted(workspace: Workspace) -> str:
    """Why nothing was promoted: no verdict says so, or one waits for a person, or is out of date."""
    verdict = verdict_to_promote(workspace)
    return not_approved(workspace, verdict) if verdict else "no verdict says promote that was not acted on"
