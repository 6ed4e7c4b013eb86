"""Copies of a bucket's files on this machine, so that what is read often is fetched once."""

import os
from pathlib import Path

from tiltyard.stores.files import TEMPORARY, inside, sweep_folder, temporary_in


class FileCache:
    """A folder of copies, at most so many bytes; what was not used for longest goes first.

    A copy is used through a second link to it, so that another process may drop it at any moment. Since stored files
    never change, a copy is never out of date.
    """

    def __init__(self, root: Path, most_bytes: int) -> None:
        """Keep copies in a folder, making it if it is not there."""
        self.root = root
        self.most_bytes = most_bytes
        root.mkdir(parents=True, exist_ok=True)

    def temporary(self) -> Path:
        """A path for a file that is not whole yet, or for a link to a copy while it is used."""
        return temporary_in(self.root)

    def place(self, folder: str, name: str) -> Path:
        """Where the copy of a file lies; a name that would leave its folder is refused with NotFound."""
        return inside(self.root / folder, name)

    def link_to(self, place: Path) -> Path | None:
        """A link of one's own to a copy, to be removed after use; None when there is no copy."""
        link = self.temporary()
        try:
            os.link(place, link)
        except FileNotFoundError:
            return None
        os.utime(link)  # both names have one file: the copy counts as used now
        return link

    def keep(self, written: Path, place: Path) -> None:
        """Keep a whole file as a copy, and drop what is too much. The file stays where it was, too."""
        place.parent.mkdir(parents=True, exist_ok=True)
        link = self.temporary()
        os.link(written, link)
        link.replace(place)
        # When both names are links to one file already, the rename does nothing and leaves this one.
        link.unlink(missing_ok=True)
        self._shrink()

    def sweep(self) -> int:
        """Remove temporary files that a crash left; returns how many. Only when nobody else is at work."""
        return sweep_folder(self.root)

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
