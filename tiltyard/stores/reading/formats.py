"""The one place where readers are registered: a new format is a function and a line in each table."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tiltyard.stores.reading.delimited import read_csv
from tiltyard.stores.reading.handover import Handover, Request
from tiltyard.stores.reading.json_rows import read_json, read_jsonl
from tiltyard.stores.reading.parquet_rows import read_parquet

Reader = Callable[[Path, Request, Handover], list[str]]
"""Takes a plain file, hands over its rows, gives the names of its columns."""

READERS: Final[dict[str, Reader]] = {
    "csv": read_csv,
    "json": read_json,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
}
