"""The ledger's laws on a real database: what is written stays written, once, and in order."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from tests.projects.facts import NOW, a_batch, an_answer, an_object, ask
from tests.servers.databases import Place, sqlite_in
from tiltyard.schemas.errors import AnnotationError, NotFound, PromotionConflict
from tiltyard.schemas.records import (
    Annotation,
    AnnotationId,
    AssignmentId,
    BatchId,
    LabeledSet,
    Model,
    ModelId,
    ObjectId,
    Promotion,
    SampleId,
    StoredFile,
    TrainingId,
    Verdict,
    VerdictId,
)
from tiltyard.stores.ledger.chain.integrity import verify_ledger
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.immutability import unguard_statements
from tiltyard.stores.ledger.ledger import Ledger


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    opened = place.open()
    yield opened
    opened.close()


def a_model(ledger: Ledger, name: str) -> ModelId:
    training = LabeledSet("t1", "training", 1, 2, {"yes": 2}, StoredFile("t1.parquet", "f", 2), NOW)
    ledger.models.keep_set(training)
    artifact = StoredFile("model.skops", "a" * 64, 0)
    model = Model(
        ModelId(name), TrainingId("t1"), "p", {"name": "lr"}, 0, "1", {"python": "3"}, {"accuracy": 0.9}, None,
        "run", "1", artifact, "h", NOW,
    )  # fmt: skip
    return ledger.models.keep(model).model_id


def promote(ledger: Ledger, number: int, name: str, previous: str | None) -> Promotion:
    challenger, champion = ModelId(name), ModelId(previous) if previous else None
    verdict = Verdict(
        VerdictId(f"v{number}{name}"), challenger, champion, None, "promote", "accuracy", 9, None, None, None, (), {},
        "gate", "better", NOW,
    )  # fmt: skip
    ledger.champions.decide(verdict)
    return ledger.champions.move(
        Promotion(number, challenger, champion, verdict.verdict_id, "promotion", "gate", "better", NOW)
    )


def test_records_come_back_as_they_were_written(ledger: Ledger) -> None:
    assert ledger.batches.see(an_object()) == an_object()
    assert ledger.batches.record(a_batch()) == a_batch()
    assert ledger.batches.get(BatchId("b1")) == a_batch()
    assert ledger.batches.objects() == [an_object()]
    (stored,) = ledger.annotations.submit([an_answer()], contract_hash="c", now=NOW)
    assert ledger.annotations.until() == [stored]
    assert (stored.payload, stored.label, stored.purpose) == ({"x": 1.5, "y": None}, "yes", "import")


def test_a_repeated_step_finds_its_first_record(ledger: Ledger) -> None:
    ledger.batches.see(an_object())
    again = replace(an_object(), landed_at=NOW + timedelta(days=1))
    assert ledger.batches.see(again).landed_at == NOW
    ledger.batches.record(a_batch())
    assert ledger.batches.record(a_batch(accepted=0)).accepted == 7
    assert ledger.position() == 2


def test_a_sent_again_annotation_is_stored_once(ledger: Ledger) -> None:
    first = ledger.annotations.submit([an_answer()], contract_hash="c", now=NOW)
    assert ledger.annotations.submit([an_answer()], contract_hash="c", now=NOW + timedelta(1)) == first
    assert ledger.annotations.count() == 1


def test_a_client_key_with_another_content_is_refused_and_nothing_of_the_call_is_stored(ledger: Ledger) -> None:
    ledger.annotations.submit([an_answer()], contract_hash="c", now=NOW)
    with pytest.raises(AnnotationError, match="stored before with another label"):
        ledger.annotations.submit([an_answer("k2"), an_answer(label="no")], contract_hash="c", now=NOW)
    assert ledger.annotations.count() == 1


def test_a_lease_may_change(ledger: Ledger) -> None:
    ask(ledger, 1)
    with ledger.database.writing() as connection:
        connection.exec_driver_sql("UPDATE assignment SET state = 'answered', holder = 'ada'")
    assert ledger.assignments.waiting() == []


def test_no_two_annotators_get_one_sample(ledger: Ledger) -> None:
    ask(ledger, 60)

    def take(name: str) -> list[str]:
        taken: list[str] = []
        while len(leased := ledger.assignments.lease(name, NOW, len(taken) + 1)) > len(taken):
            taken = [assignment.sample_id for assignment in leased]
        return taken

    with ThreadPoolExecutor(8) as threads:
        taken = [sample for samples in threads.map(take, [f"expert-{i}" for i in range(8)]) for sample in samples]
    assert sorted(taken) == sorted(f"s{i}" for i in range(60))


def test_the_most_wanted_sample_comes_first_and_a_lease_runs_out(ledger: Ledger) -> None:
    ask(ledger, 2)
    assert [a.sample_id for a in ledger.assignments.lease("ada", NOW)] == ["s0"]
    assert [a.sample_id for a in ledger.assignments.lease("bea", NOW, 5)] == ["s1"]
    later = NOW + timedelta(minutes=16)
    assert [a.sample_id for a in ledger.assignments.lease("cleo", later, 5)] == ["s0", "s1"]


def test_asking_again_gives_what_one_holds_and_giving_back_frees_it(ledger: Ledger) -> None:
    ask(ledger, 3)
    assert [a.sample_id for a in ledger.assignments.lease("ada", NOW)] == ["s0"]
    assert [a.sample_id for a in ledger.assignments.lease("ada", NOW, 2)] == ["s0", "s1"]
    assert ledger.assignments.release("ada") == 2
    assert [a.sample_id for a in ledger.assignments.lease("bea", NOW, 9)] == ["s0", "s1", "s2"]


def test_a_late_answer_is_stored_and_marked(ledger: Ledger) -> None:
    ask(ledger, 1)
    ledger.assignments.lease("ada", NOW)
    answer = an_answer(sample="s0", assignment_id=AssignmentId("a0"))
    later = NOW + timedelta(hours=1)
    (stored,) = ledger.annotations.submit([answer], contract_hash="c", now=later)
    assert stored.late
    assert (stored.purpose, stored.strategy, stored.score) == ("query", "margin", 0.1)
    assert ledger.assignments.waiting_count() == 0


def test_a_withdrawn_answer_opens_its_assignment_again(ledger: Ledger) -> None:
    ask(ledger, 1)
    ledger.assignments.lease("ada", NOW)
    answer = an_answer(sample="s0", assignment_id=AssignmentId("a0"))
    (stored,) = ledger.annotations.submit([answer], contract_hash="c", now=NOW)
    assert not stored.late
    withdrawal = an_answer("k2", "s0", act="withdraw", label=None, supersedes=stored.annotation_id)
    ledger.annotations.submit([withdrawal], contract_hash="c", now=NOW)
    assert ledger.assignments.waiting_count() == 1
    assert [a.label for a in ledger.annotations.of_sample(SampleId("s0"))] == ["yes", None]


def test_an_answer_to_an_unknown_assignment_is_refused(ledger: Ledger) -> None:
    with pytest.raises(AnnotationError, match="no assignment 'a9'"):
        ledger.annotations.submit([an_answer(assignment_id=AssignmentId("a9"))], contract_hash="c", now=NOW)


def test_conservation_follows_a_batch_through_its_attempts(ledger: Ledger) -> None:
    ledger.batches.see(an_object())
    refused = a_batch(state="refused", accepted=0, quarantined=10, duplicate=0)
    ledger.batches.record(refused)
    assert ledger.batches.conservation().holds
    retried = a_batch(batch_id=BatchId("b2"), attempt=2, accepted=8, quarantined=1, duplicate=1)
    ledger.batches.record(retried)
    conservation = ledger.batches.conservation()
    assert (conservation.read, conservation.accepted, conservation.quarantined) == (10, 8, 1)
    assert conservation.holds
    assert [batch.state for batch in ledger.batches.of_object(ObjectId("o1"))] == ["refused", "accepted"]


def test_only_the_first_of_two_moves_against_one_champion_stands(ledger: Ledger) -> None:
    for name in ("m1", "m2", "m3"):
        a_model(ledger, name)
    promote(ledger, 1, "m1", None)
    promote(ledger, 2, "m2", "m1")
    with pytest.raises(PromotionConflict, match="judge the challenger again"):
        promote(ledger, 2, "m3", "m1")
    assert ledger.champions.champion_id == "m2"
    assert [move.number for move in ledger.champions.history()] == [1, 2]


def test_a_move_that_is_repeated_after_a_crash_is_the_same_move(ledger: Ledger) -> None:
    a_model(ledger, "m1")
    assert promote(ledger, 1, "m1", None) == promote(ledger, 1, "m1", None)
    assert len(ledger.champions.history()) == 1


@pytest.mark.parametrize("look_up", ["batch", "object", "model", "set", "verdict", "project"])
def test_what_is_not_there_is_said_in_one_sentence(ledger: Ledger, look_up: str) -> None:
    looks: dict[str, Callable[[], object]] = {
        "batch": lambda: ledger.batches.get(BatchId("x")),
        "object": lambda: ledger.batches.get_object(ObjectId("x")),
        "model": lambda: ledger.models.get("x"),
        "set": lambda: ledger.models.get_set("x"),
        "verdict": lambda: ledger.champions.verdict(VerdictId("x")),
        "project": lambda: ledger.models.project_version("x"),
    }
    with pytest.raises(NotFound, match="x"):
        looks[look_up]()


def test_segments_chain_and_sealing_twice_adds_nothing(ledger: Ledger) -> None:
    ledger.batches.see(an_object(1))
    assert ledger.segments.seal(NOW) == 1
    assert ledger.segments.seal(NOW) == 0
    ledger.batches.see(an_object(2, "other.csv"))
    assert ledger.segments.seal(NOW) == 1
    first, second = ledger.segments.all()
    assert second.previous == first.sha256
    assert [line["fact"]["object_id"] for line in ledger.segments.lines(second)] == ["o2"]
    assert verify_ledger(ledger) == []


def fill(ledger: Ledger) -> None:
    ledger.batches.see(an_object())
    ledger.batches.record(a_batch())
    ask(ledger, 3)
    ledger.annotations.submit([an_answer(f"k{i}", f"s{i}") for i in range(20)], contract_hash="c", now=NOW)
    ledger.segments.seal(NOW)


def test_verify_finds_a_changed_segment_and_a_missing_one(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    (path,) = (tmp_path / "segments").iterdir()
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"yes"', b'"not"', 1))
    assert "segment 1 is missing or its bytes were changed" in verify_ledger(ledger)
    path.unlink()
    assert "segment 1 is missing or its bytes were changed" in verify_ledger(ledger)


def test_verify_finds_a_fact_changed_behind_the_guards(ledger: Ledger) -> None:
    fill(ledger)
    with ledger.database.writing() as connection:
        take_off(connection, "annotation")
        connection.exec_driver_sql("UPDATE annotation SET label = 'no' WHERE client_key = 'k3'")
    (problem,) = verify_ledger(ledger)
    assert "annotation" in problem
    assert "is not what was written" in problem


def test_verify_finds_a_fact_removed_together_with_its_journal_entry(ledger: Ledger) -> None:
    fill(ledger)
    with ledger.database.writing() as connection:
        for table in ("annotation", "journal"):
            take_off(connection, table)
        seq = connection.exec_driver_sql("SELECT seq FROM annotation WHERE client_key = 'k3'").scalar_one()
        connection.exec_driver_sql("DELETE FROM annotation WHERE client_key = 'k3'")
        connection.exec_driver_sql(f"DELETE FROM journal WHERE seq = {seq}")
    assert any("differs from segment 1" in problem for problem in verify_ledger(ledger))


def take_off(connection: Connection, table: str) -> None:
    """What somebody does who means harm: the guards of a table taken off."""
    for statement in unguard_statements(connection.dialect.name, tables.metadata.tables[table]):
        connection.exec_driver_sql(statement)


def test_verify_finds_every_flipped_byte_that_changes_a_fact(tmp_path: Path) -> None:
    ledger = sqlite_in(tmp_path).open()
    fill(ledger)
    with ledger.database.reading() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    before = ledger.annotations.until()
    ledger.close()
    path = tmp_path / "ledger.db"
    content = path.read_bytes()
    wanted = [content.find(f"k{i}".encode()) for i in range(3, 9)] + [content.rfind(b'{"x":1.5,"y":null}') + 6]
    assert min(wanted) > 0
    for place in wanted:
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        changed = _annotations_or_none(ledger) != before
        assert verify_ledger(ledger) or not changed
        ledger.close()
    path.write_bytes(content)
    assert verify_ledger(ledger) == []


def _annotations_or_none(ledger: Ledger) -> list[Annotation] | None:
    try:
        return ledger.annotations.until()
    except Exception:  # a flipped byte may break the row in any way; what matters is that verify says so
        return None


def test_annotations_until_a_position_do_not_change_when_more_arrive(ledger: Ledger) -> None:
    ledger.annotations.submit([an_answer("k1")], contract_hash="c", now=NOW)
    position = ledger.position()
    before = ledger.annotations.until(position)
    ledger.annotations.submit([an_answer("k2", "s2")], contract_hash="c", now=NOW)
    assert ledger.annotations.until(position) == before
    assert ledger.annotations.count(since=position) == 1


def test_a_correction_names_what_it_supersedes(ledger: Ledger) -> None:
    (first,) = ledger.annotations.submit([an_answer("k1")], contract_hash="c", now=NOW)
    correction = an_answer("k2", label="no", supersedes=AnnotationId(first.annotation_id))
    (second,) = ledger.annotations.submit([correction], contract_hash="c", now=NOW)
    assert [a.label for a in ledger.annotations.of_sample(SampleId("s1"))] == ["yes", "no"]
    assert second.supersedes == first.annotation_id


def test_a_fresh_opening_finds_everything(place: Place, ledger: Ledger) -> None:
    fill(ledger)
    again = place.open()
    assert again.annotations.until() == ledger.annotations.until()
    assert again.position() == ledger.position()
    again.close()
