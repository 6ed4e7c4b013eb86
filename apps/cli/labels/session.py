"""One annotator's labeling session: samples are leased, annotations stored one by one."""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from tiltyard.apps.cli.labels.answer_keys import ParsedAnswer
from tiltyard.schemas.records import Annotation, AnnotationId, Assignment, NewAnnotation

if TYPE_CHECKING:
    from tiltyard.workspace.workspace import Workspace


class Session:
    """The current sample, the annotations stored so far, and undo."""

    def __init__(self, workspace: "Workspace", annotator: str) -> None:
        """Begin a session of an annotator."""
        self.workspace = workspace
        self.annotator = annotator
        self.current: Assignment | None = None
        self._stored: list[tuple[Assignment, Annotation]] = []
        self._undone: list[Assignment] = []
        self._corrects: dict[str, AnnotationId] = {}
        self._others: Counter[str] = Counter()

    @property
    def answered(self) -> int:
        """The number of samples labeled or skipped, without those undone."""
        return len(self._stored)

    def take_next(self) -> bool:
        """Make the next sample current: the last one undone, else the queue's next; whether there is one."""
        if self._undone:
            self.current = self._undone.pop()
        else:
            self.current = self._lease_next()
        return self.current is not None

    def _lease_next(self) -> Assignment | None:
        """The queue's next sample, a gold one when one is due."""
        ledger, now = self.workspace.ledger, self.workspace.clock()
        labeling = self.workspace.project.labeling
        project = self.workspace.project
        ledger.gold.ask_if_due(self.annotator, now, labeling.gold_share, project.seed, project.names.answerable)
        leased = ledger.assignments.lease(self.annotator, now, term=timedelta(minutes=labeling.lease_minutes))
        return leased[0] if leased else None

    def waiting(self) -> int:
        """The number of open assignments, including the current one."""
        return self.workspace.ledger.assignments.waiting_count()

    def answer(self, answer: ParsedAnswer, lead_ms: int) -> None:
        """Store an annotation of the current sample; it is on disk when this returns."""
        assert self.current is not None
        assert answer.act == "label" or answer.act == "skip" or answer.act == "cant_tell"
        stored = self._submit(self.current, answer.act, label=answer.label, lead_ms=lead_ms)
        self._stored.append((self.current, stored))
        self.current = None

    def flag(self, note: str) -> None:
        """Store a flag on the current sample, which stays current."""
        assert self.current is not None
        self._submit(self.current, "flag", note=note)
        self._others["flag"] += 1

    def undo(self) -> bool:
        """Withdraw the last annotation; its sample comes next, then the current one. Whether there was one."""
        if not self._stored:
            return False
        assignment, stored = self._stored.pop()
        withdrawal = self._submit(assignment, "withdraw", supersedes=stored.annotation_id)
        self._corrects[assignment.assignment_id] = withdrawal.annotation_id
        self._others["withdraw"] += 1
        if self.current is not None:
            self._undone.append(self.current)
        self._undone.append(assignment)
        self.current = None
        return True

    def end(self) -> None:
        """Release the leases of unlabeled samples, and seal what was stored."""
        self.workspace.ledger.assignments.release(self.annotator)
        self.workspace.ledger.segments.seal(self.workspace.clock())

    def summary(self) -> dict[str, Any]:
        """What was done in this session, and whether a training is due."""
        from tiltyard.workspace.triggers import check_training_due

        acts = Counter(stored.act for _, stored in self._stored)
        return {
            "annotator": self.annotator,
            "acts": dict(acts) | dict(self._others),
            "waiting": self.waiting(),
            "training": check_training_due(self.workspace),
        }

    def _submit(
        self, assignment: Assignment, act: Literal["label", "skip", "cant_tell", "flag", "withdraw"], **fields: Any
    ) -> Annotation:
        """Check and store one annotation on a sample."""
        from tiltyard.labels.annotations import check_annotation

        workspace, now = self.workspace, self.workspace.clock()
        fields.setdefault("supersedes", self._corrects.get(assignment.assignment_id))
        new = NewAnnotation(
            client_key=uuid4().hex,
            annotator=self.annotator,
            act=act,
            sample_id=assignment.sample_id,
            payload=assignment.payload,
            said_at=now,
            assignment_id=assignment.assignment_id,
            origin="terminal",
            suggestion=assignment.suggestion.label if assignment.suggestion else None,
            guidelines_hash=workspace.project.guidelines_hash,
            **fields,
        )
        new = check_annotation(new, workspace.project)
        submit, labeling = workspace.ledger.annotations.submit, workspace.project.labeling
        return submit([new], contract_hash=workspace.contract_hash, now=now, labeling=labeling)[0]
