"""The door for annotations on both databases: nothing passes beside it, and what passed before it stops nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.projects.facts import NOW, an_answer
from tests.servers.databases import Place
from tiltyard.labels.annotations import annotation_id
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.schemas.canonical import canonical_json
from tiltyard.schemas.errors import AnnotationError
from tiltyard.schemas.records import NewAnnotation
from tiltyard.stores.ledger.chain.integrity import verify_ledger
from tiltyard.stores.ledger.database.records import append
from tiltyard.stores.ledger.ledger import Ledger


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    opened = place.open()
    yield opened
    opened.close()


UNFIT = [
    an_answer("k2", annotator=""),
    an_answer("k2", sample=""),
    an_answer("k2", note="a\0b"),
    an_answer("k\ud800"),
    an_answer("k2", said_at=NOW.replace(tzinfo=None)),
    an_answer("k2", said_at=NOW.replace(year=9000)),
    an_answer("k2", act="withdraw", label=None),
    an_answer("k2", act="skip"),
    an_answer("k2", lead_ms=2**70),
    an_answer("k2", payload={"x": float("inf")}),
]


@pytest.mark.parametrize("unfit", UNFIT, ids=range(len(UNFIT)))
def test_nothing_unfit_is_stored_by_either_way(ledger: Ledger, unfit: NewAnnotation) -> None:
    (good,) = ledger.annotations.submit([an_answer("k1")], contract_hash="c", now=NOW)
    with pytest.raises(AnnotationError):
        ledger.annotations.submit([an_answer("k3"), unfit], contract_hash="c", now=NOW)
    same = {name: getattr(unfit, name) for name in ("annotator", "act", "label", "note", "said_at", "lead_ms")}
    if replace(good, **same) != good:
        fact = replace(good, client_key="k9", annotation_id=annotation_id("k9"), **same)
        with pytest.raises(AnnotationError):
            ledger.annotations.take_over([fact], imported_by="lead", now=NOW)
    assert ledger.annotations.count() == 1


def test_a_clock_that_is_wrong_is_marked_and_wins_nothing(ledger: Ledger) -> None:
    future = NOW.replace(year=2199)
    wrong = an_answer("k1", act="adjudicate", said_at=future)
    (kept,) = ledger.annotations.submit([wrong], contract_hash="c", now=NOW)
    assert (kept.said_at, kept.claimed_at) == (NOW, future)
    ledger.annotations.submit([an_answer("k2", act="adjudicate", label="no")], contract_hash="c", now=NOW)
    assert [one.label for one in effective_labels(ledger.annotations.voices())] == ["no"]
    assert ledger.annotations.submit([wrong], contract_hash="c", now=NOW + timedelta(1)) == [kept]
    assert verify_ledger(ledger) == []


def test_a_stored_fact_that_cannot_be_read_is_set_aside_with_a_word(ledger: Ledger) -> None:
    (good,) = ledger.annotations.submit([an_answer("k1")], contract_hash="c", now=NOW)
    timeless = replace(good, client_key="k2", annotation_id=annotation_id("k2"), said_at=NOW.replace(tzinfo=None))
    nameless = replace(good, client_key="k3", annotation_id=annotation_id("k3"), annotator=" ")
    with ledger.database.writing() as connection:  # as a ledger of before let it in
        for one in (timeless, nameless):
            append(connection, replace(one, label="no"))
    assert [one.label for one in effective_labels(ledger.annotations.voices(), "latest")] == ["yes"]
    assert [(one.position, one.why) for one in ledger.annotations.set_aside()] == [
        (2, "its time has no zone"),
        (3, "it names no annotator"),
    ]
    assert "say it again" in str(ledger.annotations.set_aside()[0])
    assert len(ledger.annotations.until()) == 3
    assert verify_ledger(ledger) == []


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c", "\r", "\n", "😀"])
def test_a_segment_holds_any_text(ledger: Ledger, mark: str) -> None:
    ledger.annotations.submit([an_answer(note=f"see{mark}below")], contract_hash="c", now=NOW)
    ledger.segments.seal(NOW)
    assert verify_ledger(ledger) == []
    (segment,) = ledger.segments.all()
    (line,) = ledger.segments.lines(segment)
    assert line["fact"]["note"] == f"see{mark}below"
    assert canonical_json(line)


def test_the_ledger_is_its_owner_s_alone(place: Place) -> None:
    if not place.is_sqlite:
        pytest.skip("PostgreSQL keeps its own files")
    (place.folder / "ledger.db").touch(0o644)
    ledger = place.open()
    ledger.annotations.submit([an_answer()], contract_hash="c", now=NOW)
    rights = {path.name: path.stat().st_mode & 0o777 for path in place.folder.glob("ledger.db*")}
    assert set(rights) >= {"ledger.db", "ledger.db-wal"}
    assert set(rights.values()) == {0o600}
    ledger.close()
