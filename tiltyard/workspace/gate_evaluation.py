"""The gate's judgement over two models, from ids: the rows are read, both models asked, every check made.

Nothing is recorded here, so it may be asked again at any time, also under another policy: by the step that records the
verdict, and by whoever wants to know what the gate would say.
"""

from datetime import datetime
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tiltyard.evaluation.lure import Drawn, lure
from tiltyard.evaluation.permutation_importance import importance_of
from tiltyard.evaluation.strata import weights_of
from tiltyard.gate.checks.suite import Examined, Side, examine
from tiltyard.gate.decision import Evidence, Judgement, judge
from tiltyard.gate.findings import Findings, together
from tiltyard.gate.looks import level_of
from tiltyard.gate.triggers import Looks
from tiltyard.samples.evaluation_split import entity_groups
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.records import Model
from tiltyard.workspace.evaluation_set import Answers, Judged, rows_judged
from tiltyard.workspace.stopping import stability_of
from tiltyard.workspace.workspace import Workspace


def judgement_of(
    workspace: Workspace, challenger: Model, champion: Model | None, evaluation_id: str, looks: Looks
) -> Judgement:
    """What the gate says of two models on an evaluation set; ``looks`` is which look this is.

    The workspace's project decides under which policy; one with another project may be handed in.
    """
    judged = rows_judged(workspace, challenger, champion, evaluation_id)
    sides = [_side(workspace, one) for one in (judged.challenger, judged.champion) if one]
    units = entity_groups(judged.rows, workspace.project)
    findings = together(
        [_examined(workspace, judged, sides, looks, units), _told(workspace, judged), _lure(workspace, judged)]
    )
    evidence = Evidence(
        labels=judged.labels,
        challenger=judged.challenger.predictions,
        champion=judged.champion.predictions if judged.champion else None,
        overlap=_overlap(judged.rows, sides),
        look=looks.number,
        looks_at_challenger=looks.at_challenger,
        seed=workspace.project.seed,
        strata=judged.strata,
        findings=findings,
        disagreement=workspace.project.evaluation.disagreement,
        drawable=judged.population.unlabeled.height if judged.population else None,
        units=units,
    )
    return judge(evidence, workspace.project.gate)


def _side(workspace: Workspace, answers: Answers) -> Side:
    """One of the two models, with what it was trained on."""
    return Side(
        model_id=answers.model.model_id,
        model=answers.fitted,
        predictions=answers.predictions,
        training=workspace.labeled_rows(answers.model.training_id),
        # The whole file is fetched and hashed for it.
        size=workspace.registry.size_of(answers.model) if workspace.project.gate.resources.size_mb else None,
    )


def _examined(
    workspace: Workspace, judged: Judged, sides: list[Side], looks: Looks, units: NDArray[np.str_] | None
) -> Findings:
    """What the checks beside the metric found."""
    gate = workspace.project.gate
    examined = Examined(
        rows=judged.rows,
        labels=judged.labels,
        weights=weights_of(judged.strata) if judged.strata else np.ones(judged.rows.height),
        challenger=sides[0],
        champion=sides[1] if len(sides) > 1 else None,
        seed=workspace.project.seed,
        now=workspace.clock(),
        level=level_of(looks.number, gate),
        strata=judged.strata,
        labeled_at=_labeled_at(workspace, judged.rows) if gate.freshness_days else None,
        population=judged.population.answers if judged.population else None,
        stopwatch=perf_counter,
        units=units,
    )
    return examine(examined, workspace.project)


def _labeled_at(workspace: Workspace, rows: pl.DataFrame) -> datetime | None:
    """When the newest annotation that carries one of the rows' labels was stored."""
    carrying = {annotation for carried in rows["annotations"].to_list() for annotation in carried}
    stored = (one for one in workspace.ledger.annotations.until() if one.annotation_id in carrying)
    return max((one.recorded_at for one in stored), default=None)


def _told(workspace: Workspace, judged: Judged) -> Findings:
    """What decides nothing and is told with the verdict."""
    project, challenger = workspace.project, judged.challenger
    frame = feature_frame(judged.rows, project)
    importance = importance_of(challenger.fitted, frame, judged.labels, project, project.seed)
    told: dict[str, Any] = {"importance": importance}
    if (stability := stability_of(workspace, challenger.model, challenger.fitted, judged.population)) is not None:
        told["stability"] = stability
    if judged.population is not None:
        told["population"] = judged.population.told
    return Findings(told=told)


def _lure(workspace: Workspace, judged: Judged) -> Findings:
    """The second figure where labels were drawn at the disagreement; on a plain sample it would be the first again."""
    strata, population, champion = judged.strata, judged.population, judged.champion
    if strata is None or population is None or champion is None:
        return Findings()
    drawn = Drawn(
        differs=strata.of == 1,
        by_chance=judged.by_chance,
        population=population.rows.height,
        differing=population.differ,
        seed=workspace.project.seed,
    )
    metric = workspace.project.gate.metric
    return Findings(
        told={"lure": lure(metric, judged.labels, champion.predictions, judged.challenger.predictions, drawn)}
    )


def _overlap(rows: pl.DataFrame, sides: list[Side]) -> int:
    """How many evaluation rows stand in a training set of one of the models; it must be none."""
    trained = pl.concat([side.training["sample_id"] for side in sides])
    return int(rows["sample_id"].is_in(trained.implode()).sum())
