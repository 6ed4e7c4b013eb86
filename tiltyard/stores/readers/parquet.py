"""Parquet: the footer's promises are checked before a page is read, and pages by their checksums."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tiltyard.ingest.column_names import match_header
from tiltyard.stores.readers.arrow_types import bearable, is_bytes, is_text, plain, undecodable
from tiltyard.stores.readers.handover import BLANKS, Handover, Refusal, Request, kept_columns

SHOWN_BYTES = 100
"""Bytes of a value that is not UTF-8 which a reason shows."""


def read_parquet(path: Path, request: Request, handover: Handover) -> list[str]:
    """Hand over a Parquet file's rows with the types they have; the names of its columns are the answer.

    Text is read as a dictionary in bounded batches, and refused when it would unfold to more than
    ``limits.max_bytes``: a small file can hold one huge text many times.
    """
    written = _header(path, handover)
    header = match_header(written, request.columns)
    kept = kept_columns(header, request)
    stored = [written[header.index(name)] for name in kept]
    with _opened(path, stored) as parquet:
        texts = 0
        for batch in parquet.iter_batches(batch_size=_batch_rows(handover), columns=stored, use_threads=False):
            texts += sum(_unfolded(column) for column in batch.columns)
            if texts > request.max_bytes:
                raise Refusal(f"its text unfolds to more than limits.max_bytes, {request.max_bytes:,}")
            columns = [
                bearable(plain(column), name, name in request.columns)
                for name, column in zip(kept, batch.select(stored).columns, strict=True)
            ]
            # Where not all columns are at hand, no row can be said to have no cell.
            _hand_over(_filled(columns, handover) if len(kept) == len(header) else columns, kept, request, handover)
    return header


def _filled(columns: list[pa.Array], handover: Handover) -> list[pa.Array]:
    """The columns without the rows that have no cell; counts those. One column alone may have empty cells."""
    if len(columns) < 2 or _has_cell(columns[0]).all():
        return columns
    filled = np.logical_or.reduce([_has_cell(column) for column in columns])
    handover.blank += int((~filled).sum())
    return [column.filter(pa.array(filled)) for column in columns]


def _has_cell(column: pa.Array) -> Any:
    """Whether each place of a column has a value: neither null nor NaN nor empty text."""
    there = column.is_valid()
    if is_text(column.type):
        empty = pc.equal(pc.ascii_trim(column, characters=BLANKS), "")
        there = pc.and_(there, pc.fill_null(pc.invert(empty), False))
    elif pa.types.is_floating(column.type):
        there = pc.and_(there, pc.fill_null(pc.invert(pc.is_nan(column)), False))
    return there.to_numpy(zero_copy_only=False)


def _hand_over(columns: list[pa.Array], kept: list[str], request: Request, handover: Handover) -> None:
    """Hand over a batch's rows, whose types polars takes; rows with text that is not UTF-8 are handed over as bad."""
    count = len(columns[0]) if columns else 0
    numbers = list(handover.numbers(count))
    bad: dict[int, tuple[str, bytes]] = {}
    for name, column in zip(kept, columns, strict=True):
        if name in request.columns or not is_bytes(column.type):
            bad = {place: (name, value) for place, value in undecodable(column)} | bad
    for place, (name, value) in sorted(bad.items()):
        shown = f"{name}: {value[:SHOWN_BYTES]!r}"
        handover.reject(numbers[place], None, ("text in UTF-8, not binary data", shown), shown)
    sound = [place for place in range(count) if place not in bad]
    rows = [column.take(pa.array(sound, pa.int64())) if bad else column for column in columns]
    texts = [_as_text(column) if name in request.columns else column for name, column in zip(kept, rows, strict=True)]
    handover.take(pa.record_batch(texts, names=kept), [numbers[place] for place in sound], [None] * len(sound))


def _as_text(column: pa.Array) -> pa.Array:
    """Bytes that are known to be UTF-8 as text: some writers do not say that a column is text."""
    return column.cast(pa.large_string()) if is_bytes(column.type) else column


def _header(path: Path, handover: Handover) -> list[str]:
    """The names of the columns, once the footer keeps the limits."""
    with pq.ParquetFile(path) as parquet:
        rows, names = parquet.metadata.num_rows, parquet.schema_arrow.names
    if rows < 0:
        raise Refusal(f"its footer says {rows} rows")
    handover.check_width(len(names))
    handover.check_rows(rows)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refusal(f"columns that stand more than once: {', '.join(map(repr, twice[:10]))}")
    return list(names)


def _opened(path: Path, kept: list[str]) -> pq.ParquetFile:
    """The file with its text columns as dictionaries and its page checksums on."""
    with pq.ParquetFile(path) as parquet:
        schema = parquet.schema_arrow
    texts = [name for name in kept if is_text(schema.field(name).type)]
    return pq.ParquetFile(path, read_dictionary=texts, page_checksum_verification=True, pre_buffer=False)


def _batch_rows(handover: Handover) -> int:
    """Rows a batch: few enough to bound memory."""
    return min(65_536, handover.batch_rows)


def _unfolded(column: pa.Array) -> int:
    """The bytes that a column's text or bytes take without a dictionary; 0 for other types."""
    if pa.types.is_dictionary(column.type):
        lengths = column.dictionary
        if not (is_text(lengths.type) or pa.types.is_large_binary(lengths.type) or pa.types.is_binary(lengths.type)):
            return 0
        each = pc.take(pc.binary_length(lengths), column.indices)
        return pc.sum(pc.cast(each, pa.int64())).as_py() or 0
    return int(column.nbytes) if not pa.types.is_primitive(column.type) else 0
