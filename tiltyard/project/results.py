"""What the methods of a project return: records with the facts of one step, readable in a notebook."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tiltyard.labels.files.file_format import Imported
from tiltyard.project.display import Displayed
from tiltyard.query.stopping import Advice
from tiltyard.reports.tables import check_rows, interval_text
from tiltyard.schemas.records import Approval, Batch, Due, Model, Promotion, Query, Verdict
from tiltyard.stores.files import SkippedObject

Tables = Iterable[tuple[str, Sequence[Mapping[str, Any]]]]


@dataclass(frozen=True, repr=False)
class IngestResult(Displayed):
    """The batches that one ``ingest`` made, and the files that it left alone.

    Attributes:
        batches: The ledger's record of each object that was checked, with its counts.
        rows: The same as table rows, with the object's name.
        left: What is in the source but is not a batch, with the reason; each is reported once.
        samples: The number of samples in the pool.
    """

    batches: tuple[Batch, ...]
    rows: list[dict[str, Any]]
    left: tuple[SkippedObject, ...]
    samples: int

    def _summary(self) -> Mapping[str, Any]:
        counts = {
            name: sum(row[name] for row in self.rows) for name in ("read", "accepted", "quarantined", "duplicate")
        }
        return {"batches": len(self.batches), **counts, "samples": self.samples}

    def _tables(self) -> Tables:
        yield "Batches", [{name: row[name] for name in row if name != "missing"} for row in self.rows]
        yield "Left alone", [{"object": one.key, "reason": one.why} for one in self.left]


@dataclass(frozen=True, repr=False)
class AskResult(Displayed):
    """The samples that one ``ask`` put into the queue.

    Attributes:
        query: The ledger's record of the query; None when the queue was full, or every sample had been queried.
        asked: The number of new assignments by purpose (query, random, evaluation).
        waiting: The number of assignments in the queue.
        stopping: Whether more labels are likely to improve the model.
    """

    query: Query | None
    asked: Mapping[str, int]
    waiting: int
    stopping: Advice

    def _summary(self) -> Mapping[str, Any]:
        strategy = self.query.strategy if self.query else None
        return {"asked": sum(self.asked.values()), "strategy": strategy, "waiting": self.waiting}


@dataclass(frozen=True, repr=False)
class TrainResult(Displayed):
    """The outcome of one ``train``.

    Attributes:
        model: The ledger's record of the challenger; None when no training was due.
        due: Whether a training was due, and the reason.
        is_new: Whether this call fitted the model; False when the same labels and recipe had made it before.
    """

    model: Model | None
    due: Due
    is_new: bool

    def _summary(self) -> Mapping[str, Any]:
        if self.model is None:
            return {"model": None, "reason": self.due.why}
        facts = {"model": self.model.model_id[:8], "candidate": self.model.recipe.get("candidate")}
        return {**facts, "new": self.is_new, **self.model.metrics}


@dataclass(frozen=True, repr=False)
class JudgeResult(Displayed):
    """The outcome of one ``judge``.

    Attributes:
        verdict: The ledger's record of the verdict; None when no challenger awaited one.
    """

    verdict: Verdict | None

    @property
    def decision(self) -> str | None:
        """``promote`` or ``keep``; None without a verdict."""
        return self.verdict.decision if self.verdict else None

    def _summary(self) -> Mapping[str, Any]:
        if self.verdict is None:
            return {"verdict": None}
        facts = {"verdict": self.verdict.verdict_id[:8], "decision": self.verdict.decision}
        return {**facts, "gain": interval_text(self.verdict.gain, signed=True), "reason": self.verdict.reason}

    def _tables(self) -> Tables:
        if self.verdict is not None:
            yield "Checks", check_rows(self.verdict.checks)


@dataclass(frozen=True, repr=False)
class MoveResult(Displayed):
    """The champion after ``promote``, ``approve`` or ``rollback``.

    Attributes:
        promotion: The ledger's record of the last move; None when no model was promoted so far.
        annotations: The number of annotations in the ledger: no move deletes one.
        approval: The recorded answer of a person, after ``approve``.
    """

    promotion: Promotion | None
    annotations: int
    approval: Approval | None = None

    def _summary(self) -> Mapping[str, Any]:
        if self.promotion is None:
            return {"champion": None}
        facts = {"champion": self.promotion.model_id[:8], "kind": self.promotion.kind, "by": self.promotion.actor}
        return {**facts, "annotations": self.annotations}


@dataclass(frozen=True, repr=False)
class RunResult(Displayed):
    """What one ``run`` did.

    Attributes:
        steps: A row for each step: its name, the number of new records, and a sentence.
    """

    steps: list[dict[str, Any]]

    def _summary(self) -> Mapping[str, Any]:
        return {line["step"]: line["done"] for line in self.steps}

    def _tables(self) -> Tables:
        yield "Steps", [{"step": line["step"], "what happened": line["what"]} for line in self.steps]


@dataclass(frozen=True, repr=False)
class AnnotateResult(Displayed):
    """The outcome of one ``annotate``; each row of the data frame is counted once.

    Attributes:
        stored: Rows that are new annotations now.
        known: Rows that repeat the annotator's newest annotation of their sample; nothing was stored for them.
        unlabeled: Rows without a label and without an act.
    """

    stored: int
    known: int
    unlabeled: int

    def _summary(self) -> Mapping[str, Any]:
        return {"stored": self.stored, "known": self.known, "unlabeled": self.unlabeled}


@dataclass(frozen=True, repr=False)
class ImportResult(Displayed):
    """The outcome of one ``import_labels``.

    Attributes:
        imported: The counts and the refused lines; see :class:`tiltyard.labels.files.file_format.Imported`.
    """

    imported: Imported

    def _summary(self) -> Mapping[str, Any]:
        one = self.imported
        return {"lines": one.lines, "stored": one.stored, "known": one.known, "refused": len(one.refused)}

    def _tables(self) -> Tables:
        yield "Refused", [{"line": one.line, "reason": one.why} for one in self.imported.refused]


@dataclass(frozen=True, repr=False)
class VerifyResult(Displayed):
    """The outcome of one ``verify``; it is true when nothing is wrong.

    Attributes:
        checked: The number of things that were compared, by kind.
        problems: A sentence for each difference.
        notes: A sentence for each thing that is sound but worth knowing.
    """

    checked: Mapping[str, int]
    problems: list[str]
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def __bool__(self) -> bool:
        """Whether nothing is wrong."""
        return self.sound

    def _summary(self) -> Mapping[str, Any]:
        return {"sound": self.sound, "problems": len(self.problems), "notes": len(self.notes)}

    def _tables(self) -> Tables:
        yield "Problems", [{"problem": one} for one in self.problems]
        yield "Checked", [{"kind": kind, "number": number} for kind, number in self.checked.items()]
