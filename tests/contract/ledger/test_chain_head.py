"""The chain has a head, and a lost ledger is told again from its segments: on both databases."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection

from tests.projects.facts import NOW, a_batch, an_answer, an_object, ask
from tests.servers.databases import Place
from tiltyard.schemas.errors import LedgerError
from tiltyard.schemas.records import Access, AccessId, AssignmentId, GoldSample, SampleId
from tiltyard.stores.ledger.chain.integrity import describe_guards, missing_guards, verify_ledger
from tiltyard.stores.ledger.chain.replay import replay
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.immutability import LEASE_COLUMNS, unguard_statements
from tiltyard.stores.ledger.ledger import Ledger


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    opened = place.open()
    tell(opened)
    yield opened
    opened.close()


def tell(ledger: Ledger) -> None:
    """A story of four segments."""
    ledger.batches.see(an_object())
    ledger.batches.record(a_batch())
    ask(ledger, 4)
    ledger.access.grant(Access(AccessId("1"), "ada", "annotator", "grant", "hash", "lead", NOW))
    ledger.gold.record(GoldSample("1", SampleId("s1"), {}, "yes", "add", "lead", NOW))
    ledger.segments.seal(NOW)
    ledger.assignments.lease("ada", NOW, 4)
    for number in range(3):
        answer = an_answer(f"k{number}", f"s{number}", assignment_id=AssignmentId(f"a{number}"), note="a\u2028b")
        (kept,) = ledger.annotations.submit([answer], contract_hash="c", now=NOW)
        ledger.segments.seal(NOW)
    withdrawal = an_answer("k9", "s2", act="withdraw", label=None, supersedes=kept.annotation_id)
    ledger.annotations.submit([withdrawal], contract_hash="c", now=NOW)
    ledger.segments.seal(NOW)


def take_out(ledger: Ledger, *statements: str) -> None:
    """What somebody does who can write the database: the guards off, then rows out."""
    with ledger.database.writing() as connection:
        for table in (tables.annotation, tables.journal, tables.segment):
            for statement in unguard_statements(connection.dialect.name, table):
                connection.exec_driver_sql(statement)
        for statement in statements:
            connection.exec_driver_sql(statement)


def without_last(table: str, of: str = "seq") -> str:
    """A statement that deletes a table's newest row."""
    return f"DELETE FROM {table} WHERE {of} = (SELECT max({of}) FROM {table})"


LAST_FACT = (without_last("annotation"), without_last("journal"))
LAST_SEGMENT = without_last("segment", "number")


def test_a_sound_chain_has_a_head_in_both_places(ledger: Ledger, tmp_path: Path) -> None:
    assert verify_ledger(ledger) == missing_guards(ledger) == []
    head = ledger.segments.head()
    assert head is not None
    assert (head.segments, head.facts, head.sha256) == (5, ledger.position(), ledger.segments.all()[-1].sha256)
    assert len(list((tmp_path / "heads").iterdir())) == 5


@pytest.mark.parametrize(
    ("story", "statements", "files", "heads", "said"),
    [
        ("rows", [*LAST_FACT, LAST_SEGMENT], 0, 0, "holds 1 facts that the ledger lacks"),
        ("rows and file", [*LAST_FACT, LAST_SEGMENT], 1, 0, "the head of the chain says 5 segments"),
        ("rows, file and the ledger's head", [*LAST_FACT, LAST_SEGMENT, "DELETE FROM head"], 1, 0, "lost its head"),
        ("rows, file and the head's file", [*LAST_FACT, LAST_SEGMENT], 1, 1, "the head of the chain says 5 segments"),
        ("the head's file", [], 0, 1, "is missing from heads/"),
        ("a segment's file", [], 1, 0, "segment 5 is missing"),
        ("the segment's row", [LAST_SEGMENT], 0, 0, "the head of the chain says 5 segments"),
        ("all segments, no facts", ["DELETE FROM segment", "DELETE FROM head"], 0, 0, "lost its head"),
    ],
)
def test_the_newest_segments_do_not_go_unseen(
    ledger: Ledger, tmp_path: Path, story: str, statements: list[str], files: int, heads: int, said: str
) -> None:
    take_out(ledger, *statements)
    for kind, count in (("segments", files), ("heads", heads)):
        for path in sorted((tmp_path / kind).iterdir())[5 - count :]:
            path.unlink()
    assert any(said in problem for problem in verify_ledger(ledger)), story
    lost = bool(files) or any("journal" in statement for statement in statements)
    for number in range(2):  # nor after the next seals, that go on where the chain was cut
        ledger.annotations.submit([an_answer(f"later{number}", "s3")], contract_hash="c", now=NOW)
        ledger.segments.seal(NOW)
        assert verify_ledger(ledger) or not lost, story


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_gap_in_the_positions_is_seen_also_after_the_next_seal(ledger: Ledger, number: int) -> None:
    for n in range(3):
        ledger.annotations.submit([an_answer(f"later{n}", "s3")], contract_hash="c", now=NOW)
    seq = ledger.position() - 3 + number
    take_out(ledger, *(f"DELETE FROM {table} WHERE seq = {seq}" for table in ("annotation", "journal")))
    seen = number < 3 or ledger.database.is_sqlite  # PostgreSQL does not remember what was its highest
    assert any(f"position {seq} is missing" in problem for problem in verify_ledger(ledger)) is seen
    if number < 3:
        ledger.segments.seal(NOW)
        assert any(f"position {seq} is missing" in problem for problem in verify_ledger(ledger))


def test_a_batch_s_state_is_a_part_of_the_fact(ledger: Ledger) -> None:
    with ledger.database.writing() as connection:
        for statement in unguard_statements(connection.dialect.name, tables.batch):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("UPDATE batch SET state = 'refused'")
    assert verify_ledger(ledger) == ["batch b1 at position 2 is not what was written"]


def each_guard(dialect: str) -> list[str]:
    return ["update", "delete", "insert"] if dialect == "sqlite" else ["change", "truncate"]


def test_each_guard_that_is_taken_off_is_named(ledger: Ledger) -> None:
    dialect = ledger.database.engine.dialect.name
    for what in each_guard(dialect):
        name = f"annotation_refuses_{what}"
        with ledger.database.writing() as connection:
            connection.exec_driver_sql(f"DROP TRIGGER {name}" + ("" if dialect == "sqlite" else " ON annotation"))
        assert name in missing_guards(ledger)
    assert len(missing_guards(ledger)) == len(each_guard(dialect))


def test_a_guard_that_refuses_nothing_is_as_good_as_gone(ledger: Ledger) -> None:
    with ledger.database.writing() as connection:
        disarm(connection)
    assert [name.rpartition("_")[0] for name in missing_guards(ledger)] == ["journal_refuses"]
    assert "journal_refuses" in describe_guards(missing_guards(ledger))[0]
    assert describe_guards([]) == []


def disarm(connection: Connection) -> None:
    """Leave the guards' names, and take their force."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DROP TRIGGER journal_refuses_update")
        connection.exec_driver_sql("CREATE TRIGGER journal_refuses_update BEFORE UPDATE ON journal BEGIN SELECT 1; END")
    else:
        connection.exec_driver_sql("ALTER TABLE journal DISABLE TRIGGER journal_refuses_change")


def test_a_chain_of_before_gets_a_head_at_the_next_seal(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM head")
    shutil.rmtree(tmp_path / "heads")
    (tmp_path / "heads").mkdir()
    assert verify_ledger(ledger) == []
    assert ledger.segments.seal(NOW) == 0
    assert (ledger.segments.head() or an_object()).segments == 5  # type: ignore[union-attr]  # there is a head
    assert len(list((tmp_path / "heads").iterdir())) == 1
    assert verify_ledger(ledger) == []


@pytest.mark.parametrize("more", [False, True])
def test_a_crash_between_file_and_row_is_no_finding(ledger: Ledger, tmp_path: Path, more: bool) -> None:
    ledger.annotations.submit([an_answer("k7", "s3")], contract_hash="c", now=NOW)
    shutil.copytree(tmp_path / "segments", tmp_path / "kept")
    ledger.segments.seal(NOW)
    orphan = {path.name for path in (tmp_path / "segments").iterdir()} - {p.name for p in (tmp_path / "kept").iterdir()}
    assert len(orphan) == 1
    take_out(ledger, LAST_SEGMENT, "UPDATE head SET segments = 4")
    with ledger.database.writing() as connection:
        last = ledger.segments.all()[-1]
        values = {"segments": last.number, "facts": last.last_seq, "sha256": last.sha256}
        connection.execute(tables.head.update().values(**values))
    assert verify_ledger(ledger) == []
    if more:
        ledger.annotations.submit([an_answer("k8", "s3")], contract_hash="c", now=NOW)
    ledger.segments.seal(NOW)
    assert verify_ledger(ledger) == []
    assert len(list((tmp_path / "segments").iterdir())) == 6 + more


def emptied(place: Place) -> Place:
    """The same place with an empty ledger beside the same segments."""
    if place.is_sqlite:
        for path in place.folder.glob("ledger.db*"):
            path.unlink()
        return place
    return replace(place, schema=f"ledger_{uuid4().hex[:12]}")


def test_a_lost_ledger_is_told_by_verify_and_replayed(ledger: Ledger, place: Place) -> None:
    before, position = ledger.annotations.until(), ledger.position()
    chain, head = ledger.segments.all(), ledger.segments.head()
    waiting = [one.assignment_id for one in ledger.assignments.waiting()]
    ledger.close()
    again = emptied(place).open()
    assert any("tiltyard restore" in problem for problem in verify_ledger(again))
    replayed = replay(again, 1, NOW + timedelta(days=1))
    assert (replayed.segments, sum(replayed.facts.values()), replayed.facts["annotation"]) == (5, position, 4)
    assert again.annotations.until() == before
    assert again.batches.all() == [a_batch()]
    assert [(one.number, one.file, one.last_seq) for one in again.segments.all()] == [
        (one.number, one.file, one.last_seq) for one in chain
    ]
    assert again.segments.head() == head
    assert [one.assignment_id for one in again.assignments.waiting()] == waiting == ["a2", "a3"]
    assert again.batches.has_seen("folder:incoming", "day.csv", "", "s")
    assert verify_ledger(again) == missing_guards(again) == []
    again.annotations.submit([an_answer("k8", "s3")], contract_hash="c", now=NOW)
    assert again.segments.seal(NOW) == 1
    assert verify_ledger(again) == []
    with pytest.raises(LedgerError, match="only an empty one is restored"):
        replay(again, 1, NOW)
    again.close()


def test_segments_of_before_are_replayed_as_well(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        for module in ("chain.segments", "database.records"):
            before.setattr(f"tiltyard.stores.ledger.{module}.lease_of", lambda _: LEASE_COLUMNS)
        former = place.open()
        for number, changes in enumerate(
            [{}, REFUSED, {**REFUSED, "state": "unreadable", "read": 0, "quarantined": 0}]
        ):
            former.batches.see(an_object(number, f"{number}.csv"))
            former.batches.record(a_batch(number, **changes))
        former.segments.seal(NOW)
    batches = former.batches.all()
    assert verify_ledger(former) == []
    former.close()
    again = emptied(place).open()
    replay(again, 1, NOW)
    assert again.batches.all() == batches
    assert verify_ledger(again) == []
    again.close()


REFUSED = {
    "state": "refused",
    "accepted": 0,
    "quarantined": 10,
    "duplicate": 0,
    "reason": "too many",
    "pool_file": None,
}


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("how", ["gone", "changed"])
def test_what_follows_a_lost_segment_is_not_believed(
    ledger: Ledger, place: Place, tmp_path: Path, number: int, how: str
) -> None:
    ledger.close()
    path = sorted((tmp_path / "segments").iterdir())[number]
    content = path.read_bytes()
    path.unlink() if how == "gone" else path.write_bytes(content.replace(b"ada", b"eve"))
    again = emptied(place).open()
    if how == "changed" and content == path.read_bytes():
        pytest.skip("this one names nobody")
    with pytest.raises(LedgerError, match=rf"segment {number + 1} of 5 is missing"):
        replay(again, 1, NOW)
    assert again.position() == 0
    assert verify_ledger(again) != []
    again.close()


def test_without_segments_there_is_nothing_to_restore(place: Place) -> None:
    empty = place.open()
    with pytest.raises(LedgerError, match="there are no segments"):
        replay(empty, 1, NOW)
    empty.close()
