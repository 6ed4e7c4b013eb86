"""The pool: accepted samples, one immutable Parquet file a batch; the ledger's batches say which files count."""

from collections.abc import Iterator, Sequence

import polars as pl

from tiltyard.samples.features import pool_schema
from tiltyard.samples.schema_migration import migrate_rows, refuse_changed_kinds
from tiltyard.schemas.project import Project, inside
from tiltyard.schemas.records import BatchId, StoredFile
from tiltyard.stores.files.parquet import CHUNK_ROWS, ParquetStore

OWN_COLUMNS = ("sample_id", "sample_key", "row", "evaluation")


class Pool:
    """The samples of one project.

    The files that make up the pool are handed in by the caller, who has them from the ledger at a position:
    a file that no batch names is not part of any pool.
    """

    def __init__(self, parquet: ParquetStore, project: Project) -> None:
        """Keep samples in a store of Parquet files."""
        self.parquet = parquet
        self._project = project
        self._readable: set[str] = set()
        self._columns = [*OWN_COLUMNS, *pool_schema(project)]

    def add(self, batch_id: BatchId, rows: pl.DataFrame) -> StoredFile:
        """Write a batch's accepted rows; they join the pool when the ledger records the batch."""
        return self.parquet.keep(batch_id, rows.select(self._columns))

    def scan(self, files: Sequence[StoredFile], chunk_rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
        """All samples in frames of at most ``chunk_rows`` rows, all with the current columns.

        Raises ProjectFileError where a column now has a kind that cannot hold the stored values.
        """
        for chunk in self.parquet.scan(files, self._columns, chunk_rows):
            yield migrate_rows(chunk, OWN_COLUMNS, self._project)

    def refuse_other_kinds(self, files: Sequence[StoredFile]) -> None:
        """Raise ProjectFileError where a file's columns cannot be read as the current project file declares them.

        Call it before writing: new rows must be readable together with the stored ones. Each file's
        footer is read once.
        """
        for stored in files:
            if stored.name not in self._readable:
                refuse_changed_kinds(self.parquet.schema_of(stored), self._project)
                self._readable.add(stored.name)

    def known(self, wanted: pl.DataFrame, files: Sequence[StoredFile]) -> pl.DataFrame:
        """The samples that are in the pool already: ``sample_id`` and their ``evaluation`` mark, each once.

        ``wanted`` has sample_id and sample_key. The 64-bit keys are looked for first; only rows whose key is met are
        compared by their whole id.
        """
        ids = wanted["sample_id"].implode()
        held = (self.parquet.read(stored, ["sample_id", "evaluation"]) for stored in self._holding(files, wanted))
        found = [rows.filter(pl.col("sample_id").is_in(ids)) for rows in held]
        empty = pl.DataFrame(schema={"sample_id": pl.String, "evaluation": pl.Boolean})
        return pl.concat([empty, *found]).unique("sample_id", keep="first", maintain_order=True)

    def marks(self, wanted: pl.DataFrame, files: Sequence[StoredFile]) -> tuple[pl.DataFrame, pl.DataFrame | None]:
        """What was drawn of rows that come: of the known samples, and of the known entities where there are any.

        An entity with rows on both sides, because the entity column was declared later, counts as a training entity.
        """
        known = self.known(wanted, files)
        if self._project.columns.entity is None:
            return known, None
        entity = inside(self._project.columns.entity)
        kind = wanted.schema[entity]
        values = wanted[entity].drop_nulls().unique().implode()
        parts = [pl.DataFrame(schema={entity: kind, "evaluation": pl.Boolean})]
        for chunk in self.parquet.scan(files, [entity, "evaluation"]):
            if entity in chunk.columns:  # files written before the column was declared have no entities
                of_kind = chunk.with_columns(pl.col(entity).cast(kind))
                parts.append(of_kind.filter(pl.col(entity).is_in(values)).select(entity, "evaluation"))
        return known, pl.concat(parts).group_by(entity).agg(pl.col("evaluation").all())

    def rows(self, ids: Sequence[str], keys: pl.Series, files: Sequence[StoredFile]) -> pl.DataFrame:
        """The pool's rows of some samples, all columns; samples that are not there are left out."""
        wanted = pl.DataFrame({"sample_id": ids, "sample_key": keys}, schema_overrides={"sample_id": pl.String})
        chunks = self.scan(list(self._holding(files, wanted)))
        found = [chunk.filter(pl.col("sample_id").is_in(wanted["sample_id"].implode())) for chunk in chunks]
        return pl.concat(found) if found else pl.DataFrame(schema=dict.fromkeys(self._columns, pl.Null))

    def _holding(self, files: Sequence[StoredFile], wanted: pl.DataFrame) -> Iterator[StoredFile]:
        """The files that hold a wanted key; the others are not read further."""
        for stored in files:
            keys = self.parquet.read(stored, ["sample_key"])
            if keys["sample_key"].is_in(wanted["sample_key"].implode()).any():
                yield stored
