"""Watch a new champion: if fresh labels show that the previous one is better, roll back to it."""

from dataclasses import replace

import polars as pl

from tiltyard.evaluation.predictions import Predictions, predict_rows
from tiltyard.monitoring.champion_watch import PerformanceDrop, detect_regression, is_watched
from tiltyard.samples.evaluation_split import entity_groups
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.records import EvaluationId, ModelId, Promotion, Verdict
from tiltyard.tasks.labels.snapshot_labels import pin_labels
from tiltyard.tasks.models.roll_back_champion import record_roll_back, roll_back_verdict
from tiltyard.tasks.step import step
from tiltyard.workspace.evaluation_set import fresh_labels
from tiltyard.workspace.workspace import Workspace, open_workspace

WATCH = "watch"
"""Who decided, in the record of such a roll-back."""


@step("watch-champion", alone=("champion", "train"))
def watch_champion(project: str) -> int | None:
    """Roll back to the previous champion if evaluation labels since the promotion show that the current one is worse;
    the number of the move, or none.

    The rows were drawn at random and no verdict has used them. The evidence is recorded before the champion changes.
    """
    workspace = open_workspace(project)
    current, policy = workspace.ledger.champions.current(), workspace.project.gate
    if current is None or current.previous_id is None or not is_watched(current, policy, workspace.clock()):
        return None
    workspace.refuse_other_kinds()
    rows = fresh_labels(workspace, current, policy.watch.labels)
    if rows.height < policy.watch.labels:
        return None
    labels, today = rows["label"].to_numpy().astype(str), _predict(workspace, current.model_id, rows)
    before, whose = _predict(workspace, current.previous_id, rows), entity_groups(rows, workspace.project)
    found = detect_regression(labels, today, before, policy, workspace.project.seed, whose)
    if not found:
        return None
    return record_roll_back(workspace, current, _verdict(workspace, current, current.previous_id, found))


def _predict(workspace: Workspace, model_id: ModelId, rows: pl.DataFrame) -> Predictions:
    """A model's predictions for some rows."""
    return predict_rows(workspace.load_model(model_id), feature_frame(rows, workspace.project), workspace.project)


def _verdict(workspace: Workspace, current: Promotion, target: ModelId, found: PerformanceDrop) -> Verdict:
    """The record of the decision to roll back, with its evidence."""
    plain = roll_back_verdict(workspace, current, target, WATCH, found.check.why)
    return replace(
        plain,
        evaluation_id=EvaluationId(pin_labels(workspace, "evaluation").set_id),
        rows=found.rows,
        challenger=found.compared.challenger,
        champion=found.compared.champion,
        gain=found.compared.gain,
        checks=(found.check,),
        policy=workspace.project.gate.model_dump(mode="json"),
        evidence={"look": found.look, "level": round(found.level, 12), "since_move": current.number},
    )
