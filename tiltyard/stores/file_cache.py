"""Copies of a bucket's files on this machine, so that what is read often is fetched once."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from tiltyard.stores.files import TEMPORARY, inside, sweep_folder, temporary_in


@dataclass(slots=True)
class FileCache:
    """A folder of copies, at most so many bytes of them in all; what was not used for longest goes first.

    Each store has a part of it. A copy is used through a second link to it, so that another process may drop it at
    any moment. Since stored files never change, a copy is never out of date.
    """

    root: Path
    most_bytes: int
    part: str = ""

    def __post_init__(self) -> None:
        """Make the folder, if it is not there."""
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def folder(self) -> Path:
        """Where the copies of one store lie."""
        return self.root / self.part

    def of(self, part: str) -> "FileCache":
        """The part of one store; the room is shared by all."""
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
        self._shrink()

    def sweep(self) -> int:
        """Remove temporary files that a crash left in this part; returns how many. Only when nobody uses it."""
        return sweep_folder(self.folder)

    def _shrink(self) -> None:
        """Drop the copies that were not used for longest, until the rest is small enough."""
        copies = [path for path in self.root.rglob("*") if not path.name.startswith(TEMPORARY)]
        states = sorted(((_state(path), path) for path in copies), reverse=True)
        total = 0
        for (_used, size), path in states:
            total += size
            if total > self.most_bytes and size:
                path.unlink(missing_ok=True)


def _state(path: Path) -> tuple[int, int]:
    """When a copy was last used, and its size in bytes; zeros for a folder and for what is gone meanwhile."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, 0
    return (status.st_mtime_ns, status.st_size) if path.is_file() else (0, 0)
