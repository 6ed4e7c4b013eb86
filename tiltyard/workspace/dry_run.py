"""A judgement that is not recorded: what the gate would say of a model, under these settings or others."""

from dataclasses import dataclass, replace

from tiltyard.gate.decision import Judgement
from tiltyard.gate.triggers import Looks, next_look
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Model, Verdict
from tiltyard.workspace.gate_evaluation import judgement_of
from tiltyard.workspace.triggers import judging_of
from tiltyard.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class DryRun:
    """What the gate would say of a model, and the verdict that was recorded on it, if there is one."""

    model: Model
    recorded: Verdict | None
    judgement: Judgement


def recorded_verdict(workspace: Workspace, model: Model) -> Verdict | None:
    """The gate's newest verdict on a model, if there is one."""
    verdicts = workspace.ledger.champions.verdicts_on(model.model_id)
    return next((one for one in reversed(verdicts) if one.evaluation_id and one.decided_by == "gate"), None)


def dry_run(workspace: Workspace, model: Model, project: Project, evaluation_id: str) -> DryRun:
    """Judge a model again under a project's gate, as the recorded verdict did: its rows, its champion, its look.

    A model without a verdict is judged against today's champion on the evaluation set that is given. Nothing is
    recorded, and no look is counted.
    """
    recorded = recorded_verdict(workspace, model)
    other, ledger = replace(workspace, project=project), workspace.ledger
    champion_id = recorded.champion_id if recorded else ledger.champions.champion_id
    champion = ledger.models.get(champion_id) if champion_id else None
    rows = (recorded.evaluation_id if recorded else None) or evaluation_id
    try:
        return DryRun(model, recorded, judgement_of(other, model, champion, rows, _looks(workspace, model, recorded)))
    finally:
        other.ledger.close()


def _looks(workspace: Workspace, model: Model, recorded: Verdict | None) -> Looks:
    """The look that was recorded, or the one that would be next."""
    if recorded is None:
        return next_look(judging_of(workspace), model.model_id)
    before = workspace.ledger.champions.verdicts_on(model.model_id)
    at_challenger = 1 + sum(one.evaluation_id is not None for one in before[: before.index(recorded)])
    return Looks(int((recorded.evidence or {}).get("look", 1)), at_challenger)
