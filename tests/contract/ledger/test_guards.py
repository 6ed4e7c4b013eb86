"""What the databases themselves refuse, whoever asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from tests.projects.facts import NOW, a_batch, an_answer, an_object, ask
from tests.servers.databases import Place, schema_of, sqlite_in
from tiltyard.schemas.records import Access, AccessId, GoldSample, SampleId
from tiltyard.stores.ledger.chain.integrity import verify_ledger
from tiltyard.stores.ledger.ledger import Ledger


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    opened = place.open()
    yield opened
    opened.close()


def refuses(ledger: Ledger, statement: str) -> None:
    ledger.batches.see(an_object())
    ledger.batches.record(a_batch())
    ask(ledger, 2)
    ledger.access.grant(Access(AccessId("1"), "ada", "annotator", "grant", "hash", "lead", NOW))
    ledger.gold.record(GoldSample("1", SampleId("s1"), {}, "yes", "add", "lead", NOW))
    ledger.annotations.submit([an_answer()], contract_hash="c", now=NOW)
    with pytest.raises(DatabaseError, match="append-only"), ledger.database.writing() as connection:
        connection.exec_driver_sql(statement)
    assert verify_ledger(ledger) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE annotation SET label = 'no'",
        "UPDATE annotation SET guidelines_hash = 'x'",
        "DELETE FROM annotation",
        "UPDATE journal SET digest = 'x'",
        "DELETE FROM journal",
        "DELETE FROM assignment",
        "UPDATE assignment SET sample_id = 'other'",
        "UPDATE assignment SET payload = '{}'",
        "UPDATE assignment SET suggestion = '{}'",
        "DELETE FROM access",
        "UPDATE access SET role = 'lead'",
        "UPDATE gold_sample SET label = 'no'",
        "DELETE FROM landed_object",
        "UPDATE batch SET accepted = 0",
        "DELETE FROM query",
    ],
)
def test_the_database_itself_refuses_to_change_a_fact(ledger: Ledger, statement: str) -> None:
    refuses(ledger, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO annotation SELECT * FROM annotation",
        "REPLACE INTO journal (seq, kind, record_id, digest) VALUES (1, 'a', 'b', 'c')",
        "INSERT OR REPLACE INTO assignment SELECT * FROM assignment",
        "INSERT OR REPLACE INTO access SELECT * FROM access",
    ],
)
def test_sqlite_refuses_to_replace_a_fact(tmp_path: Path, statement: str) -> None:
    refuses(sqlite_in(tmp_path).open(), statement)


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE annotation",
        "TRUNCATE journal CASCADE",
        "TRUNCATE assignment",
        "SET LOCAL session_replication_role = replica; DELETE FROM annotation",
        "SET LOCAL session_replication_role = replica; UPDATE assignment SET payload = '{}'",
    ],
)
def test_postgresql_refuses_the_ways_around_its_triggers(postgresql: str, tmp_path: Path, statement: str) -> None:
    ledger = schema_of(postgresql, tmp_path).open()
    refuses(ledger, statement)
    ledger.close()
