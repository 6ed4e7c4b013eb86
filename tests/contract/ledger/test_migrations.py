"""The migrations make just the tables that the code speaks of, guards and all."""

from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema

from tests.servers.databases import Place, schema_of, sqlite_in
from tests.templates import MADE
from tiltyard.schemas.canonical import canonical_json, sha256_of
from tiltyard.stores.ledger.chain.integrity import verify_ledger
from tiltyard.stores.ledger.database.engine import MIGRATIONS, Database
from tiltyard.stores.ledger.database.immutability import guard_statements
from tiltyard.stores.ledger.database.tables import FACTS, journal, metadata, segment

TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid "
    "WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal AND tgenabled = 'A'",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where nothing is yet: other tests get a copy of what was migrated."""
    if request.param == "sqlite":
        return replace(sqlite_in(tmp_path), url=f"sqlite:///{tmp_path / MADE}")
    return schema_of(request.getfixturevalue("postgresql"), tmp_path)


def test_the_migrated_database_is_what_the_tables_say(place: Place) -> None:
    database = Database(place.url, place.schema)
    with database.reading() as connection:
        name = connection.dialect.name
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        triggers = set(connection.exec_driver_sql(TRIGGERS[name]).scalars())
    wanted = [line.split()[2] for line in guard_statements(name, (journal, segment, *FACTS)) if "CREATE" in line]
    assert differences == []
    assert triggers == set(wanted)
    database.close()


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / MADE}"
    Database(url).close()
    before = (tmp_path / MADE).read_bytes()
    Database(url).close()
    assert (tmp_path / MADE).read_bytes() == before


OLD_ANNOTATION = {
    "annotation_id": "n1", "client_key": "k1", "annotator": "ada", "act": "label", "sample_id": "s1", "label": "yes",
    "note": "", "supersedes": None, "assignment_id": None, "purpose": "import", "strategy": "", "score": None,
    "probability": None, "model_id": None, "suggestion": None, "suggestion_visible": 0, "payload": "{}",
    "payload_hash": "h", "contract_hash": "c", "lead_ms": None, "origin": "queue", "late": 0,
    "said_at": "2026-01-02T03:04:05Z", "recorded_at": "2026-01-02T03:04:05Z",
}  # fmt: skip
"""An annotation's row as the first revision wrote it."""


def engine_of(place: Place) -> Engine:
    """The place's database without our hand on it."""
    if place.is_sqlite:
        return create_engine(place.url, poolclass=NullPool)
    engine = create_engine(place.url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(CreateSchema(str(place.schema)))
    return create_engine(place.url, poolclass=NullPool, connect_args={"options": f"-csearch_path={place.schema}"})


def at_the_first_revision(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
    digest = sha256_of(canonical_json(OLD_ANNOTATION))
    connection.execute(text("INSERT INTO journal VALUES (1, 'annotation', 'n1', :digest)"), {"digest": digest})
    names = ["seq", *OLD_ANNOTATION]
    columns, values = ", ".join(names), ", ".join(f":{name}" for name in names)
    connection.execute(text(f"INSERT INTO annotation ({columns}) VALUES ({values})"), {"seq": 1, **OLD_ANNOTATION})


def test_a_ledger_of_the_first_revision_keeps_its_facts_and_their_digests(place: Place) -> None:
    with engine_of(place).begin() as connection:
        at_the_first_revision(connection)
    ledger = place.open()
    (kept,) = ledger.annotations.until()
    assert (kept.label, kept.guidelines_hash) == ("yes", None)
    assert verify_ledger(ledger) == []
    ledger.close()
