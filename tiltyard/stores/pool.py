"""The pool: accepted samples, one immutable Parquet file a batch; the ledger's batches say which files count."""

from collections.abc import Iterator, Sequence

import polars as pl

from schemas.project import Project
from schemas.records import BatchId, StoredFile
from tiltyard.rules.features import pool_schema
from tiltyard.stores.parquet import ParquetStore

OWN_COLUMNS = ("sample_id", "sample_key", "row", "evaluation")


class Pool:
    """The samples of one project.

    The files that make up the pool are handed in by the caller, who has them from the ledger at a position:
    a file that no batch names is not part of any pool.
    """

    def __init__(self, parquet: ParquetStore, project: Project) -> None:
        """Keep samples in a store of Parquet files."""
        self.parquet = parquet
        self._columns = [*OWN_COLUMNS, *pool_schema(project)]

    def add(self, batch_id: BatchId, rows: pl.DataFrame) -> StoredFile:
        """Write a batch's accepted rows; they join the pool when the ledger records the batch."""
        return self.parquet.keep(batch_id, rows.select(self._columns))

    def scan(self, files: Sequence[StoredFile], chunk_rows: int) -> Iterator[pl.DataFrame]:
        """All samples in frames of at most ``chunk_rows`` rows."""
        yield from self.parquet.scan(files, self._columns, chunk_rows)

    def known(self, ids: pl.Series, keys: pl.Series, files: Sequence[StoredFile]) -> pl.Series:
        """Which of the sample ids are in the pool already (boolean, same length).

        Looks for the 64-bit keys first; only rows whose key is met are compared by their whole id.
        """
        wanted = pl.DataFrame({"sample_id": ids, "sample_key": keys})
        met = self._matching(files, wanted, ["sample_key", "sample_id"])
        found = [frame["sample_id"] for frame in met]
        return ids.is_in(pl.concat(found).implode()) if found else pl.Series([False] * len(ids), dtype=pl.Boolean)

    def rows(self, ids: Sequence[str], keys: pl.Series, files: Sequence[StoredFile]) -> pl.DataFrame:
        """The pool's rows of some samples, all columns; samples that are not there are left out."""
        wanted = pl.DataFrame({"sample_id": ids, "sample_key": keys}, schema_overrides={"sample_id": pl.String})
        found = list(self._matching(files, wanted, self._columns))
        return pl.concat(found) if found else pl.DataFrame(schema=dict.fromkeys(self._columns, pl.Null))

    def _matching(
        self, files: Sequence[StoredFile], wanted: pl.DataFrame, columns: Sequence[str]
    ) -> Iterator[pl.DataFrame]:
        """The rows of each file whose key and id are wanted; files without a wanted key are not read further."""
        for stored in files:
            keys = self.parquet.read(stored, ["sample_key"])
            if keys["sample_key"].is_in(wanted["sample_key"].implode()).any():
                frame = self.parquet.read(stored, columns)
                yield frame.filter(pl.col("sample_id").is_in(wanted["sample_id"].implode()))
