"""What a report tells, gathered from the ledger and the stores: plain values, ready to be written down."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tiltyard.labels.admission import uncounted_reason
from tiltyard.labels.current_classes import rename_classes, resolve_current_labels
from tiltyard.query.stopping import Advice
from tiltyard.reports.check_groups import group_checks
from tiltyard.reports.label_value import LabelCost, Worth, label_costs, label_worth
from tiltyard.reports.tables import batch_rows, learning_curve, promotion_rows, verdict_row
from tiltyard.reports.verdict_summary import Headline, headline, metric_name
from tiltyard.schemas.records import Annotation, Batch, Conservation, EffectiveLabel, ModelId, Promotion, Verdict
from tiltyard.training.versioning import ModelVersion
from tiltyard.workspace.lookup import versions_of_all
from tiltyard.workspace.stopping import stopping_status
from tiltyard.workspace.workspace import Workspace

Row = dict[str, Any]
Versions = Mapping[ModelId, ModelVersion]

PURPOSES: Mapping[str, str] = {
    "query": "chosen by the strategy, to train on",
    "random": "random, for training",
    "evaluation": "random, for evaluation",
    "import": "not asked for by the queue: imports and corrections",
}
"""Why samples are labeled, in the words of the report."""

SHOWN_REASONS = 30


@dataclass(frozen=True, slots=True)
class ProjectData:
    """One project at one ledger position."""

    name: str
    description: str
    metric: str
    confidence: float
    position: int
    written_at: datetime
    batches: list[Row]
    rows: Conservation
    held: list[Row]
    reasons: list[Row]
    labels: list[Row]
    classes: list[Row]
    annotators: list[Row]
    annotations: int
    effective: int
    verdicts: list[Row]
    moves: list[Row]
    curve: list[Row]
    champion: str | None
    headline: Headline | None
    advice: Advice
    worth: list[Worth]
    costs: list[LabelCost]

    @property
    def promoted(self) -> int:
        """How many verdicts said promote."""
        return sum(row["decision"] == "promote" for row in self.verdicts)


def collect_project_data(workspace: Workspace) -> ProjectData:
    """All data of a project's report, as of now."""
    ledger, project = workspace.ledger, workspace.project
    position = ledger.position()
    counting = [one for one in ledger.annotations.until(position) if uncounted_reason(one) is None]
    annotations = rename_classes(counting, project)
    labels = resolve_current_labels(annotations, project).labels
    objects = {landed.object_id: landed for landed in ledger.batches.objects()}
    latest, verdicts, moves = ledger.batches.latest(), ledger.champions.verdicts(), ledger.champions.history()
    sizes = ledger.models.rows_by_set()
    models, versions = ledger.models.all(), versions_of_all(workspace)
    trained_on: dict[str, int] = {model.model_id: sizes[model.training_id] for model in models}
    held = [batch for batch in latest if batch.quarantined or batch.state != "accepted"]
    return ProjectData(
        name=project.name,
        description=project.description,
        metric=metric_name(project.gate.metric),
        confidence=project.gate.confidence,
        position=position,
        written_at=workspace.clock(),
        batches=batch_rows(ledger.batches.all(), objects),
        rows=ledger.batches.conservation(),
        held=batch_rows(held, objects),
        reasons=quarantine_reasons(workspace, held)[:SHOWN_REASONS],
        labels=labels_by_purpose(annotations),
        classes=labels_by_class(labels, project.class_names),
        annotators=labels_by_annotator(annotations),
        annotations=len(annotations),
        effective=len(labels),
        verdicts=[_verdict(one, trained_on, versions) for one in verdicts if one.decision != "roll_back"],
        moves=champion_moves(moves, verdicts, versions),
        curve=learning_curve(models, verdicts, sizes),
        champion=versions[moves[-1].model_id].number if moves else None,
        headline=_headline(workspace, verdicts, moves),
        advice=stopping_status(workspace),
        worth=label_worth(verdicts, models, sizes, versions),
        costs=label_costs(annotations, project.class_names),
    )


def labels_by_purpose(annotations: Sequence[Annotation]) -> list[Row]:
    """One row per purpose: how many annotations of each act, and how many were superseded."""
    superseded = {annotation.supersedes for annotation in annotations}
    rows = []
    for purpose, why in PURPOSES.items():
        own = [annotation for annotation in annotations if annotation.purpose == purpose]
        acts = Counter(annotation.act for annotation in own)
        labels = acts["label"] + acts["adjudicate"]
        rows.append(
            {
                "purpose": purpose,
                "why": why,
                "labels": labels,
                "others": len(own) - labels,
                "superseded": sum(one.annotation_id in superseded for one in own),
            }
        )
    return rows


def labels_by_class(labels: Iterable[EffectiveLabel], names: Sequence[str]) -> list[Row]:
    """One row per class, the commonest first: effective labels to train on and to judge on."""
    counts = Counter((label.label, label.evaluation) for label in labels)
    rows = [{"class": name, "training": counts[name, False], "evaluation": counts[name, True]} for name in names]
    return sorted(rows, key=lambda row: -(row["training"] + row["evaluation"]))


def labels_by_annotator(annotations: Sequence[Annotation]) -> list[Row]:
    """One row per annotator: how many annotations, and how many of them somebody superseded."""
    superseded = {annotation.supersedes for annotation in annotations}
    given = Counter(annotation.annotator for annotation in annotations)
    taken_back = Counter(one.annotator for one in annotations if one.annotation_id in superseded)
    return [
        {"annotator": name, "annotations": count, "superseded": taken_back[name]} for name, count in given.most_common()
    ]


def quarantine_reasons(workspace: Workspace, held: Iterable[Batch]) -> list[Row]:
    """Why rows are in quarantine now, the commonest reason first, each with one value as an example."""
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for reason in _reasons(workspace, held):
        key = (reason["check"], reason["column"])
        counts[key] += 1
        examples.setdefault(key, reason["value"])
    return [
        {"check": check, "column": column, "rows": count, "example": examples[check, column]}
        for (check, column), count in counts.most_common()
    ]


def _reasons(workspace: Workspace, held: Iterable[Batch]) -> Iterator[dict[str, str]]:
    """Every reason of every row in quarantine."""
    for batch in held:
        if batch.quarantine_file:
            for listed in workspace.quarantine.read(batch.quarantine_file, ["reasons"])["reasons"]:
                yield from json.loads(listed)


def _headline(workspace: Workspace, verdicts: Sequence[Verdict], moves: Sequence[Promotion]) -> Headline | None:
    """What the last verdict says; None before the first."""
    if not verdicts:
        return None
    last = verdicts[-1]
    move = next((move for move in moves if move.verdict_id == last.verdict_id), None)
    return headline(last, move, workspace.ledger.champions.approvals().get(last.verdict_id))


def _verdict(verdict: Verdict, trained_on: Mapping[str, int], versions: Versions) -> Row:
    """A verdict with its headline and its checks."""
    row = verdict_row(verdict, trained_on.get(verdict.challenger_id))
    summary = headline(verdict, is_last=False)
    return row | {
        "groups": group_checks(verdict.checks),
        "at": verdict.recorded_at,
        "id": verdict.verdict_id[:8],
        "version": versions[verdict.challenger_id].number,
        "headline": summary,
    }


def champion_moves(moves: Iterable[Promotion], verdicts: Iterable[Verdict], versions: Versions) -> list[Row]:
    """Every move of the champion with the score that its verdict saw, first to last.

    A roll-back measures nothing: it has the score that the model's own promotion saw.
    """
    scores = {verdict.verdict_id: verdict.challenger for verdict in verdicts}
    seen: dict[str, Any] = {}
    rows = []
    for row, move in zip(promotion_rows(ordered := list(moves)), ordered, strict=True):
        seen[move.model_id] = scores[move.verdict_id] or seen.get(move.model_id)
        version = versions[move.model_id].number
        rows.append(row | {"score": seen[move.model_id], "at": move.recorded_at, "version": version})
    return rows


@dataclass(frozen=True, slots=True)
class Point:
    """A number of training labels and the gate's metric there: the mean, lowest and highest of several draws."""

    labels: int
    score: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curves:
    """Score by number of labels: of the trained models, and of the same recipes on random labels.

    Both are scored on the same ``rows``: every sample of the evaluation set, with the answers of the key.
    """

    chosen: tuple[Point, ...]
    random: tuple[Point, ...]
    rows: int
    draws: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was asked, whether it holds, and the numbers behind the answer."""

    title: str
    holds: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Findings and curves; both may be missing."""

    findings: tuple[Finding, ...] = ()
    curves: Curves | None = None
