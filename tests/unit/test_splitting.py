import math
from hashlib import blake2b

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.rules.splitting import drawn_for_evaluation, evaluation_order

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
    at_once = dict(zip(sample_ids, drawn_for_evaluation(pl.Series(sample_ids), share, seed), strict=True))
    alone = {name: drawn_for_evaluation(pl.Series([name]), share, seed)[0] for name in shuffled}
    assert at_once == alone


@given(sample_ids=ids, low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_larger_share_only_adds_samples(sample_ids: list[str], low: float, high: float) -> None:
    low, high = sorted((low, high))
    ours = pl.Series(sample_ids)
    fewer, more = drawn_for_evaluation(ours, low, 1), drawn_for_evaluation(ours, high, 1)
    assert not (fewer & ~more).any()


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5])
def test_the_share_is_kept(share: float) -> None:
    n = 20_000
    drawn = drawn_for_evaluation(many(n), share, seed=7).sum()
    assert abs(float(drawn) - share * n) < 4 * math.sqrt(n * share * (1 - share))


def test_seeds_and_words_give_unrelated_numbers() -> None:
    sample_ids = many(20_000)
    first, other = evaluation_order(sample_ids, 1), evaluation_order(sample_ids, 2)
    drawn = drawn_for_evaluation(sample_ids, 0.2, 1)
    assert abs(pl.DataFrame({"a": first, "b": other}).select(pl.corr("a", "b")).item()) < 0.03
    # Were both decided by the same number, the drawn rows would all stand first in the order.
    drawn_mean = first.filter(drawn).mean()
    assert isinstance(drawn_mean, float)
    assert abs(drawn_mean - 0.5) < 0.02


def test_types_names_and_the_empty_batch() -> None:
    nothing = pl.Series([], dtype=pl.String)
    assert drawn_for_evaluation(nothing, 0.2, 0).dtype == pl.Boolean
    assert evaluation_order(nothing, 0).dtype == pl.Float64


def test_the_numbers_never_change_between_releases() -> None:
    order = evaluation_order(pl.Series(["0" * 32, "f" * 32]), seed=0).to_list()
    assert order == pytest.approx(PINNED, abs=0)
