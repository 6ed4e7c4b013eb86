"""Deliveries, planted events, and that every source row is dealt exactly once."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.examples.catalogue import EXAMPLES, example_named, write_project
from tiltyard.examples.dealing import (
    Deal,
    Delivery,
    arranged,
    laid_over,
    read_rows,
    references,
    without_label,
    write_rows,
)
from tiltyard.examples.planting import crossed, damaged, delayed, ragged, redelivered, repeated, rewritten
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.project import parse_project

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = Delivery("a.csv", b"x,id\n1,0\n2,1\n3,2\n", NOON)
LATER = Delivery("b.csv", b"x,id\n4,3\n5,4\n", NOON + timedelta(days=1))

cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=8)
tables = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=6)
)


@given(tables, st.sampled_from([",", ";"]))
def test_rows_survive_being_written(rows: list[list[str]], delimiter: str) -> None:
    assert read_rows(write_rows(rows, delimiter), delimiter) == rows


def body(delivery: Delivery) -> list[list[str]]:
    return read_rows(delivery.content, delivery.delimiter)[1:]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_label_leaves_and_reference_stands_last() -> None:
    rows, answers = without_label([["y", "x"], ["no", "5"], ["yes", "6"]], "y", "row_id")
    assert rows == [["x", "row_id"], ["5", "0"], ["6", "1"]]
    assert answers == {"0": "no", "1": "yes"}


def test_repeated_rows_join_the_others() -> None:
    twice = repeated(DAY, 2, rng())
    assert twice.extra_rows == 2
    assert twice.note == "2 rows twice"
    counts = Counter(map(tuple, body(twice)))
    assert sorted(counts.values()) == [1, 2, 2]
    assert set(counts) == set(map(tuple, body(DAY)))


def test_repeated_rows_of_another_delivery() -> None:
    again = repeated(LATER, 2, rng(), source=DAY)
    assert again.extra_rows == 2
    assert sum(row in body(DAY) for row in body(again)) == 2
    assert all(row in body(again) for row in body(LATER))


def test_damage_hits_a_copy_and_spares_the_source() -> None:
    bad = damaged(DAY, [{"x": "99"}, {"x": "", "id": "?"}], rng())
    assert bad.extra_rows == 2
    assert bad.note == "2 bad rows (x='99', 2 cells='')"
    extra = [row for row in body(bad) if row not in body(DAY)]
    assert ["", "?"] in extra
    assert any(row[0] == "99" for row in extra)
    assert [row for row in body(bad) if row in body(DAY)] == body(DAY)


def test_ragged_rows_are_a_cell_short_and_a_cell_long() -> None:
    assert sorted({len(row) for row in body(ragged(DAY, rng()))}) == [1, 2, 3]


def test_rewritten_changes_the_named_columns_only() -> None:
    changed = rewritten(DAY, ["x"], lambda cell: cell + "0", "new unit")
    assert body(changed) == [["10", "0"], ["20", "1"], ["30", "2"]]
    assert changed.note == "new unit"
    assert changed.extra_rows == 0


def test_late_crossed_and_redelivered_change_only_when() -> None:
    late = delayed(DAY, timedelta(days=2))
    ahead, behind = crossed(DAY, LATER)
    again = redelivered(repeated(DAY, 1, rng()), LATER.at)
    assert (late.at, late.content, late.note) == (NOON + timedelta(days=2), DAY.content, "late by 2 days")
    assert (ahead.at, behind.at) == (LATER.at, DAY.at)
    assert [one.key for one in arranged([ahead, behind])] == ["b.csv", "a.csv"]
    assert (again.key, again.extra_rows, again.at) == ("a.csv", 0, LATER.at)
    assert again.content == repeated(DAY, 1, rng()).content


def test_notes_add_up() -> None:
    assert delayed(ragged(DAY, rng()), timedelta(days=1)).note == "2 ragged rows; late by 1 days"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"a": {"b": 1, "c": 2}, "d": [1]}),
        ({"a": {"c": 3}}, {"a": {"b": 1, "c": 3}, "d": [1]}),
        ({"a": 5}, {"a": 5, "d": [1]}),
        ({"e": {"f": 1}, "d": [2]}, {"a": {"b": 1, "c": 2}, "d": [2], "e": {"f": 1}}),
    ],
)
def test_changes_are_laid_over(changes: dict[str, object], expected: dict[str, object]) -> None:
    content = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert laid_over(content, changes) == expected
    assert content == {"a": {"b": 1, "c": 2}, "d": [1]}


@pytest.fixture(params=sorted(EXAMPLES))
def made(request: pytest.FixtureRequest) -> tuple[str, Deal]:
    return request.param, EXAMPLES[request.param].made_sample(600, seed=3)


def first_time(deal: Deal) -> list[Delivery]:
    return list({delivery.key: delivery for delivery in reversed(deal.deliveries)}.values())


def test_every_source_row_is_dealt_once_besides_the_planted(made: tuple[str, Deal]) -> None:
    deal = made[1]
    dealt = [cell for one in first_time(deal) for cell in references(one, deal.reference)]
    planted = sum(one.extra_rows for one in first_time(deal))
    short = sum("ragged" in one.note for one in first_time(deal))  # one of its two rows has lost its reference
    assert set(dealt) == set(deal.answers)
    assert len(dealt) == len(deal.answers) + planted - short


def test_the_same_seed_deals_the_same_bytes(made: tuple[str, Deal]) -> None:
    assert EXAMPLES[made[0]].made_sample(600, seed=3) == made[1]


def test_another_seed_deals_another_sample(made: tuple[str, Deal]) -> None:
    assert EXAMPLES[made[0]].made_sample(600, seed=4) != made[1]


def test_answers_are_the_projects_classes_and_never_dealt(made: tuple[str, Deal]) -> None:
    name, deal = made
    project = parse_project(yaml.safe_load(EXAMPLES[name].project_file.read_text()), name)
    assert set(deal.answers.values()) <= set(project.class_names)
    for delivery in deal.deliveries:
        assert set(read_rows(delivery.content, delivery.delimiter)[0]) == set(project.columns.all_names)


def test_deliveries_arrive_in_order_of_time(made: tuple[str, Deal]) -> None:
    moments = [one.at for one in made[1].deliveries]
    assert moments == sorted(moments)
    assert all(moment.tzinfo is UTC for moment in moments)


@pytest.mark.parametrize("name", ["digits", "bank"])
def test_the_stories_plant_every_event(name: str) -> None:
    deal = EXAMPLES[name].made_sample(600)
    told = " | ".join(one.note for one in deal.deliveries)
    for event in ("twice", "once more", "bad rows", "ragged", "arrives before", "arrives after", "late by", "for byte"):
        assert event in told
    again = next(one for one in deal.deliveries if "byte for byte" in one.note)
    assert [one.content for one in deal.deliveries if one.key == again.key] == [again.content, again.content]
    assert deal.mend is not None
    assert deal.mend.after in {one.key for one in deal.deliveries}


@pytest.mark.parametrize("name", ["digits", "bank"])
def test_the_mended_project_file_parses_and_changes_the_contract(name: str) -> None:
    example = EXAMPLES[name]
    content = yaml.safe_load(example.project_file.read_text())
    mend = example.made_sample(600).mend
    assert mend is not None
    before, after = parse_project(content, name), parse_project(laid_over(content, mend.changes), name)
    assert before.contract_hash != after.contract_hash
    assert before.columns.all_names == after.columns.all_names


def test_a_project_is_written_with_its_comments(tmp_path_factory: pytest.TempPathFactory) -> None:
    example = EXAMPLES["bank"]
    path = write_project(example, tmp_path_factory.mktemp("bank") / "new")
    assert path.read_bytes() == example.project_file.read_bytes()


def test_a_project_is_written_with_changes(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("digits")
    path = write_project(EXAMPLES["digits"], folder, changes={"query": {"budget": 7}})
    assert parse_project(yaml.safe_load(path.read_text()), "digits").query.budget == 7


def test_an_unknown_example_is_named_with_its_neighbour() -> None:
    with pytest.raises(NotFound, match=r"no example 'bnak'; did you mean 'bank'\?"):
        example_named("bnak")
