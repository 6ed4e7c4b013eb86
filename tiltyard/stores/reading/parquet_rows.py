"""Parquet: the footer's promises are checked before a page is read, and pages by their checksums."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tiltyard.stores.reading.handover import Handover, Refusal, Request, kept_columns


def read_parquet(path: Path, request: Request, handover: Handover) -> list[str]:
    """Hand over a Parquet file's rows with the types they have; the names of its columns are the answer.

    Text is read as a dictionary in bounded batches, and refused when it would unfold to more than
    ``limits.max_bytes``: a small file can hold one huge text many times.
    """
    header = _header(path, handover)
    kept = kept_columns(header, request)
    with _opened(path, kept) as parquet:
        texts = 0
        for batch in parquet.iter_batches(batch_size=_batch_rows(handover), columns=kept, use_threads=False):
            texts += sum(_unfolded(column) for column in batch.columns)
            if texts > request.max_bytes:
                raise Refusal(f"its text unfolds to more than limits.max_bytes, {request.max_bytes:,}")
            numbers = handover.numbers(batch.num_rows)
            plain = pa.record_batch([_plain(column) for column in batch.columns], names=kept)
            handover.take(plain, numbers, [None] * batch.num_rows)
    return header


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
    texts = [name for name in kept if _is_text(schema.field(name).type)]
    return pq.ParquetFile(path, read_dictionary=texts, page_checksum_verification=True, pre_buffer=False)


def _batch_rows(handover: Handover) -> int:
    """Rows a batch: few enough to bound memory."""
    return min(65_536, handover.batch_rows)


def _is_text(kind: pa.DataType) -> bool:
    """Whether a column holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _unfolded(column: pa.Array) -> int:
    """The bytes that a column's text or bytes take without a dictionary; 0 for other types."""
    if pa.types.is_dictionary(column.type):
        lengths = column.dictionary
        if not (_is_text(lengths.type) or pa.types.is_large_binary(lengths.type) or pa.types.is_binary(lengths.type)):
            return 0
        each = pc.take(pc.binary_length(lengths), column.indices)
        return pc.sum(pc.cast(each, pa.int64())).as_py() or 0
    return int(column.nbytes) if not pa.types.is_primitive(column.type) else 0


def _plain(column: pa.Array) -> pa.Array:
    """A column without its dictionary, which may differ from batch to batch."""
    if not pa.types.is_dictionary(column.type):
        return column
    kind = column.type.value_type
    return pc.cast(column, pa.large_string() if _is_text(kind) else kind)
