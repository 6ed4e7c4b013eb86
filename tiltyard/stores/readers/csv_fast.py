"""CSV without a single quote in it, where a line is a row: pyarrow's parser, many times faster than a strict one.

Everything that pyarrow would be lenient about (quotes, empty lines, lone carriage returns) is looked for first and
left to ``delimited``; a test holds both to the same answer.
"""

import mmap
import re
from collections import deque
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from tiltyard.stores.readers.handover import Handover, Request

CHUNK: Final = 1 << 22
NEWLINE: Final = ord("\n")
RETURN: Final = ord("\r")
BOM: Final = b"\xef\xbb\xbf"


def longest_line(path: Path, request: Request) -> int | None:
    """The bytes of the longest line of a file that this reader may read; None for one that it may not."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if len(request.delimiter.encode()) > 1 or content.find(request.quote.encode()) >= 0:
            return None
        is_marked = request.escape and content.find(request.escape.encode()) >= 0
        if is_marked or _has_blank_rows(content, request.delimiter):
            return None
        found = [_line_ends(content, at) for at in range(0, len(content), CHUNK)]
        begins = len(BOM) if content[: len(BOM)] == BOM else 0
        ends = np.concatenate([[begins - 1], *(ends for ends, _ in found), [len(content)]])
    if len(ends) < 4:  # a header with nothing after it is an error to pyarrow
        return None
    lengths, returns = np.diff(ends), {kind for _, kind in found}
    # A line that is only a line ending is empty, and not a row; only the last line may be empty.
    shortest = int(lengths[:-1].min(initial=CHUNK))
    safe = shortest > 1 if returns == {"none"} else shortest > 2 and "alone" not in returns
    return int(lengths.max()) if safe else None


def _has_blank_rows(content: mmap.mmap, delimiter: str) -> bool:
    """Whether any line has no cell: such a line is not a row, and this parser counts every line as one."""
    # A line that begins with neither is most lines; the pattern is tried after line ends only.
    mark = re.escape(delimiter.encode())
    return re.search(rb"\n(?:[ \t]|" + mark + rb")+(?:\r?\n|\r?\Z)", content) is not None


def _line_ends(content: mmap.mmap, at: int) -> tuple[npt.NDArray[np.int64], str]:
    """Where lines end in a part of the file, and whether carriage returns occur alone, before line feeds, or not."""
    part = np.frombuffer(content[at : at + CHUNK + 1], np.uint8)
    own = part[:CHUNK]
    returns = np.flatnonzero(own == RETURN)
    follow = part[returns[returns + 1 < len(part)] + 1]
    alone = len(follow) < len(returns) or not bool((follow == NEWLINE).all())
    kind = "none" if not len(returns) else "alone" if alone else "before line ends"
    return np.flatnonzero(own == NEWLINE) + at, kind


def read_csv_fast(path: Path, longest: int, request: Request, kept: dict[str, str], handover: Handover) -> None:
    """Hand over the rows of a file whose longest line is known; rows of the wrong width are bad.

    ``kept`` has the columns to hand over, by the names that the file has for them.
    """
    ragged: deque[Any] = deque()
    block = max(CHUNK, 2 * longest)  # a line must fit in what is parsed at once
    with _opened(path, block, request.delimiter, list(kept), ragged) as reader:
        for batch in reader:
            named = batch.rename_columns(list(kept.values()))
            _take(_trimmed(named) if request.trim else named, ragged, handover)
    while ragged:
        _reject(ragged.popleft(), handover)


def _opened(path: Path, block: int, delimiter: str, kept: list[str], ragged: deque[Any]) -> pacsv.CSVStreamingReader:
    """The file as batches of text columns; rows of the wrong width are put aside, in their order."""

    def put_aside(row: Any) -> str:
        ragged.append(row)
        return "skip"

    return pacsv.open_csv(
        path,
        read_options=pacsv.ReadOptions(use_threads=False, block_size=block),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter,
            quote_char=False,
            double_quote=False,
            escape_char=False,
            newlines_in_values=False,
            invalid_row_handler=put_aside,
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(kept, pa.large_string()),
            include_columns=kept,
            strings_can_be_null=False,
            check_utf8=False,  # the whole file was checked before
        ),
    )


def _trimmed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch without spaces and tabs around its cells."""
    columns = [pc.utf8_trim(column, characters=" \t") for column in batch.columns]
    return pa.record_batch(columns, names=batch.schema.names)


def _take(batch: pa.RecordBatch, ragged: deque[Any], handover: Handover) -> None:
    """Hand over a batch, numbering its rows around the ragged ones among them; every line is a row."""
    if batch.num_rows == 0:
        return
    first, good = handover.read, np.arange(batch.num_rows)
    bad = np.array([row.number - 2 - first for row in ragged], dtype=np.int64)
    rows = first + good + np.searchsorted(bad - np.arange(len(bad)), good, side="right")
    handover.numbers(int(rows[-1]) + 1 - first)
    handover.take(batch, rows, rows + 2)
    while ragged and ragged[0].number - 2 < handover.read:
        _reject(ragged.popleft(), handover)


def _reject(row: Any, handover: Handover) -> None:
    """Hand over a ragged row; pyarrow numbers lines from 1, the header among them."""
    number = row.number - 2
    handover.numbers(max(0, number + 1 - handover.read))
    fault = (f"{row.expected_columns} fields", f"{row.actual_columns} fields")
    handover.reject(number, row.number, fault, row.text)
