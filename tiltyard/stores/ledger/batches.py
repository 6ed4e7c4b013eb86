"""Objects seen and batches checked: the truth about what arrived."""

from typing import Any

from sqlalchemy import Connection, func, insert, select, true

from tiltyard.ingest.attempts import conservation
from tiltyard.schemas.canonical import parse_json
from tiltyard.schemas.errors import NotFound, the_one
from tiltyard.schemas.records import Batch, BatchId, Conservation, LandedObject, ObjectId, StoredFile
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database
from tiltyard.stores.ledger.database.records import all_of, append, find, records

OBJECT, BATCH, SIGHTING = tables.landed_object, tables.batch, tables.sighting


class Batches:
    """The part of the ledger about objects and their batches."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def see(self, landed: LandedObject) -> LandedObject:
        """Record an object as landed, once; a redelivery gives the first record, and its new stamp is remembered."""
        with self._database.writing() as connection:
            known = find(connection, LandedObject, OBJECT.c.object_id == landed.object_id)
            if known is None:
                append(connection, landed)
            _remember(connection, landed)
            return known or landed

    def seen(self, source: str) -> set[tuple[str, str, str]]:
        """Every (key, version, stamp) of a source whose bytes are known: what need not be copied again."""
        looked_at = select(SIGHTING.c.key, SIGHTING.c.version, SIGHTING.c.stamp).where(SIGHTING.c.source == source)
        with self._database.reading() as connection:
            return {(row.key, row.version, row.stamp) for row in connection.execute(looked_at)}

    def has_seen(self, source: str, key: str, version: str, stamp: str) -> bool:
        """Whether the bytes that a listing or an event names are known."""
        with self._database.reading() as connection:
            return _is_remembered(connection, (source, key, version, stamp))

    def record(self, batch: Batch) -> Batch:
        """Record a batch's outcome, once; a repeated attempt gives the first record."""
        with self._database.writing() as connection:
            known = find(connection, Batch, BATCH.c.batch_id == batch.batch_id)
            if known is None:
                append(connection, batch)
            return known or batch

    def objects(self) -> list[LandedObject]:
        """All objects, in the order they were first seen."""
        with self._database.reading() as connection:
            return all_of(connection, LandedObject)

    def get_object(self, object_id: ObjectId) -> LandedObject:
        """One object; NotFound when it never landed."""
        with self._database.reading() as connection:
            found = find(connection, LandedObject, OBJECT.c.object_id == object_id)
        if found is None:
            raise NotFound(f"no object {object_id!r} has landed; 'tiltyard status' lists what has")
        return found

    def unchecked(self) -> list[LandedObject]:
        """Objects that landed but have no batch yet, oldest first."""
        with self._database.reading() as connection:
            return all_of(connection, LandedObject, OBJECT.c.object_id.not_in(select(BATCH.c.object_id)))

    def all(self) -> list[Batch]:
        """Every attempt at every object, in the ledger's order."""
        with self._database.reading() as connection:
            return all_of(connection, Batch)

    def get(self, batch_id: BatchId) -> Batch:
        """One batch by its id or an unambiguous beginning of it; NotFound otherwise."""
        with self._database.reading() as connection:
            found = all_of(connection, Batch, BATCH.c.batch_id.startswith(batch_id, autoescape=True))
        return the_one(found, "batch", batch_id, "'tiltyard quarantine list' shows the ids")

    def of_object(self, object_id: ObjectId) -> list[Batch]:
        """The attempts at one object, first to last."""
        with self._database.reading() as connection:
            return all_of(connection, Batch, BATCH.c.object_id == object_id)

    def pooled(self) -> list[Batch]:
        """The batches that brought rows into the pool."""
        with self._database.reading() as connection:
            return all_of(connection, Batch, BATCH.c.pool_file.is_not(None))

    def pool_files(self, position: int | None = None) -> list[StoredFile]:
        """The files of the batches that brought rows, up to a ledger position; together they are a pool version.

        Nothing else is read of the batches: their statistics are long, and the files are asked for often.
        """
        until = true() if position is None else BATCH.c.seq <= position
        statement = select(BATCH.c.pool_file).where(BATCH.c.pool_file.is_not(None), until).order_by(BATCH.c.seq)
        with self._database.reading() as connection:
            return [StoredFile(**parse_json(file)) for file in connection.scalars(statement)]

    def recent_profiles(self, most: int) -> list[dict[str, Any]]:
        """The profiles of the last batches that brought rows into the pool, oldest first."""
        pooled = BATCH.c.pool_file.is_not(None)
        statement = select(BATCH.c.statistics).where(pooled).order_by(BATCH.c.seq.desc()).limit(most)
        with self._database.reading() as connection:
            newest = [parse_json(text) for text in connection.scalars(statement)]
        return [statistics["profile"] for statistics in reversed(newest) if "profile" in statistics]

    def latest(self) -> list[Batch]:
        """Each object's last attempt: what holds for it now."""
        newest = select(func.max(BATCH.c.seq)).group_by(BATCH.c.object_id)
        statement = select(BATCH).where(BATCH.c.seq.in_(newest)).order_by(BATCH.c.seq)
        with self._database.reading() as connection:
            return records(connection, Batch, statement)

    def conservation(self) -> Conservation:
        """Where every row ever read is now: law 2 in five numbers."""
        by_object: dict[ObjectId, list[Batch]] = {}
        for batch in self.all():
            by_object.setdefault(batch.object_id, []).append(batch)
        return conservation(by_object.values())


def _remember(connection: Connection, landed: LandedObject) -> None:
    """Keep what the listing said of an object, once."""
    seen = (landed.source, landed.key, landed.version, landed.stamp)
    if not _is_remembered(connection, seen):
        connection.execute(insert(SIGHTING).values((*seen, landed.object_id)))


def _is_remembered(connection: Connection, seen: tuple[str, str, str, str]) -> bool:
    """Whether a source's key, version and stamp were met before."""
    columns = (SIGHTING.c.source, SIGHTING.c.key, SIGHTING.c.version, SIGHTING.c.stamp)
    conditions = [column == value for column, value in zip(columns, seen, strict=True)]
    return connection.scalar(select(SIGHTING.c.object_id).where(*conditions)) is not None
