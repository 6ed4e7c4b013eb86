"""What a project weighs on this machine, by kind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tiltyard.workspace.workspace import Workspace

KINDS: Final = {
    "objects": "objects",
    "pool": "pool",
    "quarantine": "quarantine",
    "labeled_sets": "labeled sets",
    "predictions": "predictions",
    "artifacts": "models",
    "segments": "ledger",
    "cache": "cache",
    "scores": "cache",
}
"""Disk usage of a workspace's folders; files are classified by prefix."""
DATABASES: Final = {"ledger.db": "ledger", "mlflow.db": "mlflow"}
OTHER: Final = "other"


def disk_usage(workspace: Workspace) -> dict[str, int]:
    """The bytes of a workspace's files by kind, heaviest first; what buckets and other databases hold is not counted.

    A file that goes while it is counted weighs nothing.
    """
    found: dict[str, int] = {}
    for path in sorted(workspace.folder.iterdir()) if workspace.folder.is_dir() else ():
        kind = KINDS.get(path.name) or next((of for name, of in DATABASES.items() if path.name.startswith(name)), OTHER)
        found[kind] = found.get(kind, 0) + sum(_sizes(path))
    return {kind: size for kind, size in sorted(found.items(), key=lambda one: (-one[1], one[0])) if size}


def _sizes(path: Path) -> Iterator[int]:
    """The size of each file at or below a path."""
    if path.is_symlink():
        return
    try:
        if path.is_dir():
            for inner in list(path.iterdir()):
                yield from _sizes(inner)
        else:
            yield path.stat().st_size
    except OSError:
        return


def describe_usage(found: dict[str, int]) -> str:
    """Weights as a sentence.

    >>> describe_usage({"models": 12_300_000, "pool": 400})
    '12.3 MB: models 12.3 MB, pool 400 bytes'
    """
    if not found:
        return "nothing yet"
    return f"{format_bytes(sum(found.values()))}: " + ", ".join(
        f"{kind} {format_bytes(n)}" for kind, n in found.items()
    )


def format_bytes(number: int) -> str:
    """A number of bytes, short.

    >>> format_bytes(999), format_bytes(1500), format_bytes(2_000_000_000)
    ('999 bytes', '1.5 kB', '2.0 GB')
    """
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} bytes"
