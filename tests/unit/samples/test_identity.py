"""A sample's id follows from its content alone: not from the order of rows or columns, nor from the chunking."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.samples.identity import payload_hash, sample_ids, sample_keys
from tiltyard.schemas.pool_types import POOL_TYPES
from tiltyard.schemas.project import Kind, Project, parse_project


def project(**kinds: Kind) -> Project:
    columns = {"features": {name: {"kind": kind} for name, kind in kinds.items()}, "reference": ["answer"]}
    return parse_project({"name": "p", "classes": ["a", "b"], "columns": columns}, "p.yaml")


def one_id(value: Any, kind: Kind) -> str:
    frame = pl.DataFrame({"x": pl.Series([value], dtype=POOL_TYPES[kind])})
    return str(sample_ids(frame, project(x=kind)).item())


MIXED = project(n="number", i="integer", c="category", t="text", b="boolean", w="timestamp")
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.floats(allow_nan=False),
            "i": st.none() | st.integers(-(2**63), 2**63 - 1),
            "c": st.none() | st.sampled_from(["", "a", "1", "-", ";", "i1;"]),
            "t": st.none() | st.text(st.characters(codec="utf-8"), max_size=20),
            "b": st.none() | st.booleans(),
            "w": st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
        }
    ),
    min_size=1,
    max_size=20,
)


def framed(rows: list[dict[str, Any]]) -> pl.DataFrame:
    kinds = {name: MIXED.columns.kind_of(name) for name in MIXED.columns.features}
    return pl.DataFrame(rows, schema={name: POOL_TYPES[kind] for name, kind in kinds.items()})


@given(ROWS, st.randoms())
def test_ids_do_not_depend_on_order_or_chunks(rows: list[dict[str, Any]], chance: Any) -> None:
    frame = framed(rows)
    ids = sample_ids(frame, MIXED)
    names, order = list(frame.columns), list(range(len(rows)))
    chance.shuffle(names)
    chance.shuffle(order)
    chunks = [sample_ids(frame.select(names)[place : place + 1], MIXED) for place in order]
    assert [chunk.item() for chunk in chunks] == [ids[place] for place in order]


@given(ROWS)
def test_ids_are_equal_where_and_only_where_rows_are(rows: list[dict[str, Any]]) -> None:
    ids = sample_ids(framed(rows), MIXED)
    for place, one in enumerate(rows):
        for other_place, other in enumerate(rows):
            assert (one == other) == (ids[place] == ids[other_place])


def test_ids_stay_what_they_are() -> None:
    """The ids of yesterday's samples must be found again tomorrow: this text is a promise."""
    frame = framed([{"n": 0.5, "i": 7, "c": "é", "t": None, "b": True, "w": datetime(2024, 1, 5, tzinfo=UTC)}])
    assert sample_ids(frame, MIXED).item() == "b9e36d590f2142fe667de922982a50cf"


@pytest.mark.parametrize(("one", "other", "kind"), [(0.0, -0.0, "number")])
def test_equal_values_have_equal_ids(one: Any, other: Any, kind: Kind) -> None:
    assert one_id(one, kind) == one_id(other, kind)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (0.1 + 0.2, 0.3, "number"),
        (None, 0.0, "number"),
        (2**53, 2**53 + 1, "integer"),
        ("", None, "text"),
        ("00007", "7", "category"),
        ("a", "a ", "text"),
        ("é", "e\u0301", "text"),
        (False, None, "boolean"),
        (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC), "timestamp"),
    ],
)
def test_different_values_have_different_ids(one: Any, other: Any, kind: Kind) -> None:
    assert one_id(one, kind) != one_id(other, kind)


def test_cells_cannot_run_into_each_other() -> None:
    both = project(a="text", b="text")
    frame = pl.DataFrame({"a": ["x", "x;t1:y", ""], "b": ["y", "", "x"]})
    swapped = pl.DataFrame({"a": ["y"], "b": ["x"]})
    ids = [*sample_ids(frame, both), *sample_ids(swapped, both)]
    assert len(set(ids)) == 4


def test_a_reference_is_no_part_of_the_identity() -> None:
    frame = pl.DataFrame({"x": ["a", "a"], "answer": ["yes", "no"]})
    assert sample_ids(frame, project(x="text")).n_unique() == 1


@given(st.lists(st.binary(min_size=16, max_size=16), min_size=1))
def test_keys_are_the_first_eight_bytes(digests: list[bytes]) -> None:
    keys = sample_keys(pl.Series([one.hex() for one in digests]))
    assert keys.dtype == pl.Int64
    assert keys.to_list() == [int.from_bytes(one[:8], "big", signed=True) for one in digests]


def test_a_payload_hash_sees_every_value() -> None:
    payload = {"a": 1, "b": "x", "c": None}
    assert payload_hash(payload) == payload_hash(dict(reversed(payload.items())))
    assert len({payload_hash(payload | {name: "y"}) for name in payload} | {payload_hash(payload)}) == 4
