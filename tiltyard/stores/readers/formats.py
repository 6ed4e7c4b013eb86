"""The one place where readers are registered: a new format is a function and a line in each table."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tiltyard.stores.readers.csv_strict import read_csv
from tiltyard.stores.readers.handover import Handover, Request
from tiltyard.stores.readers.json_lines import read_json, read_jsonl

Reader = Callable[[Path, Request, Handover], list[str]]
"""Takes a plain file, hands over its rows, gives the names of its columns."""


def _read_parquet(path: Path, request: Request, handover: Handover) -> list[str]:
    """Hand over a Parquet file's rows."""
    # Every object is read in a process of its own, and this brings a quarter of what its start would take.
    from tiltyard.stores.readers.parquet import read_parquet

    return read_parquet(path, request, handover)


READERS: Final[dict[str, Reader]] = {
    "csv": read_csv,
    "json": read_json,
    "jsonl": read_jsonl,
    "parquet": _read_parquet,
}
