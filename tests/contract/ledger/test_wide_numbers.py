"""Whole numbers of 64 bits come back as they were written, on both databases; wider ones are refused in a sentence."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import BigInteger, Integer, inspect

from tests.projects.facts import NOW, a_batch, an_object
from tests.servers.databases import Place
from tiltyard.schemas.errors import LedgerError
from tiltyard.schemas.records import (
    Assignment,
    AssignmentId,
    LabeledSet,
    Model,
    ModelId,
    Query,
    QueryId,
    SampleId,
    StoredFile,
    TrainingId,
    Verdict,
    VerdictId,
)
from tiltyard.stores.ledger.chain.integrity import verify_ledger
from tiltyard.stores.ledger.ledger import Ledger

WIDE = [0, 2**31 - 1, 2**31, 2_200_000_000, 2**32, 2**53 + 1, 2**63 - 1]


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    opened = place.open()
    yield opened
    opened.close()


def test_every_whole_number_has_64_bits(ledger: Ledger) -> None:
    with ledger.database.reading() as connection:
        inspector = inspect(connection)
        columns = [(name, column) for name in inspector.get_table_names() for column in inspector.get_columns(name)]
        whole = [(name, column) for name, column in columns if isinstance(column["type"], Integer)]
        assert len(whole) > 30
        narrow = [name for name, column in whole if not isinstance(column["type"], BigInteger)]
    assert narrow == [] or ledger.database.is_sqlite  # where every INTEGER has 64 bits


@pytest.mark.parametrize("number", WIDE)
def test_a_number_comes_back_as_it_was_written(ledger: Ledger, number: int) -> None:
    landed = replace(an_object(), size=number)
    ledger.batches.see(landed)
    batch = a_batch(read=number, accepted=number, quarantined=number, duplicate=number, attempt=number)
    ledger.batches.record(batch)
    query = Query(QueryId("q"), "margin", None, number, number, "", NOW)
    asked = Assignment(
        AssignmentId("a"), QueryId("q"), SampleId("s"), number, "query", "", 0.1, None, None, {"x": number}, 1
    )
    ledger.assignments.ask(query, [asked])
    labeled = LabeledSet("t", "training", number, number, {"yes": number}, StoredFile("t.parquet", "f", number), NOW)
    ledger.models.keep_set(labeled)
    model = Model(
        ModelId("m"), TrainingId("t"), "p", {"seed": number}, number, "1", {}, {}, None, "run", "1",
        StoredFile("m", "a", number), "h", NOW,
    )  # fmt: skip
    ledger.models.keep(model)
    verdict = Verdict(
        VerdictId("v"), ModelId("m"), None, None, "keep", "accuracy", number, None, None, None, (), {}, "gate", "", NOW
    )
    ledger.champions.decide(verdict)
    assert ledger.batches.objects() == [landed]
    assert ledger.batches.all() == [batch]
    assert ledger.assignments.of_sample(SampleId("s")) == [asked]
    assert (ledger.models.sets(), ledger.models.all()) == ([labeled], [model])
    assert ledger.champions.verdict(VerdictId("v")) == verdict
    ledger.segments.seal(NOW)
    assert verify_ledger(ledger) == []


@pytest.mark.parametrize("number", [2**63, 2**70, -(2**63) - 1])
def test_a_wider_number_is_refused_in_a_sentence_and_stops_nothing(ledger: Ledger, number: int) -> None:
    with pytest.raises(LedgerError, match=r"size is .*64 bits"):
        ledger.batches.see(replace(an_object(), size=number))
    ledger.batches.see(an_object(2, "other.csv"))
    assert [one.key for one in ledger.batches.objects()] == ["other.csv"]
