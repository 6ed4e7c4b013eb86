"""Whether a training, an evaluation, a promotion or an approval is due, counted from the ledger, not from events."""

from tiltyard.gate.triggers import (
    ApprovalStatus,
    GateHistory,
    LabelProgress,
    approval_status,
    asks_for_disagreement,
    challenger_to_judge,
    describe_question,
    no_new_model,
    open_question,
    pending_promotion,
    training_is_due,
)
from tiltyard.labels.current_classes import resolve_current_labels
from tiltyard.schemas.records import DISAGREEMENT, Due, EffectiveLabel, ModelId, Verdict
from tiltyard.stores.user_code.own_code import PREFIX, own_code
from tiltyard.training.versioning import changed_code, changed_recipe
from tiltyard.workspace.lookup import recorded_project_of
from tiltyard.workspace.models.labeled_sets import labeled_set_id, with_payloads
from tiltyard.workspace.workspace import Workspace


def check_training_due(workspace: Workspace) -> Due:
    """Whether a training would make a model that is not known, of enough new annotations or of another recipe or own
    code; and why or why not.

    Labels are read only when count or change say that it may be worth it.
    """
    annotations, new, changed = workspace.ledger.annotations, new_since_training(workspace), what_changed(workspace)
    if new < workspace.project.triggers.labels and not changed:
        return training_is_due(new, [], workspace.project)
    labels = resolve_current_labels(annotations.voices(), workspace.project).labels
    training = [label for label in labels if not label.evaluation]
    due = training_is_due(new, training, workspace.project, changed)
    known = _known(workspace, training, changed) if due else None
    return no_new_model(new, changed, known) if known else due


def what_changed(workspace: Workspace) -> str:
    """What of recipe and own code is other than when the last model was trained, as a phrase; empty where nothing is.

    Models from before own code was recorded are compared by their recipe only.
    """
    last = workspace.ledger.models.last()
    if last is None:
        return ""
    then = {name.removeprefix(PREFIX): said for name, said in last.environment.items() if name.startswith(PREFIX)}
    code = changed_code(then, own_code(workspace.project).modules) if then else ""
    if last.project_hash == workspace.project.project_hash:
        return code
    recipe = changed_recipe(recorded_project_of(workspace, last), workspace.project.model_dump(mode="json"))
    return "; ".join(part for part in (recipe, code) if part)


def _known(workspace: Workspace, training: list[EffectiveLabel], changed: str) -> ModelId | None:
    """The model that a training of these labels would make, if it was made already."""
    set_id = labeled_set_id("training", with_payloads(workspace, training))
    last = workspace.ledger.models.last()
    if last and last.training_id == set_id and not changed:
        return last.model_id
    # It brings scikit-learn, whose import takes a second.
    from tiltyard.workspace.models.training import model_id_of, warm_recipe

    model_id = model_id_of(set_id, workspace.project, warm_recipe(workspace))
    return model_id if workspace.ledger.models.known(model_id) else None


def new_since_training(workspace: Workspace) -> int:
    """How many annotations came after the last training set that a model came of."""
    return workspace.ledger.annotations.count(since=workspace.ledger.models.trained_until())


def gate_history(workspace: Workspace) -> GateHistory:
    """What was decided so far over challengers and champion."""
    champions = workspace.ledger.champions
    approvals = champions.approvals()
    return GateHistory(
        last=workspace.ledger.models.last(),
        champion=champions.champion_id,
        verdicts=champions.verdicts(),
        moves=champions.history(),
        declined=frozenset(verdict for verdict, answer in approvals.items() if not answer.approved),
    )


def challenger_due(workspace: Workspace, evaluation_id: str) -> ModelId | None:
    """The model that awaits a verdict on an evaluation set, if there is one."""
    now, policy, due = gate_history(workspace), workspace.project.gate, False
    asked = {}
    if (question := open_question(now, policy)) is not None:
        asked = {question.verdict_id: label_progress(workspace, question)}
        due = bool(check_training_due(workspace))
    return challenger_to_judge(now, evaluation_id, policy, asked, due)


def current_question(workspace: Workspace) -> Verdict | None:
    """The verdict that wants more evaluation labels and will be taken up again when they are there, if there is one."""
    return open_question(gate_history(workspace), workspace.project.gate)


def describe_current_question(workspace: Workspace) -> str:
    """What the open question is about and how far its labels are; empty where none is open."""
    question = current_question(workspace)
    return describe_question(question, label_progress(workspace, question)) if question else ""


def label_progress(workspace: Workspace, question: Verdict) -> LabelProgress:
    """How far the labels are that were asked for in an undecided verdict's name."""
    own = [one for one in workspace.ledger.assignments.to_evaluate() if one.verdict_id == question.verdict_id]
    if asks_for_disagreement(question):
        own = [one for one in own if one.strategy == DISAGREEMENT]
    waiting = {one.sample_id for one in own if one.state == "open"}
    return LabelProgress(len({one.sample_id for one in own}), len(waiting))


def verdict_to_promote(workspace: Workspace) -> Verdict | None:
    """The newest verdict that says promote and was not acted on, if it was decided against today's champion."""
    champions = workspace.ledger.champions
    acted_on = [move.verdict_id for move in champions.history()]
    return pending_promotion(champions.verdicts(), acted_on, champions.champion_id)


def approval_due(workspace: Workspace, verdict: Verdict) -> ApprovalStatus:
    """Where a verdict stands now between gate and person."""
    return approval_status(verdict, workspace.ledger.champions.approvals(), workspace.clock())
