"""Copies of a bucket's files on this machine, so that what is read often is fetched once."""

import os
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Final

from tiltyard.stores.files.local import TEMPORARY, inside, sweep_folder, temporary_in

LEFT: Final = 0.9
"""How full a cache is after copies were dropped: the folder is looked through once for many files that are added."""


@dataclass(slots=True)
class Weight:
    """Bytes of all copies as far as this process knows; not known before it has looked."""

    known: float = inf


@dataclass(slots=True)
class FileCache:
    """A folder of copies, at most so many bytes of them in all; what was not used for longest goes first.

    Each store has a part of it. A copy is used through a second link to it, so that another process may drop it at
    any moment. Since stored files never change, a copy is never out of date. Processes that fill one cache at once
    may go over by what the others added since each of them looked.
    """

    root: Path
    most_bytes: int
    part: str = ""
    weight: Weight = field(default_factory=Weight)

    def __post_init__(self) -> None:
        """Make the folder, if it is not there."""
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def folder(self) -> Path:
        """Where the copies of one store lie."""
        return self.root / self.part

    def of(self, part: str) -> "FileCache":
        """The part of one store; the room and what is known of it are shared by all."""
        return replace(self, part=part)

    def place(self, name: str) -> Path:
        """Where the copy of a file lies; a name that would leave its store is refused with NotFound."""
        return inside(self.folder, name)

    def temporary(self) -> Path:
        """A path for a file that is not whole yet, or for a link to a copy while it is used."""
        return temporary_in(self.folder)

    def link_to(self, name: str) -> Path | None:
        """A link of one's own to a copy, to be removed after use; None when there is no copy."""
        link = self.temporary()
        try:
            os.link(self.place(name), link)
        except FileNotFoundError:
            return None
        os.utime(link)  # both names have one file: the copy counts as used now
        return link

    def keep(self, written: Path, name: str) -> None:
        """Keep a whole file as a copy, and drop what is too much. The file stays where it was, too."""
        place, link = self.place(name), self.temporary()
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(written, link)
        link.replace(place)
        # When both names are links to one file already, the rename does nothing and leaves this one.
        link.unlink(missing_ok=True)
        self.weight.known += written.stat().st_size
        if self.weight.known > self.most_bytes:
            self._shrink()

    def sweep(self) -> int:
        """Remove temporary files that a crash left in this part; returns how many. Only when nobody uses it."""
        return sweep_folder(self.folder)

    def _shrink(self) -> None:
        """Look through all copies, and drop those not used for longest if they are too much together."""
        copies = [path for path in self.root.rglob("*") if not path.name.startswith(TEMPORARY)]
        states = sorted(((_state(path), path) for path in copies), reverse=True)
        weight = sum(size for (_used, size), _path in states)
        room = self.most_bytes if weight <= self.most_bytes else self.most_bytes * LEFT
        self.weight.known = 0
        for (_used, size), path in states:
            if size and self.weight.known + size > room:
                path.unlink(missing_ok=True)
            else:
                self.weight.known += size


def _state(path: Path) -> tuple[int, int]:
    """When a copy was last used, and its size in bytes; zeros for a folder and for what is gone meanwhile."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, 0
    return (status.st_mtime_ns, status.st_size) if path.is_file() else (0, 0)
