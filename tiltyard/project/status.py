"""The status of a project: its counts, and the next step that follows from them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from tiltyard.gate.triggers import APPROVED_STATUSES
from tiltyard.labels.adjudication import find_disputes
from tiltyard.labels.current_classes import rename_classes, resolve_current_labels
from tiltyard.project.display import Displayed
from tiltyard.project.results import Tables
from tiltyard.query.stopping import Advice
from tiltyard.reports.next_step import LoopState, NextStep, next_step
from tiltyard.reports.tables import batch_rows
from tiltyard.schemas.records import Batch, Due, EffectiveLabel, Promotion
from tiltyard.workspace.checks.disk_usage import describe_usage, disk_usage
from tiltyard.workspace.lookup import labels_by_class
from tiltyard.workspace.stopping import stopping_status
from tiltyard.workspace.triggers import (
    approval_due,
    challenger_due,
    check_training_due,
    describe_current_question,
    gate_history,
    verdict_to_promote,
)
from tiltyard.workspace.workspace import Workspace

PURPOSES: Final = ("query", "random", "evaluation")


@dataclass(frozen=True, repr=False)
class Status(Displayed):
    """Everything that ``tiltyard status`` reports.

    Attributes:
        project: The project's name.
        batches: A row for each object's last batch: its name, its counts, its state.
        rows: The number of objects and rows, and ``holds``: whether each row read is in exactly one place.
        samples: The number of samples in the pool.
        queue: The number of assignments that wait, by purpose.
        annotations: The number of annotations.
        disputes: The number of samples that wait for an adjudication.
        set_aside: Stored annotations that cannot count, a sentence each.
        labels: A row for each class: effective labels to train on and to judge on.
        left_out: Labels of classes that the project file no longer has.
        champion: The last move of the champion; None before the first.
        training: Whether a training is due, and the reason.
        question: What an undecided verdict leaves open; empty when nothing is.
        stopping: Whether more labels are likely to improve the model.
        weights: The bytes on disk, by kind.
        arrived: The number of objects that wait to be ingested.
        left_alone: Files in the source that are not batches, with the reason.
        refused: Ids of refused batches.
        next: The next command, and the reason.
    """

    project: str
    batches: list[dict[str, Any]]
    rows: dict[str, Any]
    samples: int
    queue: dict[str, int]
    annotations: int
    disputes: int
    set_aside: list[str]
    labels: list[dict[str, Any]]
    left_out: dict[str, Any]
    champion: Promotion | None
    training: Due
    question: str
    stopping: Advice
    weights: dict[str, int]
    arrived: int
    left_alone: list[dict[str, str]]
    refused: list[str]
    next: NextStep

    def facts(self) -> dict[str, str]:
        """The status as a sentence for each subject; subjects without news are left out."""
        rows, queue, champion = self.rows, self.queue, self.champion
        kept = f"{rows['accepted']:,} accepted + {rows['quarantined']:,} quarantined + {rows['duplicate']:,} duplicate"
        sign = "=" if rows["holds"] else "IS NOT"
        training = sum(row["training"] for row in self.labels)
        judging = sum(row["evaluation"] for row in self.labels)
        said = {
            "rows": f"{rows['read']:,} read {sign} {kept}",
            "pool": f"{self.samples:,} samples",
            "queue": f"{sum(queue.values())} wait: {queue['query']} by strategy, {queue['random']} at random, "
            f"{queue['evaluation']} for evaluation",
            "labels": f"{self.annotations:,} annotations; effective: {training:,} for training, "
            f"{judging:,} for evaluation",
            "disputes": f"{self.disputes:,} samples wait for adjudication" if self.disputes else "none",
            "left out": self.left_out["told"],
            "training": ("due: " if self.training else "not due: ") + self.training.why,
            "open question": self.question or "none",
            "champion": f"{champion.model_id[:8]}, move {champion.number}" if champion else "none yet",
            "stopping": self.stopping.sentence,
            "disk": describe_usage(self.weights),
        }
        return {subject: sentence for subject, sentence in said.items() if sentence}

    def _summary(self) -> Mapping[str, Any]:
        champion = self.champion.model_id[:8] if self.champion else None
        counts = {"samples": self.samples, "waiting": sum(self.queue.values()), "annotations": self.annotations}
        return {"project": self.project, **counts, "champion": champion, "next": self.next.command}

    def _tables(self) -> Tables:
        yield "Status", [{"": subject, "now": sentence} for subject, sentence in self.facts().items()]
        yield "Effective labels", [row for row in self.labels if row["training"] or row["evaluation"]]
        yield "Next", [{"command": self.next.command, "reason": self.next.why}]


def status_of(workspace: Workspace) -> Status:
    """The status of an open project, counted from its ledger now."""
    ledger = workspace.ledger
    read = resolve_current_labels(ledger.annotations.voices(), workspace.project)
    now = standing_of(workspace, read.labels)
    rows = ledger.batches.conservation()
    return Status(
        project=workspace.project.name,
        batches=rows_of_batches(workspace, ledger.batches.latest()),
        rows={**asdict(rows), "holds": rows.holds},
        samples=now.samples,
        queue={purpose: ledger.assignments.waiting_count(purpose) for purpose in PURPOSES},
        annotations=ledger.annotations.count(),
        disputes=disputes_of(workspace),
        set_aside=[str(one) for one in ledger.annotations.set_aside()],
        labels=labels_by_class(read.labels, workspace.project.class_names),
        left_out={"retired": read.retired, "unknown": read.unknown, "told": read.told},
        champion=ledger.champions.current(),
        training=now.training,
        question=now.question,
        stopping=stopping_status(workspace),
        weights=disk_usage(workspace),
        arrived=now.arrived,
        left_alone=[{"object": one.key, "why": one.why} for one in workspace.left.all()],
        refused=list(now.refused),
        next=next_step(now),
    )


def rows_of_batches(workspace: Workspace, batches: Sequence[Batch]) -> list[dict[str, Any]]:
    """A row for each batch: its object, and where its rows went."""
    objects = {landed.object_id: landed for landed in workspace.ledger.batches.objects()}
    return batch_rows(batches, objects)


def samples_in(workspace: Workspace) -> int:
    """The number of samples in the pool."""
    return sum(batch.accepted for batch in workspace.ledger.batches.pooled())


def disputes_of(workspace: Workspace) -> int:
    """The number of samples that wait for an adjudication."""
    contested = rename_classes(workspace.ledger.annotations.contested_voices(), workspace.project)
    return len(find_disputes(contested, workspace.project.effective_label))


def standing_of(workspace: Workspace, labels: Sequence[EffectiveLabel]) -> LoopState:
    """The numbers from which the next step follows."""
    ledger = workspace.ledger
    return LoopState(
        arrived=_arrived(workspace) + len(ledger.batches.unchecked()),
        samples=samples_in(workspace),
        waiting=ledger.assignments.waiting_count(),
        training=check_training_due(workspace),
        to_judge=_to_judge(workspace, labels),
        to_promote=_to_promote(workspace, approved=True),
        to_approve=_to_promote(workspace, approved=False),
        question=describe_current_question(workspace),
        refused=tuple(batch.batch_id[:8] for batch in ledger.batches.latest() if batch.state != "accepted"),
        incoming=str(workspace.source),
    )


def _arrived(workspace: Workspace) -> int:
    """The number of objects in the source that were not landed."""
    seen = workspace.ledger.batches.seen(workspace.source.name)
    arrivals = workspace.source.arrivals(workspace.project.source.pattern)
    fitting = (one for one in arrivals if one.size <= workspace.project.limits.max_bytes)
    return sum((arrival.key, arrival.version, arrival.stamp) not in seen for arrival in fitting)


def _to_judge(workspace: Workspace, labels: Sequence[EffectiveLabel]) -> str | None:
    """The challenger that awaits a verdict; evaluation rows count as the same while their number is the same."""
    ledger = workspace.ledger
    last = ledger.models.last()
    verdicts = gate_history(workspace).on(last.model_id) if last else []
    known = ledger.models.known_set(str(verdicts[-1].evaluation_id)) if verdicts else None
    same = known is not None and known.rows == sum(label.evaluation for label in labels)
    challenger = challenger_due(workspace, known.set_id if known and same else "others")
    return challenger[:8] if challenger else None


def _to_promote(workspace: Workspace, *, approved: bool) -> str | None:
    """The verdict that says promote and was not acted on: one that may be acted on, or one that waits for a person."""
    verdict = verdict_to_promote(workspace)
    wanted = APPROVED_STATUSES if approved else {"wanted"}
    return verdict.verdict_id[:8] if verdict and approval_due(workspace, verdict) in wanted else None
