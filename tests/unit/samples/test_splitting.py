import math
from hashlib import blake2b

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.samples.evaluation_split import draw_evaluation_set, evaluation_order, split_groups, take_in_random_order
from tiltyard.schemas.errors import ProjectFileError
from tiltyard.schemas.project import parse_project

ids = st.lists(st.text("0123456789abcdef", min_size=32, max_size=32), min_size=1, max_size=50, unique=True)

PINNED = [0.30737152872912377, 0.9154711620558643]
"""What evaluation_order gave when it was written; another value would redraw every evaluation set."""


def many(n: int) -> pl.Series:
    return pl.Series([blake2b(str(i).encode(), digest_size=16).hexdigest() for i in range(n)])


@given(sample_ids=ids, seed=st.integers(0, 2**63), share=st.floats(0, 1), data=st.data())
def test_membership_does_not_depend_on_order_or_chunking(
    sample_ids: list[str], seed: int, share: float, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(sample_ids))
    at_once = dict(zip(sample_ids, draw_evaluation_set(pl.Series(sample_ids), share, seed), strict=True))
    alone = {name: draw_evaluation_set(pl.Series([name]), share, seed)[0] for name in shuffled}
    assert at_once == alone


@given(sample_ids=ids, low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_larger_share_only_adds_samples(sample_ids: list[str], low: float, high: float) -> None:
    low, high = sorted((low, high))
    ours = pl.Series(sample_ids)
    fewer, more = draw_evaluation_set(ours, low, 1), draw_evaluation_set(ours, high, 1)
    assert not (fewer & ~more).any()


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5])
def test_the_share_is_kept(share: float) -> None:
    n = 20_000
    drawn = draw_evaluation_set(many(n), share, seed=7).sum()
    assert abs(float(drawn) - share * n) < 4 * math.sqrt(n * share * (1 - share))


def test_seeds_and_words_give_unrelated_numbers() -> None:
    sample_ids = many(20_000)
    first, other = evaluation_order(sample_ids, 1), evaluation_order(sample_ids, 2)
    drawn = draw_evaluation_set(sample_ids, 0.2, 1)
    assert abs(pl.DataFrame({"a": first, "b": other}).select(pl.corr("a", "b")).item()) < 0.03
    # Were both decided by the same number, the drawn rows would all stand first in the order.
    drawn_mean = first.filter(drawn).mean()
    assert isinstance(drawn_mean, float)
    assert abs(drawn_mean - 0.5) < 0.02


def test_types_names_and_the_empty_batch() -> None:
    nothing = pl.Series([], dtype=pl.String)
    assert draw_evaluation_set(nothing, 0.2, 0).dtype == pl.Boolean
    assert evaluation_order(nothing, 0).dtype == pl.Float64


def test_the_numbers_never_change_between_releases() -> None:
    order = evaluation_order(pl.Series(["0" * 32, "f" * 32]), seed=0).to_list()
    assert order == pytest.approx(PINNED, abs=0)


OF_BRANCHES = {
    "name": "p",
    "classes": ["a", "b"],
    "columns": {"features": {"x": {"kind": "number"}}, "reference": ["branch"], "entity": "branch"},
}


def test_all_rows_of_an_entity_are_on_one_side_and_a_row_without_one_stands_for_itself() -> None:
    project = parse_project(OF_BRANCHES, "p.yaml")
    branches = [f"branch {number % 200}" if number % 10 else None for number in range(4000)]
    rows = pl.DataFrame({"sample_id": many(4000), "x": [0.0] * 4000, "branch": branches})
    drawn = draw_evaluation_set(split_groups(rows, project), 0.3, project.seed)
    sides = (
        rows.with_columns(drawn=drawn).group_by("branch").agg(pl.col("drawn").n_unique(), share=pl.col("drawn").mean())
    )
    known = sides.filter(pl.col("branch").is_not_null())
    assert known["drawn"].to_list() == [1] * len(known)
    assert abs(float(known["share"].mean()) - 0.3) < 0.15  # type: ignore[arg-type]  # a mean of floats is one
    alone = sides.filter(pl.col("branch").is_null())
    assert abs(alone["share"].item() - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 400)


def test_without_an_entity_column_each_row_stands_for_itself() -> None:
    plain = {**OF_BRANCHES, "columns": {"features": {"x": {"kind": "number"}}, "reference": ["branch"]}}
    rows = pl.DataFrame({"sample_id": many(3), "x": [0.0] * 3, "branch": ["one"] * 3})
    assert split_groups(rows, parse_project(plain, "p.yaml")).to_list() == rows["sample_id"].to_list()


def test_an_entity_column_that_is_none_of_the_columns_is_refused_with_the_nearest() -> None:
    columns = {**OF_BRANCHES["columns"], "entity": "brunch"}  # type: ignore[dict-item]  # a mapping, as above
    with pytest.raises(ProjectFileError, match=r"entity 'brunch' is none of the columns.*branch"):
        parse_project({**OF_BRANCHES, "columns": columns}, "p.yaml")


def test_batches_are_labeled_alike_however_late_they_come() -> None:
    """The order of chance is permanent: who comes late is asked first, until its share is that of all."""
    asked: set[str] = set()
    arrived: list[pl.DataFrame] = []
    everyone, starts, sizes = many(13_500), [0, 3000, 6000, 12_000], [800, 3000, 300, 1500]
    for number in range(12):
        if number < len(sizes):
            arrived.append(pl.DataFrame({"sample_id": everyone.slice(starts[number], sizes[number]), "batch": number}))
        unasked = [batch.filter(~pl.col("sample_id").is_in(sorted(asked))) for batch in arrived]
        asked |= set(take_in_random_order(unasked, 200, seed=5)["sample_id"])
    everything = pl.concat(arrived)
    shares = everything.with_columns(asked=pl.col("sample_id").is_in(sorted(asked))).group_by("batch").agg(
        share=pl.col("asked").mean(), rows=pl.len()
    )  # fmt: skip
    overall = len(asked) / everything.height
    for share, rows in shares.select("share", "rows").iter_rows():
        assert abs(share - overall) < 4 * math.sqrt(overall * (1 - overall) / rows)


@given(sample_ids=ids, size=st.integers(1, 7), most=st.integers(0, 60))
def test_the_first_in_the_order_are_the_same_in_any_chunks(sample_ids: list[str], size: int, most: int) -> None:
    frame = pl.DataFrame({"sample_id": sample_ids})
    at_once = take_in_random_order([frame], most, seed=1)
    assert take_in_random_order(frame.iter_slices(size), most, seed=1).equals(at_once)
    order = at_once["_order"].to_list()
    assert order == sorted(order)
    assert at_once.height == min(most, len(sample_ids))
