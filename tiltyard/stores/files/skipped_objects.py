"""Skipped objects, reported once and recorded: links, pipes, half-written files, oversized files."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from tiltyard.schemas.canonical import digest
from tiltyard.stores.files.local import Files


@dataclass(frozen=True, slots=True)
class SkippedObject:
    """Something in a source that is not a batch: its key (a folder ends in a slash) and the reason for skipping it."""

    source: str
    key: str
    why: str

    def __str__(self) -> str:
        """One sentence with key and reason."""
        return f"{self.key!r} was skipped: {self.why}"


class SkippedObjects:
    """Records of skipped objects, one file per run that skipped something new, so that each is reported once."""

    def __init__(self, files: Files) -> None:
        """Keep them in a store of immutable files."""
        self.files = files

    def all(self) -> list[SkippedObject]:
        """Everything that was ever skipped, sorted."""
        said = {
            SkippedObject(**one) for name in self.files.names() for one in json.loads(self.files.read(name))["left"]
        }
        return sorted(said, key=lambda one: (one.source, one.key, one.why))

    def add(self, left: Iterable[SkippedObject], now: datetime) -> list[SkippedObject]:
        """Record skipped objects; returns those that were not recorded before, to report them."""
        left = list(left)
        known = set(self.all()) if left else set()
        fresh = [one for one in dict.fromkeys(left) if one not in known]
        if fresh:
            content = {"at": now.isoformat(), "left": [asdict(one) for one in fresh]}
            self.files.write(f"{digest([asdict(one) for one in fresh])[:32]}.json", json.dumps(content).encode())
        return fresh
