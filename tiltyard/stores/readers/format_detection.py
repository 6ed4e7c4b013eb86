"""What an object's name says about its format; imports no reader, since the parent asks too."""

from pathlib import PurePosixPath
from typing import Final

from tiltyard.ingest.raw_batch import Written
from tiltyard.schemas.errors import ObjectError

ENDINGS: Final = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd"}
WRITTEN: Final[dict[str, Written]] = {"csv": "text", "json": "json", "jsonl": "json", "parquet": "typed"}


def detect_format(name: str, declared: str) -> tuple[str, str]:
    """An object's format and compression (empty for none) by its name's endings; a declared format goes first.

    Raises ObjectError for an ending that is not known.

    >>> detect_format("2024-01.csv.gz", "auto")
    ('csv', 'gzip')
    >>> detect_format("dump.dat", "jsonl")
    ('jsonl', '')
    """
    path = PurePosixPath(name.lower())
    compression = COMPRESSIONS.get(path.suffix, "")
    ending = PurePosixPath(path.stem).suffix if compression else path.suffix
    found = ENDINGS.get(ending, "") if declared == "auto" else declared
    if not found:
        known = ", ".join(
            [*ENDINGS, *(f"{ending}{squeezed}" for ending in (".csv", ".jsonl") for squeezed in COMPRESSIONS)]
        )
        raise ObjectError(f"{name!r}: the ending {ending!r} is not known ({known}); or set source.format")
    return found, compression
