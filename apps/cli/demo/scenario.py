"""The demo's scenario: what people do on which day, in addition to the faults in the example's deliveries."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from tiltyard.apps.cli.demo.invariants import check_guarantees
from tiltyard.apps.cli.demo.outcome import DemoRun
from tiltyard.apps.cli.demo.screen import Screen
from tiltyard.examples.catalogue import EXAMPLES
from tiltyard.examples.expert import ScriptedExpert
from tiltyard.examples.random_choice import curves
from tiltyard.examples.simulation import Day, Simulation, group_by_day
from tiltyard.flows.roll_back import roll_back
from tiltyard.flows.whole_cycle import whole_cycle
from tiltyard.project.steps.embedded_prefect import embedded
from tiltyard.reports.html.project_data import Beside, Finding
from tiltyard.reports.html.project_page import write_report
from tiltyard.schemas.records import Annotation, NewAnnotation, SampleId
from tiltyard.tasks.ingest.check_batch import check_batch

BAD_DAY: Final = 3
"""The day on which a newcomer mislabels most of the queue; a day later the expert corrects it."""

ERRORS: Final = 0.8
ROLL_BACK_DAY: Final = 12
"""From this day on, as soon as there is a previous champion, the operator rolls back once."""

REASON: Final = "the counter reports wrong readings since the change"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The folder, the random seed, the number of days, and the start time for the duration."""

    folder: Path
    seed: int
    days: int | None
    began: float


def run_scenario(plan: DemoOptions, screen: Screen, server: Future[None]) -> DemoRun:
    """Run the days, check the guarantees, and write the report; ``server`` is done when Prefect's server is ready."""
    example = EXAMPLES["digits"]
    simulation = Simulation(example, example.deal(plan.seed), plan.folder, whole_cycle, check_batch.fn)
    run = DemoRun(simulation)
    screen.doing("setting up a ledger, MLflow and a Prefect server for the demo")
    simulation.workspace.ledger.position()
    simulation.workspace.registry.close_stale_runs()
    server.result()
    with embedded():
        for day in islice(group_by_day(simulation.deal), plan.days):
            screen.doing(f"day {day.number}: {', '.join(one.key for one in day.deliveries)}")
            run.days.append(simulation.run_day(day, [_expert(run, day, plan.seed)]))
            _act_outside_loop(run, day)
            screen.day(run.days[-1], simulation.workspace, run.notes.get(day.number, []))
        screen.doing("the last run: training on every label given so far")
        last = run.days[-1].day
        run.days.append(simulation.run_day(Day(last.number + 1, last.on + timedelta(days=1), ()), []))
        screen.day(run.days[-1], simulation.workspace, ["nothing arrives; training uses the last labels"])
        run.checks = check_guarantees(simulation, run.days, whole_cycle, screen.doing)
    screen.doing("fitting the same recipes on randomly chosen labels")
    beside = _beside(run, plan.seed)
    run.report = write_report(simulation.workspace, plan.folder / "report.html", beside)
    run.seconds = time.monotonic() - plan.began
    return run


def _expert(run: DemoRun, day: Day, seed: int) -> ScriptedExpert:
    """The expert who labels the queue on a day."""
    deal = run.simulation.deal
    if day.number == BAD_DAY:
        run.note(day.number, "a newcomer labels the queue and gets most of it wrong")
        return ScriptedExpert(deal.answers, deal.reference, "newcomer", error_rate=ERRORS, seed=seed)
    return ScriptedExpert(deal.answers, deal.reference, "expert", seed=seed)


def _act_outside_loop(run: DemoRun, day: Day) -> None:
    """What people do on a day in addition to labeling the queue."""
    if day.number == BAD_DAY + 1:
        corrected = _correct(run.simulation, run.days[-2].annotations)
        run.note(day.number, f"the expert corrects {corrected} labels of the newcomer; both stay in the ledger")
    champion = run.simulation.workspace.ledger.champions.current()
    if day.number >= ROLL_BACK_DAY and champion and champion.previous_id and not run.rolled_back:
        number = roll_back(str(run.simulation.folder), "operator", REASON)
        run.rolled_back = True
        run.note(day.number, f"the operator rolls back (move {number}): {REASON}")


def _correct(simulation: Simulation, annotations: Iterable[Annotation]) -> int:
    """Supersede wrong labels with right ones, as new annotations; the number of corrections."""
    wrong = [one for one in annotations if one.label != _truth(simulation, one)]
    marked = [SampleId(one.sample_id) for one in wrong if one.purpose == "evaluation"]
    return len(simulation.submit(_corrections(simulation, wrong), marked))


def _corrections(simulation: Simulation, wrong: Iterable[Annotation]) -> Iterator[NewAnnotation]:
    """A new annotation for each wrong one."""
    for one in wrong:
        yield NewAnnotation(
            client_key=f"correction of {one.annotation_id}",
            annotator="expert",
            act="adjudicate",
            sample_id=one.sample_id,
            payload=one.payload,
            said_at=simulation.workspace.clock(),
            label=_truth(simulation, one),
            note="the newcomer mistook it for another digit",
            supersedes=one.annotation_id,
        )


def _truth(simulation: Simulation, annotation: Annotation) -> str:
    """The true label of an annotated sample."""
    return simulation.deal.answers[str(annotation.payload[simulation.deal.reference])]


def _beside(run: DemoRun, seed: int) -> Beside:
    """What the report shows in addition to the ledger: the checks, and the curve of random selection."""
    simulation = run.simulation
    findings = tuple(Finding(f"{one.name}: {one.title}", one.holds, one.sentence) for one in run.checks)
    if not simulation.workspace.ledger.models.all():
        return Beside(findings)
    return Beside(findings, curves(simulation.workspace, simulation.deal, seed))
