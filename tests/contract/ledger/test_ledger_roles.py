"""The lesser role of the labeling server: it opens the ledger, does its work, and is refused everything else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tests.servers.databases import Place, schema_of, sqlite_in
from tiltyard.schemas.errors import NotFound, SettingsError
from tiltyard.schemas.project import Labeling
from tiltyard.schemas.records import Assignment, AssignmentId, GoldSample, NewAnnotation, Query, QueryId, SampleId
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.roles import APPENDS
from tiltyard.stores.ledger.ledger import Ledger

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PASSWORD = "only here"
CLOSED = [one.name for one in tables.metadata.sorted_tables if one not in APPENDS]


class Lesser:
    """A ledger of a fresh schema, and a role that owns nothing in it."""

    def __init__(self, server: str, folder: Path) -> None:
        self.place = schema_of(server, folder)
        self.role = f"writer_{uuid4().hex[:8]}"
        self.server = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        self.run(self.server, f"CREATE ROLE {self.role} LOGIN PASSWORD '{PASSWORD}'")
        self.owner = self.place.open()
        url = make_url(server).set(username=self.role, password=PASSWORD)
        self.own = Place(url.render_as_string(hide_password=False), self.place.schema, folder)

    @staticmethod
    def run(engine: Engine, statement: str) -> None:
        """One statement, at once."""
        with engine.connect() as connection:
            connection.execute(text(statement))
            connection.commit()

    def close(self) -> None:
        """Take everything away again."""
        self.owner.close()
        self.run(self.server, f"DROP OWNED BY {self.role}")
        self.run(self.server, f"DROP ROLE {self.role}")


@pytest.fixture
def lesser(postgresql: str, tmp_path: Path) -> Iterator[Lesser]:
    made = Lesser(postgresql, tmp_path)
    yield made
    made.close()


def work(ledger: Ledger) -> None:
    """What the labeling server does: lease, store, give back, ask gold, post and deliver, seal."""
    ledger.gold.record(GoldSample("one", SampleId("g"), {"x": 1}, "yes", "add", "a lead", NOW))
    assert ledger.gold.ask_if_due("ada", NOW, 1.0, 0) is not None
    (held,) = ledger.assignments.lease_all({"ada": 1}, NOW, timedelta(minutes=5))["ada"]
    said = NewAnnotation("k", "ada", "label", held.sample_id, held.payload, NOW, label="yes",
                         assignment_id=held.assignment_id)  # fmt: skip
    (stored,) = ledger.annotations.submit([said], contract_hash="c", now=NOW, labeling=Labeling())
    assert stored.label == "yes"
    ledger.assignments.release("ada")
    ledger.outbox.post("tiltyard.labels.ready", "one", {"data": {}}, NOW)
    (notice,) = ledger.outbox.due(NOW)
    ledger.outbox.delivered(notice)
    ledger.segments.seal(NOW)


def ask(ledger: Ledger) -> None:
    """A sample for the queue, which a flow asks for as the owner."""
    one = Assignment(AssignmentId("a"), QueryId("q"), SampleId("s"), 0, "query", "margin", 0.1, None, None, {"x": 1}, 1)
    ledger.assignments.ask(Query(QueryId("q"), "margin", None, 1, ledger.position(), "", NOW), [one])


def test_the_role_opens_the_ledger_and_labels(lesser: Lesser) -> None:
    ask(lesser.owner)
    lesser.owner.grant_labeling(lesser.role)
    ledger = lesser.own.open()
    try:
        work(ledger)
    finally:
        ledger.close()
    assert len(lesser.owner.annotations.until()) == 1


@pytest.mark.parametrize("table", CLOSED)
def test_what_it_does_not_append_it_may_not_write(lesser: Lesser, table: str) -> None:
    lesser.owner.grant_labeling(lesser.role)
    ledger = lesser.own.open()
    try:
        for statement in (f"INSERT INTO {table} DEFAULT VALUES", f"UPDATE {table} SET {_column(table)} = NULL"):
            with pytest.raises(DBAPIError, match="permission denied"):
                Lesser.run(ledger.database.engine, statement)
    finally:
        ledger.close()


def _column(table: str) -> str:
    return tables.metadata.tables[table].columns.keys()[0]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM annotation",
        "TRUNCATE annotation",
        "UPDATE annotation SET label = 'no'",
        "UPDATE assignment SET payload = '{}'",
        "DROP TABLE annotation",
        "ALTER TABLE annotation DISABLE TRIGGER ALL",
        "ALTER TABLE annotation ADD COLUMN more TEXT",
        "CREATE TABLE beside (one INT)",
    ],
)
def test_guards_cannot_be_taken_off(lesser: Lesser, statement: str) -> None:
    lesser.owner.grant_labeling(lesser.role)
    ledger = lesser.own.open()
    try:
        with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
            Lesser.run(ledger.database.engine, statement)
    finally:
        ledger.close()


def test_tables_of_another_version_are_told(lesser: Lesser) -> None:
    """The role cannot bring them up to date; who opens it is told who can."""
    Lesser.run(lesser.server, f"GRANT USAGE ON SCHEMA {lesser.place.schema} TO {lesser.role}")
    with pytest.raises(SettingsError, match="tiltyard grant ROLE"):
        lesser.own.open()


def test_said_again_it_takes_back_what_is_too_much(lesser: Lesser) -> None:
    Lesser.run(lesser.owner.database.engine, f"GRANT INSERT ON promotion TO {lesser.role}")
    lesser.owner.grant_labeling(lesser.role)
    ledger = lesser.own.open()
    try:
        with pytest.raises(DBAPIError, match="permission denied"):
            Lesser.run(ledger.database.engine, "INSERT INTO promotion DEFAULT VALUES")
    finally:
        ledger.close()


def test_who_cannot_be_granted_is_told(lesser: Lesser, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no role 'nobody'"):
        lesser.owner.grant_labeling("nobody")
    with pytest.raises(SettingsError, match="owns the ledger's tables"):
        lesser.owner.grant_labeling(str(make_url(lesser.place.url).username or "postgres"))
    lesser.owner.grant_labeling(lesser.role)
    ledger = lesser.own.open()
    try:
        with pytest.raises(SettingsError, match="belong to"):
            ledger.grant_labeling("pg_read_all_data")
    finally:
        ledger.close()
    embedded = sqlite_in(tmp_path).open()
    with pytest.raises(SettingsError, match="SQLite"):
        embedded.grant_labeling("writer")
    embedded.close()
