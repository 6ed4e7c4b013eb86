"""The watch's state: its counts, its last round, and the problem that stops it from working."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

Outcome = Literal["run_created", "known", "ignored", "dead_letter", "deferred", "received", "problem"]


@dataclass
class WatchState:
    """Written by the watch, read by its health server; each field is consistent by itself at any time."""

    stale_seconds: float
    started_at: datetime
    looked_at: datetime | None = None
    message_at: datetime | None = None
    is_waiting: bool = False
    problem: str | None = None
    counts: Counter[Outcome] = field(default_factory=lambda: Counter(dict.fromkeys(get_args(Outcome), 0)))

    def count(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.counts[outcome] += 1

    def is_alive(self, now: datetime) -> bool:
        """Whether rounds still take place, with or without success."""
        return (now - (self.looked_at or self.started_at)).total_seconds() < self.stale_seconds

    def is_healthy(self, now: datetime) -> bool:
        """Whether messages are handled, or wait only for runs to end."""
        return self.problem is None and self.looked_at is not None and self.is_alive(now)

    def as_data(self, now: datetime) -> dict[str, Any]:
        """The state as JSON."""
        return {
            "healthy": self.is_healthy(now),
            "problem": self.problem,
            "waiting_for_runs": self.is_waiting,
            "started_at": self.started_at.isoformat(),
            "looked_at": self.looked_at and self.looked_at.isoformat(),
            "message_at": self.message_at and self.message_at.isoformat(),
            "counts": dict(self.counts),
        }

    def metrics(self, now: datetime) -> str:
        """The state in Prometheus's text format."""
        lines = ["# TYPE tiltyard_watch_total counter"]
        lines += [f'tiltyard_watch_total{{what="{name}"}} {count}' for name, count in sorted(self.counts.items())]
        gauges = {"healthy": int(self.is_healthy(now)), "waiting_for_runs": int(self.is_waiting)}
        for name, value in gauges.items():
            lines += [f"# TYPE tiltyard_watch_{name} gauge", f"tiltyard_watch_{name} {value}"]
        return "\n".join(lines) + "\n"
