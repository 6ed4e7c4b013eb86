"""An example told to its end: every delivery arrives, the loop goes round, a scripted expert answers the queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.crash.story import go_round
from tests.projects.small_project import put_object
from tiltyard.examples.catalogue import EXAMPLES, Example, write_project
from tiltyard.examples.dealing import Deal, Delivery, laid_over
from tiltyard.examples.expert import ScriptedExpert
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.schemas.records import Annotation, Batch, LabeledSet
from tiltyard.tasks.ingest.check_batch import check_batch
from tiltyard.tasks.models.roll_back_champion import roll_back_champion
from tiltyard.workspace.workspace import Workspace, open_workspace

LATER = timedelta(minutes=5)


@dataclass
class Story:
    """One example's project in a folder; ``acknowledged`` has every annotation as the ledger first gave it back."""

    example: Example
    deal: Deal
    folder: Path
    changes: Mapping[str, Any] = field(default_factory=dict)
    acknowledged: list[Annotation] = field(default_factory=list)
    retried: Batch | None = None

    def __post_init__(self) -> None:
        write_project(self.example, self.folder, changes=dict(self.changes))

    @property
    def workspace(self) -> Workspace:
        """The workspace as any process would open it."""
        return open_workspace(self.folder)

    @property
    def expert(self) -> ScriptedExpert:
        """The one who answers; it never errs."""
        return ScriptedExpert(self.deal.answers, self.deal.reference)

    def tell(self, deliveries: int | None = None) -> "Story":
        """Go round once per delivery, mending the project file after the batch that it refuses."""
        for delivery in self.deal.deliveries[:deliveries]:
            self.round(delivery)
            if self.deal.mend and delivery.key == self.deal.mend.after:
                self.mend()
            self.answer(delivery.at + LATER)
        return self

    def round(self, delivery: Delivery | None = None) -> None:
        """One delivery arrives, if there is one, and the loop goes round."""
        if delivery is not None:
            put_object(self.workspace.source, delivery.key, delivery.content)
        go_round(str(self.folder))

    def mend(self) -> None:
        """Lay the mend over the project file and check the refused batch again."""
        assert self.deal.mend is not None
        refused = self.workspace.ledger.batches.all()[-1]
        write_project(self.example, self.folder, changes=laid_over(self.changes, self.deal.mend.changes))
        batch_id = check_batch.fn(str(self.folder), refused.object_id)
        self.retried = self.workspace.ledger.batches.get(batch_id)

    def answer(self, now: datetime) -> None:
        """The expert answers all that waits."""
        workspace = self.workspace
        waiting = workspace.ledger.assignments.lease(self.expert.name, now, 10_000)
        answers = [self.expert.annotate(assignment, now) for assignment in waiting]
        before = workspace.ledger.annotations.count()
        workspace.ledger.annotations.submit(answers, contract_hash=workspace.contract_hash, now=now)
        self.acknowledged += workspace.ledger.annotations.until()[before:]

    def roll_back(self) -> None:
        """A person goes back to the champion before."""
        roll_back_champion.fn(str(self.folder), "ada", "the branches complain")

    def lost(self) -> list[Annotation]:
        """Acknowledged annotations that the ledger does not hold any more as they were; must be none."""
        kept = {annotation.annotation_id: annotation for annotation in self.workspace.ledger.annotations.until()}
        return [one for one in self.acknowledged if kept.get(one.annotation_id) != one]

    def left_out(self, labeled: LabeledSet) -> set[str]:
        """Effective labels at a training set's position that it lacks, or holds without right; must be none."""
        annotations = self.workspace.ledger.annotations.until(labeled.position)
        rule = self.workspace.project.effective_label
        wanted = {str(label.sample_id) for label in effective_labels(annotations, rule) if not label.evaluation}
        return wanted ^ set(self.workspace.labeled_rows(labeled.set_id)["sample_id"])

    def trainings(self) -> list[LabeledSet]:
        """Every training set, first to last."""
        return [labeled for labeled in self.workspace.ledger.models.sets() if labeled.purpose == "training"]


def begin(name: str, folder: Path, made_rows: int, **changes: Any) -> Story:
    """The story of an example on its real data where that is at hand, else on a made sample."""
    example = EXAMPLES[name]
    deal = example.deal() if example.at_hand else example.made_sample(made_rows)
    return Story(example, deal, folder, changes)
