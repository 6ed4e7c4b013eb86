"""The outcome of a demo run: its days, its checks, and where its report is."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiltyard.apps.cli.demo.invariants import Check
from tiltyard.examples.simulation import DayResult, Simulation


@dataclass
class DemoRun:
    """What happened in a demo run, and the results of its checks."""

    simulation: Simulation
    days: list[DayResult] = field(default_factory=list)
    notes: dict[int, list[str]] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    rolled_back: bool = False
    report: Path = Path()
    seconds: float = 0.0

    def note(self, day: int, sentence: str) -> None:
        """Add a note on what people did on a day in addition to the loop."""
        self.notes.setdefault(day, []).append(sentence)

    def as_data(self) -> dict[str, Any]:
        """The outcome for --json."""
        from tiltyard.reports.tables import batch_rows, promotion_rows, verdict_row

        ledger = self.simulation.workspace.ledger
        objects = {landed.object_id: landed for landed in ledger.batches.objects()}
        return {
            "batches": batch_rows(ledger.batches.all(), objects),
            "verdicts": [verdict_row(verdict) for verdict in ledger.champions.verdicts()],
            "champions": promotion_rows(ledger.champions.history()),
            "acknowledged": len(self.simulation.acknowledged),
            "checks": self.checks,
            "holds": all(one.holds for one in self.checks),
            "report": self.report,
            "seconds": round(self.seconds, 1),
        }
