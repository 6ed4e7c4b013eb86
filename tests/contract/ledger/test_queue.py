"""The queue on both databases: leases, overlap, gold samples, accesses and the outbox."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.servers.databases import Place, schema_of
from tiltyard.labels.annotations import annotation_id
from tiltyard.schemas.errors import AnnotationError, NotFound
from tiltyard.schemas.project import Labeling
from tiltyard.schemas.records import (
    Access,
    AccessId,
    Annotation,
    Assignment,
    AssignmentId,
    GoldSample,
    NewAnnotation,
    Query,
    QueryId,
    SampleId,
)
from tiltyard.stores.ledger.chain.integrity import verify_ledger
from tiltyard.stores.ledger.ledger import Ledger

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    opened = place.open()
    yield opened
    opened.close()


def ask(ledger: Ledger, samples: int, slots: int = 1) -> None:
    query = Query(QueryId("q1"), "margin", None, samples, ledger.position(), "", NOW)
    ledger.assignments.ask(
        query,
        [
            Assignment(
                AssignmentId(f"a{i}-{slot}"), query.query_id, SampleId(f"s{i}"), slot, "query", "margin", 0.1, None,
                None, {"x": i}, 1 - i / samples,
            )
            for i in range(samples)
            for slot in range(slots)
        ],
    )  # fmt: skip


def say(ledger: Ledger, annotator: str, assignment: Assignment, label: str | None, **changes: object) -> Annotation:
    new = NewAnnotation(
        f"{annotator} {assignment.assignment_id} {label} {changes}", annotator, "label", assignment.sample_id,
        assignment.payload, NOW, label=label, assignment_id=assignment.assignment_id,
    )  # fmt: skip
    labeling = changes.pop("labeling", Labeling())
    new = replace(new, **changes)  # type: ignore[arg-type]  # the changes a test names fit their fields
    assert isinstance(labeling, Labeling)
    return ledger.annotations.submit([new], contract_hash="c", now=NOW, labeling=labeling)[0]


def take(ledger: Ledger, annotator: str, count: int = 1) -> list[Assignment]:
    return ledger.assignments.lease(annotator, NOW, count)


def test_overlap_gives_each_sample_to_two_people_and_to_no_third(ledger: Ledger) -> None:
    ask(ledger, 25, slots=2)
    people = [f"expert-{i}" for i in range(12)]
    seen: dict[str, list[str]] = defaultdict(list)

    def work(person: str) -> list[str]:
        done: list[str] = []
        while got := take(ledger, person, 2):
            for assignment in got:
                say(ledger, person, assignment, "yes")
                done.append(assignment.sample_id)
        return done

    with ThreadPoolExecutor(12) as threads:
        for person, samples in zip(people, threads.map(work, people), strict=True):
            assert len(samples) == len(set(samples)), "one person got one sample twice"
            for sample in samples:
                seen[sample].append(person)
    assert {sample: len(who) for sample, who in seen.items()} == {f"s{i}": 2 for i in range(25)}
    assert ledger.annotations.count() == 50
    assert verify_ledger(ledger) == []


def test_one_person_in_many_tabs_gets_no_sample_twice(ledger: Ledger) -> None:
    ask(ledger, 10, slots=2)
    with ThreadPoolExecutor(6) as threads:
        got = [one for tab in threads.map(lambda _: take(ledger, "ada", 4), range(6)) for one in tab]
    held = {one.assignment_id: one.sample_id for one in got}
    assert len(held) == 4
    assert len(set(held.values())) == 4


def test_when_two_disagree_a_third_is_asked_first_of_all(ledger: Ledger) -> None:
    ask(ledger, 3, slots=2)
    for person, label in (("ada", "yes"), ("ben", "no")):
        (assignment,) = take(ledger, person)
        assert assignment.sample_id == "s0"
        say(ledger, person, assignment, label)
    (third,) = take(ledger, "cleo")
    assert (third.sample_id, third.slot) == ("s0", 2)
    assert take(ledger, "ada", 9)[0].sample_id == "s1"
    say(ledger, "cleo", third, "yes")
    assert len(ledger.assignments.of_sample(SampleId("s0"))) == 3


def test_agreement_asks_nobody_else_and_the_number_of_annotators_ends(ledger: Ledger) -> None:
    ask(ledger, 2, slots=2)
    for person in ("ada", "ben"):
        for assignment in take(ledger, person, 2):
            say(ledger, person, assignment, "yes" if assignment.sample_id == "s0" else person)
    assert len(ledger.assignments.of_sample(SampleId("s0"))) == 2
    (third,) = take(ledger, "cleo", 5)
    say(ledger, "cleo", third, "maybe")
    assert len(ledger.assignments.of_sample(SampleId("s1"))) == 3
    assert ledger.assignments.waiting_count() == 0


def test_nobody_else_is_asked_where_the_project_says_so(ledger: Ledger) -> None:
    ask(ledger, 1, slots=2)
    for person in ("ada", "ben"):
        say(ledger, person, take(ledger, person)[0], person, labeling=Labeling(most_annotators=2))
    assert ledger.assignments.waiting_count() == 0


def test_a_skip_closes_an_assignment_or_hands_it_on_as_the_project_says(ledger: Ledger) -> None:
    ask(ledger, 1)
    two = Labeling(skips=2)
    say(ledger, "ada", take(ledger, "ada")[0], None, act="skip", labeling=two)
    assert take(ledger, "ada") == []
    say(ledger, "ben", take(ledger, "ben")[0], None, act="skip", labeling=two)
    assert ledger.assignments.waiting_count() == 0


@pytest.mark.parametrize("act", ["flag", "propose"])
def test_a_remark_leaves_the_question_open(ledger: Ledger, act: str) -> None:
    ask(ledger, 1)
    (held,) = take(ledger, "ada")
    say(ledger, "ada", held, None, act=act, note="torn page")
    assert take(ledger, "ada") == [held]
    assert not say(ledger, "ada", held, "yes").late
    proposed = [one.note for one in ledger.annotations.last_of_act("propose", 9)]
    assert proposed == (["torn page"] if act == "propose" else [])


def test_what_one_withdraws_comes_back_to_oneself(ledger: Ledger) -> None:
    ask(ledger, 2)
    (held,) = take(ledger, "ada")
    said = say(ledger, "ada", held, "yes")
    say(ledger, "ada", held, None, act="withdraw", supersedes=said.annotation_id)
    assert [one.sample_id for one in take(ledger, "ben", 5)] == ["s1"]
    assert take(ledger, "ada") == [held]
    assert not say(ledger, "ada", held, "no").late


def test_an_answer_and_its_withdrawal_may_come_together(ledger: Ledger) -> None:
    ask(ledger, 1)
    (held,) = take(ledger, "ada")
    answer = NewAnnotation("k1", "ada", "label", held.sample_id, held.payload, NOW, label="yes",
                           assignment_id=held.assignment_id)  # fmt: skip
    back = NewAnnotation("k2", "ada", "withdraw", held.sample_id, held.payload, NOW, supersedes=annotation_id("k1"))
    first, second = ledger.annotations.submit([answer, back, answer], contract_hash="c", now=NOW)[:2]
    assert second.supersedes == first.annotation_id
    assert ledger.annotations.count() == 2
    assert take(ledger, "ada") == [held]


@pytest.mark.parametrize(
    ("person", "sample", "why"),
    [("ben", "s0", "another annotator said"), ("ada", "s1", "of another sample")],
)
def test_nobody_supersedes_what_is_not_their_own(ledger: Ledger, person: str, sample: str, why: str) -> None:
    ask(ledger, 2)
    said = say(ledger, "ada", take(ledger, "ada")[0], "yes")
    foreign = NewAnnotation("k9", person, "label", SampleId(sample), {}, NOW, label="no", supersedes=said.annotation_id)
    with pytest.raises(AnnotationError, match=why):
        ledger.annotations.submit([foreign], contract_hash="c", now=NOW)
    with pytest.raises(AnnotationError, match="which is not stored"):
        ledger.annotations.submit([replace(foreign, supersedes=annotation_id("?"))], contract_hash="c", now=NOW)
    assert ledger.annotations.count() == 1


def test_an_adjudication_may_supersede_anybodys(ledger: Ledger) -> None:
    ask(ledger, 1)
    said = say(ledger, "ada", take(ledger, "ada")[0], "yes")
    ruling = NewAnnotation("k9", "lea", "adjudicate", SampleId("s0"), {"x": 0}, NOW, label="no",
                           supersedes=said.annotation_id)  # fmt: skip
    assert ledger.annotations.submit([ruling], contract_hash="c", now=NOW)[0].label == "no"


def test_who_holds_the_rest_is_known_and_some_can_be_given_back(ledger: Ledger) -> None:
    ask(ledger, 5)
    held = take(ledger, "ada", 3)
    take(ledger, "ben", 1)
    assert ledger.assignments.holders(NOW) == {"ada": 3, "ben": 1}
    assert ledger.assignments.waiting_for("ben", NOW) == 2
    assert ledger.assignments.release("ada", [held[0].assignment_id]) == 1
    assert ledger.assignments.release("ben", [held[1].assignment_id]) == 0
    assert ledger.assignments.holders(NOW + timedelta(minutes=16)) == {}
    assert ledger.assignments.waiting_for("ben", NOW + timedelta(minutes=16)) == 5


def test_progress_of_each_query(ledger: Ledger) -> None:
    ask(ledger, 3)
    say(ledger, "ada", take(ledger, "ada")[0], "yes")
    assert [tuple(one) for one in ledger.assignments.per_query()] == [("q1", 3, 1)]


def test_reading_on_from_a_position_misses_nothing_while_others_write(ledger: Ledger) -> None:
    ask(ledger, 60)
    seen: list[int] = []

    def write(person: str) -> None:
        while got := take(ledger, person):
            say(ledger, person, got[0], "yes")

    with ThreadPoolExecutor(6) as threads:
        writing = [threads.submit(write, f"expert-{i}") for i in range(6)]
        while not all(one.done() for one in writing) or ledger.annotations.after(seen[-1] if seen else 0, 1):
            seen += [one.seq for one in ledger.annotations.after(seen[-1] if seen else 0, 7)]
    assert len(seen) == 60
    assert seen == sorted(set(seen))
    assert ledger.position() == 60 + 60 + 1


def test_counting_by_person_and_day(ledger: Ledger) -> None:
    ask(ledger, 3)
    for assignment in take(ledger, "ada", 2):
        say(ledger, "ada", assignment, "yes")
    say(ledger, "ben", take(ledger, "ben")[0], None, act="skip")
    assert ledger.annotations.standing_since("ada", NOW) == 2
    assert ledger.annotations.standing_since("ada", NOW + timedelta(seconds=1)) == 0
    assert ledger.annotations.per_day(NOW) == [("2026-01-02", "ada", "label", 2), ("2026-01-02", "ben", "skip", 1)]


def test_a_second_answer_a_remark_and_a_withdrawal_add_nothing_to_what_stands(ledger: Ledger) -> None:
    ask(ledger, 2)
    first, second = take(ledger, "ada", 2)
    blind = say(ledger, "ada", first, "yes")
    say(ledger, "ada", first, "no", supersedes=blind.annotation_id, suggestion_visible=True)
    say(ledger, "ada", second, None, act="flag", note="torn")
    assert ledger.annotations.standing_since("ada", NOW) == 1
    said = say(ledger, "ada", second, "yes")
    assert ledger.annotations.standing_since("ada", NOW) == 2
    say(ledger, "ada", second, None, act="withdraw", supersedes=said.annotation_id)
    assert ledger.annotations.standing_since("ada", NOW) == 1


def test_shared_voices_are_those_of_samples_that_two_have_answered(ledger: Ledger) -> None:
    ask(ledger, 3, slots=2)
    for assignment in take(ledger, "ada", 2):
        say(ledger, "ada", assignment, "yes")
    say(ledger, "ben", take(ledger, "ben")[0], "no")
    assert {voice.sample_id for voice in ledger.annotations.shared_voices()} == {"s0"}


def a_grant(annotator: str, number: int, token: str | None = None) -> Access:
    return Access(AccessId(f"g{number}"), annotator, "annotator", "grant", token, "lea", NOW)


def test_the_last_word_on_an_annotators_access_holds(ledger: Ledger) -> None:
    ledger.access.grant(a_grant("ada", 1, "hash-1"))
    ledger.access.grant(a_grant("ben", 2, "hash-2"))
    assert [one.annotator for one in ledger.access.current()] == ["ada", "ben"]
    ledger.access.grant(a_grant("ada", 3, "hash-3"))
    assert ledger.access.by_token_hash("hash-1") is None
    assert ledger.access.by_id("g3") == ledger.access.of("ada") == ledger.access.by_token_hash("hash-3")
    ledger.access.revoke("ada", "lea", NOW)
    assert (ledger.access.of("ada"), ledger.access.by_id("g3"), ledger.access.by_token_hash("hash-3")) == (None,) * 3
    assert [one.annotator for one in ledger.access.current()] == ["ben"]
    with pytest.raises(NotFound, match="'ada' has no access"):
        ledger.access.revoke("ada", "lea", NOW)


def gold(sample: str, act: str = "add") -> GoldSample:
    return GoldSample(f"{act} {sample}", SampleId(sample), {"x": 9}, "yes", act, "lea", NOW)  # type: ignore[arg-type]  # one of the two acts


def test_a_gold_sample_comes_when_chance_says_and_never_twice_to_one_person(ledger: Ledger) -> None:
    ask(ledger, 40)
    for name in ("g1", "g2", "g3"):
        ledger.gold.record(gold(name))
    ledger.gold.record(gold("g3", "retire"))
    asked: list[str] = []
    for _ in range(42):
        ledger.gold.ask_if_due("ada", NOW, 0.3, seed=5)
        (assignment,) = take(ledger, "ada")
        asked.append(assignment.sample_id)
        stored = say(ledger, "ada", assignment, "yes")
        assert stored.purpose == ("gold" if assignment.sample_id.startswith("g") else "query")
    assert sorted(sample for sample in asked if sample.startswith("g")) == ["g1", "g2"]
    assert len(set(asked)) == 42


def test_chance_is_drawn_once_for_an_answer(ledger: Ledger) -> None:
    ask(ledger, 1)
    ledger.gold.record(gold("g1"))
    assert len({ledger.gold.ask_if_due(f"person {i}", NOW, 0.0, 1) for i in range(20)}) == 1
    first = [ledger.gold.ask_if_due(f"person {i}", NOW, 0.5, 1) for i in range(20)]
    again = [ledger.gold.ask_if_due(f"person {i}", NOW, 0.5, 1) for i in range(20)]
    assert 3 < sum(one is not None for one in first) < 17
    assert again == [None] * 20


def test_a_notice_is_kept_until_it_is_delivered_and_tried_with_growing_pauses(ledger: Ledger) -> None:
    assert ledger.outbox.post("tiltyard.labels.ready", "labels 7", {"labels": 60}, NOW)
    assert not ledger.outbox.post("tiltyard.labels.ready", "labels 7", {"labels": 61}, NOW)
    (notice,) = ledger.outbox.due(NOW)
    assert notice.body == {"labels": 60}
    assert ledger.outbox.due(NOW) == []
    ledger.outbox.failed(notice, "503", NOW)
    assert ledger.outbox.due(NOW + timedelta(seconds=4)) == []
    (again,) = ledger.outbox.due(NOW + timedelta(seconds=5))
    ledger.outbox.failed(again, "503", NOW)
    assert ledger.outbox.due(NOW + timedelta(seconds=9)) == []
    (last,) = ledger.outbox.due(NOW + timedelta(seconds=10))
    ledger.outbox.delivered(last)
    assert [(one.state, one.attempts) for one in ledger.outbox.all()] == [("delivered", 3)]
    assert ledger.outbox.due(NOW + timedelta(days=1)) == []


def test_a_notice_whose_sender_died_is_tried_again_and_in_the_end_given_up(ledger: Ledger) -> None:
    ledger.outbox.post("event", "key", {}, NOW)
    moment, attempts = NOW, 0
    while due := ledger.outbox.due(moment):
        attempts += 1
        if attempts > 1:
            ledger.outbox.failed(due[0], "refused", moment)
        moment += timedelta(hours=2)
    assert attempts == 20
    assert [one.state for one in ledger.outbox.all()] == ["given_up"]


def test_two_ledgers_in_one_postgresql_database_know_nothing_of_each_other(postgresql: str, tmp_path: Path) -> None:
    one, two = schema_of(postgresql, tmp_path).open(), schema_of(postgresql, tmp_path).open()
    ask(one, 3)
    assert (one.assignments.waiting_count(), two.assignments.waiting_count()) == (3, 0)
    assert (one.position(), two.position()) == (4, 0)
    one.close()
    two.close()
