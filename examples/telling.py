"""Telling a deal's story: deliveries arrive, the loop goes round, experts answer, a refused batch is let in."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

from tiltyard.examples.catalogue import Example, write_project
from tiltyard.examples.dealing import Deal, Delivery
from tiltyard.examples.expert import ScriptedExpert
from tiltyard.schemas.records import Annotation, Batch, NewAnnotation, ObjectId, Promotion, SampleId, Verdict
from tiltyard.stores.files import FileStore
from tiltyard.workspace.workspace import Workspace, open_workspace

RunLoop = Callable[[str], object]
"""Once round the loop for the project in a folder: the flow, or its steps alone."""

CheckAgain = Callable[[str, ObjectId], object]
"""Check an object once more, under today's contract: project folder and object id."""


@dataclass(frozen=True, slots=True)
class Day:
    """What arrives on one day; days on which nothing arrives are not told, and the others are numbered from 1."""

    number: int
    on: date
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What one day brought: the ledger's new batches, verdicts and moves, and the annotations it acknowledged."""

    day: Day
    batches: tuple[Batch, ...]
    verdicts: tuple[Verdict, ...]
    moves: tuple[Promotion, ...]
    annotations: tuple[Annotation, ...]
    mended: str
    labels: int


def days_of(deal: Deal) -> list[Day]:
    """The deal's deliveries by the day on which they arrive."""
    by_day = groupby(deal.deliveries, key=lambda delivery: delivery.at.date())
    return [Day(number, on, tuple(arriving)) for number, (on, arriving) in enumerate(by_day, start=1)]


class Telling:
    """A deal, told in a folder: the producer, the experts and whoever mends the project file.

    Every annotation that the ledger acknowledged is kept here too, so that at the end it can be said by somebody
    else than the ledger whether one was lost.
    """

    def __init__(self, example: Example, deal: Deal, folder: Path, go_round: RunLoop, check_again: CheckAgain) -> None:
        """Begin the project in a folder; nothing has arrived yet."""
        self.example, self.deal, self.folder = example, deal, folder
        self.acknowledged: dict[str, Annotation] = {}
        self._go_round, self._check_again = go_round, check_again
        write_project(example, folder)
        self._incoming = FileStore(folder / self.workspace.project.source.folder)

    @property
    def workspace(self) -> Workspace:
        """The project's stores, as its project file is now."""
        return open_workspace(self.folder)

    def tell(self, day: Day, experts: Iterable[ScriptedExpert]) -> Told:
        """Let one day happen: what arrives arrives, the loop goes once round, the experts empty the queue."""
        before = self._counts()
        for delivery in day.deliveries:
            self.deliver(delivery)
        self._go_round(str(self.folder))
        mended = self._mend_after(day)
        said = [annotation for expert in experts for annotation in self.answer_queue(expert)]
        return self._told(day, before, said, mended)

    def deliver(self, delivery: Delivery) -> None:
        """Put an object where the producer puts them; once more, when it was there before."""
        self._incoming.write(delivery.key, delivery.content)

    def answer_queue(self, expert: ScriptedExpert, most: int = 10_000) -> list[Annotation]:
        """The expert answers what waits, at most so many; what the ledger acknowledged."""
        now = self.workspace.clock()
        leased = self.workspace.ledger.assignments.lease(expert.name, now, most)
        return self.submit(expert.annotate(assignment, now) for assignment in leased)

    def submit(self, annotations: Iterable[NewAnnotation], marked: Iterable[SampleId] = ()) -> list[Annotation]:
        """Hand annotations in; what the ledger acknowledged, which is remembered here as well.

        ``marked`` names the samples of the evaluation set among those without an assignment.
        """
        workspace = self.workspace
        stored = workspace.ledger.annotations.submit(
            annotations, contract_hash=workspace.contract_hash, now=workspace.clock(), marked=marked
        )
        self.acknowledged.update({annotation.annotation_id: annotation for annotation in stored})
        return stored

    def _mend_after(self, day: Day) -> str:
        """Mend the project file when the day brought the batch that it refuses, and have that batch checked again."""
        mend, workspace = self.deal.mend, self.workspace
        if mend is None or mend.after not in {delivery.key for delivery in day.deliveries}:
            return ""
        keys = {landed.object_id: landed.key for landed in workspace.ledger.batches.objects()}
        refused = [batch for batch in workspace.ledger.batches.latest() if batch.state == "refused"]
        write_project(self.example, self.folder, changes=dict(mend.changes))
        for batch in refused:
            self._check_again(str(self.folder), batch.object_id)
        names = ", ".join(keys[batch.object_id] for batch in refused)
        return f"{names} checked again: {mend.why}" if names else ""

    def _counts(self) -> tuple[int, int, int]:
        """How many batches, verdicts and moves there are."""
        ledger = self.workspace.ledger
        return len(ledger.batches.all()), len(ledger.champions.verdicts()), len(ledger.champions.history())

    def _told(self, day: Day, before: tuple[int, int, int], said: list[Annotation], mended: str) -> Told:
        """What is new since."""
        ledger, (batches, verdicts, moves) = self.workspace.ledger, before
        return Told(
            day=day,
            batches=tuple(ledger.batches.all()[batches:]),
            verdicts=tuple(ledger.champions.verdicts()[verdicts:]),
            moves=tuple(ledger.champions.history()[moves:]),
            annotations=tuple(said),
            mended=mended,
            labels=ledger.annotations.count(),
        )


def told_days(telling: Telling, experts: Iterable[ScriptedExpert]) -> Iterator[Told]:
    """The whole deal, day after day, with the same experts every day."""
    everyone = tuple(experts)
    for day in days_of(telling.deal):
        yield telling.tell(day, everyone)
