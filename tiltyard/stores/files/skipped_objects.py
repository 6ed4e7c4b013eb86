"""What lies among the objects and is left alone, told once and kept: links, pipes, half-written files, huge ones."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from tiltyard.schemas.canonical import digest
from tiltyard.stores.files.local import Files


@dataclass(frozen=True, slots=True)
class LeftObject:
    """Something in a source that is no batch: its key (or its folder, with a slash at the end) and why it was left."""

    source: str
    key: str
    why: str

    def __str__(self) -> str:
        """It as a sentence."""
        return f"{self.key!r} was left: {self.why}"


class LeftObjects:
    """What was left, a file per run that left something new: so each is said once."""

    def __init__(self, files: Files) -> None:
        """Keep them in a store of immutable files."""
        self.files = files

    def all(self) -> list[LeftObject]:
        """Everything that was ever left, sorted."""
        said = {LeftObject(**one) for name in self.files.names() for one in json.loads(self.files.read(name))["left"]}
        return sorted(said, key=lambda one: (one.source, one.key, one.why))

    def add(self, left: Iterable[LeftObject], now: datetime) -> list[LeftObject]:
        """Keep what was left; those among it that were not known before, which are to be told."""
        left = list(left)
        known = set(self.all()) if left else set()
        fresh = [one for one in dict.fromkeys(left) if one not in known]
        if fresh:
            content = {"at": now.isoformat(), "left": [asdict(one) for one in fresh]}
            self.files.write(f"{digest([asdict(one) for one in fresh])[:32]}.json", json.dumps(content).encode())
        return fresh
