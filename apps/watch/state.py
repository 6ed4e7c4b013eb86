"""How the watch stands: what it counted, when it last looked, and what keeps it from working."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

Outcome = Literal["run_created", "known", "ignored", "dead_letter", "deferred", "received", "problem"]


@dataclass
class Standing:
    """Written by the watch, read by its health page; each field by itself is whole at any time."""

    stale_seconds: float
    started_at: datetime
    looked_at: datetime | None = None
    message_at: datetime | None = None
    is_waiting: bool = False
    problem: str | None = None
    counts: Counter[Outcome] = field(default_factory=lambda: Counter(dict.fromkeys(get_args(Outcome), 0)))

    def count(self, outcome: Outcome) -> None:
        """One more of a kind."""
        self.counts[outcome] += 1

    def is_alive(self, now: datetime) -> bool:
        """Whether it still goes round, with or without success."""
        return (now - (self.looked_at or self.started_at)).total_seconds() < self.stale_seconds

    def is_healthy(self, now: datetime) -> bool:
        """Whether messages are taken in, or wait only for runs to end."""
        return self.problem is None and self.looked_at is not None and self.is_alive(now)

    def told(self, now: datetime) -> dict[str, Any]:
        """All of it as JSON."""
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
        """All of it as Prometheus reads it."""
        lines = ["# TYPE tiltyard_watch_total counter"]
        lines += [f'tiltyard_watch_total{{what="{name}"}} {count}' for name, count in sorted(self.counts.items())]
        gauges = {"healthy": int(self.is_healthy(now)), "waiting_for_runs": int(self.is_waiting)}
        for name, value in gauges.items():
            lines += [f"# TYPE tiltyard_watch_{name} gauge", f"tiltyard_watch_{name} {value}"]
        return "\n".join(lines) + "\n"
