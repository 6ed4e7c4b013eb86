"""Simulate an example's days: deliveries arrive, the loop runs, experts label, a refused batch is fixed."""

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
"""Runs the loop once for the project in a folder: as a flow, or only its steps."""

RecheckBatch = Callable[[str, ObjectId], object]
"""Checks an object again under the current contract: project folder and object id."""


@dataclass(frozen=True, slots=True)
class Day:
    """What arrives on one day; days without deliveries are left out, and the others are numbered from 1."""

    number: int
    on: date
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class DayResult:
    """The result of one day: the ledger's new batches, verdicts and moves, and the annotations it acknowledged."""

    day: Day
    batches: tuple[Batch, ...]
    verdicts: tuple[Verdict, ...]
    moves: tuple[Promotion, ...]
    annotations: tuple[Annotation, ...]
    fixed: str
    labels: int


def group_by_day(deal: Deal) -> list[Day]:
    """The deliveries, grouped by the day on which they arrive."""
    by_day = groupby(deal.deliveries, key=lambda delivery: delivery.at.date())
    return [Day(number, on, tuple(arriving)) for number, (on, arriving) in enumerate(by_day, start=1)]


class Simulation:
    """The simulated producer, experts and maintainer of a project in a folder.

    It also keeps every annotation that the ledger acknowledged, so that a check independent of the ledger can tell
    whether one was lost.
    """

    def __init__(self, example: Example, deal: Deal, folder: Path, run_loop: RunLoop, recheck: RecheckBatch) -> None:
        """Create the project in a folder; nothing has arrived yet."""
        self.example, self.deal, self.folder = example, deal, folder
        self.acknowledged: dict[str, Annotation] = {}
        self._run_loop, self._recheck = run_loop, recheck
        write_project(example, folder)
        self._incoming = FileStore(folder / self.workspace.project.source.folder)

    @property
    def workspace(self) -> Workspace:
        """The project's stores, as its project file is now."""
        return open_workspace(self.folder)

    def run_day(self, day: Day, experts: Iterable[ScriptedExpert]) -> DayResult:
        """Run one day: objects arrive, the loop runs once, the experts label the whole queue."""
        before = self._counts()
        for delivery in day.deliveries:
            self.deliver(delivery)
        self._run_loop(str(self.folder))
        fixed = self._fix_after(day)
        said = [annotation for expert in experts for annotation in self.answer_queue(expert)]
        return self._day_result(day, before, said, fixed)

    def deliver(self, delivery: Delivery) -> None:
        """Write an object into the source; again, if it was delivered before."""
        self._incoming.write(delivery.key, delivery.content)

    def answer_queue(self, expert: ScriptedExpert, most: int = 10_000) -> list[Annotation]:
        """Let an expert label at most ``most`` queued samples; the acknowledged annotations."""
        now = self.workspace.clock()
        leased = self.workspace.ledger.assignments.lease(expert.name, now, most)
        return self.submit(expert.annotate(assignment, now) for assignment in leased)

    def submit(self, annotations: Iterable[NewAnnotation], marked: Iterable[SampleId] = ()) -> list[Annotation]:
        """Submit annotations; those that the ledger acknowledged, which are kept here as well.

        ``marked`` names the samples of the evaluation set among those without an assignment.
        """
        workspace = self.workspace
        stored = workspace.ledger.annotations.submit(
            annotations, contract_hash=workspace.contract_hash, now=workspace.clock(), marked=marked
        )
        self.acknowledged.update({annotation.annotation_id: annotation for annotation in stored})
        return stored

    def _fix_after(self, day: Day) -> str:
        """Fix the project file on the day of the batch that it refuses, and check that batch again."""
        fix, workspace = self.deal.mend, self.workspace
        if fix is None or fix.after not in {delivery.key for delivery in day.deliveries}:
            return ""
        keys = {landed.object_id: landed.key for landed in workspace.ledger.batches.objects()}
        refused = [batch for batch in workspace.ledger.batches.latest() if batch.state == "refused"]
        write_project(self.example, self.folder, changes=dict(fix.changes))
        for batch in refused:
            self._recheck(str(self.folder), batch.object_id)
        names = ", ".join(keys[batch.object_id] for batch in refused)
        return f"{names} checked again: {fix.why}" if names else ""

    def _counts(self) -> tuple[int, int, int]:
        """The numbers of batches, verdicts and moves."""
        ledger = self.workspace.ledger
        return len(ledger.batches.all()), len(ledger.champions.verdicts()), len(ledger.champions.history())

    def _day_result(self, day: Day, before: tuple[int, int, int], said: list[Annotation], fixed: str) -> DayResult:
        """Everything new since ``before``."""
        ledger, (batches, verdicts, moves) = self.workspace.ledger, before
        return DayResult(
            day=day,
            batches=tuple(ledger.batches.all()[batches:]),
            verdicts=tuple(ledger.champions.verdicts()[verdicts:]),
            moves=tuple(ledger.champions.history()[moves:]),
            annotations=tuple(said),
            fixed=fixed,
            labels=ledger.annotations.count(),
        )


def simulate_days(simulation: Simulation, experts: Iterable[ScriptedExpert]) -> Iterator[DayResult]:
    """Run all days with the same experts."""
    everyone = tuple(experts)
    for day in group_by_day(simulation.deal):
        yield simulation.run_day(day, everyone)
