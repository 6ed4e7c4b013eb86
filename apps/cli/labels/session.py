"""One annotator's sitting at the queue: samples taken with a lease, answers stored one by one."""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from tiltyard.apps.cli.labels.answer_keys import Said
from tiltyard.schemas.records import Annotation, AnnotationId, Assignment, NewAnnotation

if TYPE_CHECKING:
    from tiltyard.workspace.workspace import Workspace


class Session:
    """The sample in hand, the answers given so far, and the way back."""

    def __init__(self, workspace: "Workspace", annotator: str) -> None:
        """Begin a sitting of an annotator."""
        self.workspace = workspace
        self.annotator = annotator
        self.current: Assignment | None = None
        self._given: list[tuple[Assignment, Annotation]] = []
        self._taken_back: list[Assignment] = []
        self._corrects: dict[str, AnnotationId] = {}
        self._others: Counter[str] = Counter()

    @property
    def answered(self) -> int:
        """How many samples were settled, those taken back left out."""
        return len(self._given)

    def take_next(self) -> bool:
        """Take the next sample in hand: the one taken back last, else the queue's next; whether there is one."""
        if self._taken_back:
            self.current = self._taken_back.pop()
        else:
            self.current = self._lease_next()
        return self.current is not None

    def _lease_next(self) -> Assignment | None:
        """The queue's next sample, a gold one when it is time for one."""
        ledger, now = self.workspace.ledger, self.workspace.clock()
        labeling = self.workspace.project.labeling
        project = self.workspace.project
        ledger.gold.ask_if_due(self.annotator, now, labeling.gold_share, project.seed, project.names.answerable)
        leased = ledger.assignments.lease(self.annotator, now, term=timedelta(minutes=labeling.lease_minutes))
        return leased[0] if leased else None

    def waiting(self) -> int:
        """How many assignments want an answer, the one in hand among them."""
        return self.workspace.ledger.assignments.waiting_count()

    def answer(self, said: Said, lead_ms: int) -> None:
        """Store the answer to the sample in hand; it is on disk when this returns."""
        assert self.current is not None
        assert said.act == "label" or said.act == "skip" or said.act == "cant_tell"
        stored = self._submit(self.current, said.act, label=said.label, lead_ms=lead_ms)
        self._given.append((self.current, stored))
        self.current = None

    def flag(self, note: str) -> None:
        """Store a flag on the sample in hand; it still wants an answer."""
        assert self.current is not None
        self._submit(self.current, "flag", note=note)
        self._others["flag"] += 1

    def undo(self) -> bool:
        """Withdraw the last answer; its sample comes next, then the one in hand. Whether there was one."""
        if not self._given:
            return False
        assignment, stored = self._given.pop()
        withdrawal = self._submit(assignment, "withdraw", supersedes=stored.annotation_id)
        self._corrects[assignment.assignment_id] = withdrawal.annotation_id
        self._others["withdraw"] += 1
        if self.current is not None:
            self._taken_back.append(self.current)
        self._taken_back.append(assignment)
        self.current = None
        return True

    def end(self) -> None:
        """Give back what is held unanswered, and seal what was stored."""
        self.workspace.ledger.assignments.release(self.annotator)
        self.workspace.ledger.segments.seal(self.workspace.clock())

    def summary(self) -> dict[str, Any]:
        """What was done in this sitting, and whether the next training is due."""
        from tiltyard.workspace.triggers import check_training_due

        acts = Counter(stored.act for _, stored in self._given)
        return {
            "annotator": self.annotator,
            "acts": dict(acts) | dict(self._others),
            "waiting": self.waiting(),
            "training": check_training_due(self.workspace),
        }

    def _submit(
        self, assignment: Assignment, act: Literal["label", "skip", "cant_tell", "flag", "withdraw"], **said: Any
    ) -> Annotation:
        """Check and store one annotation on a sample."""
        from tiltyard.labels.annotations import check_annotation

        workspace, now = self.workspace, self.workspace.clock()
        said.setdefault("supersedes", self._corrects.get(assignment.assignment_id))
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
            **said,
        )
        new = check_annotation(new, workspace.project)
        submit, labeling = workspace.ledger.annotations.submit, workspace.project.labeling
        return submit([new], contract_hash=workspace.contract_hash, now=now, labeling=labeling)[0]
