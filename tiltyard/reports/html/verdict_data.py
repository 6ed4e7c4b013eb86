"""What a verdict's page tells, gathered from the ledger and the stores: the two models are asked again.

Nothing is read from MLflow's pages: the models come from the registry with their bytes checked, the rows from the
evaluation set that the verdict names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from polars.exceptions import PolarsError

from tiltyard.evaluation.metrics import encode
from tiltyard.evaluation.strata import weights_of
from tiltyard.reports.check_groups import CheckGroup, group_checks
from tiltyard.reports.html.model_charts import Side, Sides
from tiltyard.reports.label_value import label_worth
from tiltyard.reports.tables import learning_curve
from tiltyard.reports.verdict_summary import Headline, headline, metric_name
from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.project import Project, recorded_project
from tiltyard.schemas.records import Model, ModelId, Verdict
from tiltyard.training.thresholds import EVEN
from tiltyard.workspace.evaluation_set import ComparedRows, load_compared_rows
from tiltyard.workspace.lookup import versions_of_all
from tiltyard.workspace.workspace import Workspace

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answers:
    """Both models' answers for the rows judged, and the project under which they were asked."""

    judged: ComparedRows
    sides: Sides
    project: Project


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictData:
    """One verdict; ``answers`` is None where the models cannot be asked again, and ``missing`` says why."""

    name: str
    written_at: datetime
    verdict: Verdict
    headline: Headline
    groups: list[CheckGroup]
    models: dict[str, Model]
    versions: dict[str, str]
    labels: dict[str, int]
    curve: list[Row]
    worth: str
    answers: Answers | None
    missing: str

    @property
    def called(self) -> dict[str, str]:
        """The name of each side; after a rollback, the returning model is not called challenger."""
        back = self.verdict.decision == "roll_back"
        return {"challenger": "the champion before" if back else "challenger", "champion": "champion"}

    @property
    def metric(self) -> str:
        """The metric's name as people read it."""
        return metric_name(self.verdict.metric)


def collect_verdict_data(workspace: Workspace, verdict: Verdict) -> VerdictData:
    """Everything that the page of a verdict tells."""
    ledger = workspace.ledger
    verdicts, everything = ledger.champions.verdicts(), ledger.models.all()
    moves = {move.verdict_id: move for move in ledger.champions.history()}
    sizes = ledger.models.rows_by_set()
    models = _models(verdict, {model.model_id: model for model in everything})
    versions = versions_of_all(workspace)
    until = verdicts[: [one.verdict_id for one in verdicts].index(verdict.verdict_id) + 1]
    worths = label_worth(until, everything, sizes, versions)
    answers, missing = _answers(workspace, verdict, models)
    return VerdictData(
        name=workspace.project.name,
        written_at=workspace.clock(),
        verdict=verdict,
        headline=headline(
            verdict,
            moves.get(verdict.verdict_id),
            ledger.champions.approvals().get(verdict.verdict_id),
            len(until) == len(verdicts),
        ),
        groups=group_checks(verdict.checks),
        models=models,
        versions={side: versions[model.model_id].number for side, model in models.items()},
        labels={side: sizes[model.training_id] for side, model in models.items()},
        curve=learning_curve(everything, until, sizes),
        worth=next((one.sentence for one in worths if one.verdict_id == verdict.verdict_id), "").replace(
            verdict.metric, metric_name(verdict.metric)
        ),
        answers=answers,
        missing=missing,
    )


def _models(verdict: Verdict, known: Mapping[ModelId, Model]) -> dict[str, Model]:
    """The challenger and, if there was one, the champion."""
    ids = {"challenger": verdict.challenger_id, "champion": verdict.champion_id}
    return {side: known[model_id] for side, model_id in ids.items() if model_id is not None and model_id in known}


def _answers(workspace: Workspace, verdict: Verdict, models: Mapping[str, Model]) -> tuple[Answers | None, str]:
    """Both models' answers; else why they cannot be had: a page without pictures still tells the verdict."""
    # What goes back was judged by a watch on the first fresh labels, or by a person: there is no set to ask about.
    if verdict.decision == "roll_back" or verdict.evaluation_id is None or "challenger" not in models:
        return None, ""
    try:
        then = _as_it_was(workspace, models["challenger"])
        judged = load_compared_rows(then, models["challenger"], models.get("champion"), verdict.evaluation_id)
        return Answers(judged, _sides(judged, models, then.project), then.project), ""
    except (TiltyardError, PolarsError) as error:
        return None, f"The models could not be asked again, so there are no pictures: {error}"


def _as_it_was(workspace: Workspace, challenger: Model) -> Workspace:
    """The workspace under the project file that the challenger was trained with."""
    if challenger.project_hash == workspace.project.project_hash:
        return workspace
    body = workspace.ledger.models.project_version(challenger.project_hash).body
    return replace(workspace, project=recorded_project(body))


def _sides(judged: ComparedRows, models: Mapping[str, Model], project: Project) -> Sides:
    """The answers as the drawings take them."""
    labels = judged.rows["label"].to_numpy().astype(str)
    found = {"challenger": judged.challenger, "champion": judged.champion}
    sides = {
        side: Side(encode(labels, answers.predictions), _cut(models[side], project))
        for side, answers in found.items()
        if answers is not None
    }
    weights = np.ones(len(labels)) if judged.strata is None else weights_of(judged.strata)
    return Sides(sides, weights, tuple(project.class_names), project.positive_class)


def _cut(model: Model, project: Project) -> float | None:
    """Where a model of two classes decides."""
    if len(project.class_names) != 2:
        return None
    return EVEN if model.threshold is None else model.threshold
