"""Choosing from a streamed pool: the same rows for any chunks, bounded memory, and chance with known odds."""

import tracemalloc
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, get_args

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modAL.uncertainty import margin_sampling
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from tiltyard.query.committee import fit_committee
from tiltyard.query.selection import CHOICE, QuerySpec, anti_join, select_samples
from tiltyard.query.top_k import CHANCE, WANTING, RankedRows, TopK, merge_ranked
from tiltyard.samples.features import feature_frame
from tiltyard.samples.hashing import random_keys, row_keys
from tiltyard.schemas.errors import TrainingError
from tiltyard.schemas.project import Project, Query, StrategyName

ROWS, LABELED = 3_000, 80


def pool_rows(columns: dict[str, Any]) -> pl.DataFrame:
    """Pool rows with the store's leading columns."""
    rows = len(next(iter(columns.values())))
    digests = [blake2b(str(number).encode(), digest_size=16).digest() for number in range(rows)]
    keys = [int.from_bytes(digest[:8], "big", signed=True) for digest in digests]
    leading = {"sample_id": [digest.hex() for digest in digests], "sample_key": keys, "row": range(rows)}
    return pl.DataFrame({**leading, "evaluation": [False] * rows, **columns})


def project_of(**features: str) -> Project:
    """A project with these features and kinds."""
    kinds = {name: {"kind": kind} for name, kind in features.items()}
    return Project.model_validate({"name": "made", "columns": {"features": kinds}, "classes": ["ant", "bee", "cow"]})


NUMBERS = project_of(**dict.fromkeys("abcdef", "number"))
MIXED = project_of(size="number", count="integer", colour="category", words="text", bright="boolean", seen="timestamp")


@pytest.fixture(scope="module")
def pool() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pool_rows({name: rng.normal(size=ROWS) for name in "abcdef"})


@pytest.fixture(scope="module")
def answers(pool: pl.DataFrame) -> Any:
    return np.array(["ant", "bee", "cow"])[np.argmax(pool.select("abc"[0], "b", "c").to_numpy(), axis=1)]


@pytest.fixture(scope="module")
def model(pool: pl.DataFrame, answers: Any) -> Any:
    recipe = make_pipeline(StandardScaler(), LogisticRegression())
    return recipe.fit(feature_frame(pool[:LABELED], NUMBERS), answers[:LABELED])


@pytest.fixture(scope="module")
def committee(pool: pl.DataFrame, answers: Any, model: Any) -> list[Any]:
    return fit_committee(model, feature_frame(pool[:LABELED], NUMBERS), answers[:LABELED], size=3, seed=0)


def mixed_pool(rows: int = 400) -> pl.DataFrame:
    """Rows of every kind, with gaps in each."""
    rng = np.random.default_rng(1)
    words = [" ".join(rng.choice(["red", "green", "fast", "slow", "old"], 4)) for _ in range(rows)]
    frame = pool_rows(
        {
            "size": rng.normal(size=rows),
            "count": rng.integers(0, 1000, rows),
            "colour": rng.choice(["red", "green", "blue"], rows),
            "words": words,
            "bright": rng.random(rows) < 0.5,
            "seen": rng.integers(0, 10**15, rows),
        }
    ).with_columns(pl.col("seen").cast(pl.Datetime("us", "UTC")))
    holes = pl.col("row") % 7 == 0
    return frame.with_columns(
        pl.when(holes).then(None).otherwise(pl.col(name)).alias(name) for name in MIXED.columns.all_names
    )


@pytest.mark.parametrize("name", get_args(StrategyName))
def test_every_strategy_chooses_from_a_stream(
    name: StrategyName, pool: pl.DataFrame, model: Any, committee: Any
) -> None:
    wanted = QuerySpec(number=60, strategy=name, seed=5)
    rows = pool[LABELED:]
    chosen = select_samples(
        rows.iter_slices(700), wanted, NUMBERS, model=model, committee=committee, labeled=pool[:LABELED]
    )
    assert chosen.columns == [*pool.columns, *CHOICE]
    assert chosen["sample_id"].n_unique() == chosen.height == 60
    queried = chosen.filter(_purpose="query")
    assert queried.height == (0 if name == "random" else 54)
    assert set(queried["_strategy"]) <= {name}
    assert queried["_score"].null_count() == (54 if name == "typical" else 0)
    assert queried["_probability"].null_count() == queried.height
    assert chosen["_priority"].is_sorted(descending=True)
    assert chosen.select(pool.columns).equals(pool[chosen["row"].to_list()])


def test_the_queried_rows_are_modals_when_chance_is_off(pool: pl.DataFrame, model: Any) -> None:
    chosen = select_samples(
        pool.iter_slices(500), QuerySpec(number=50, strategy="margin", random_share=0), NUMBERS, model=model
    )
    theirs, margins = margin_sampling(model, feature_frame(pool, NUMBERS), n_instances=50)
    assert set(chosen["row"]) == set(theirs.tolist())
    np.testing.assert_allclose(np.sort(chosen["_score"]), np.sort(margins), atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(
    order=st.randoms(use_true_random=False),
    size=st.integers(1, ROWS),
    number=st.integers(1, 90),
    strategy=st.sampled_from(["margin_kmeans", "margin", "entropy", "ranked_batch", "typical", "random", None]),
)
def test_chunks_and_their_order_change_nothing(
    pool: pl.DataFrame, model: Any, order: Any, size: int, number: int, strategy: StrategyName | None
) -> None:
    rows = pool[LABELED:700]
    shuffled = rows[order.sample(range(rows.height), rows.height)]
    wanted = QuerySpec(number=number, strategy=strategy or "margin", seed=3, random_share=0.2)
    options: dict[str, Any] = {"model": model if strategy else None, "labeled": pool[:LABELED]}
    whole = select_samples([rows], wanted, NUMBERS, **options)
    pieces = select_samples(shuffled.iter_slices(size), wanted, NUMBERS, **options)
    assert pieces.equals(whole)


def test_massive_ties_are_broken_by_the_sample_not_its_place(pool: pl.DataFrame) -> None:
    stump = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=2))
    with threadpool_limits(1):
        stump.fit(feature_frame(pool[:500], NUMBERS), np.where(pool["a"][:500].to_numpy() > 0, "ant", "bee"))
        forwards, backwards = (
            select_samples(rows.iter_slices(400), QuerySpec(number=40, strategy="margin", seed=1), NUMBERS, model=stump)
            for rows in (pool, pool.reverse())
        )
        other = select_samples([pool], QuerySpec(number=40, strategy="margin", seed=2), NUMBERS, model=stump)
    assert forwards.equals(backwards)
    assert set(forwards["row"]) != set(other["row"])
    assert np.corrcoef(forwards["row"], np.arange(40))[0, 1] < 0.9


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_random_share_is_exact_and_its_probability_known(pool: pl.DataFrame, model: Any, share: float) -> None:
    chosen = select_samples(
        pool.iter_slices(999), QuerySpec(number=40, random_share=share, seed=8), NUMBERS, model=model
    )
    drawn = chosen.filter(_purpose="random")
    assert drawn.height == 40 * share
    assert drawn["_score"].null_count() == drawn.height
    assert set(drawn["_probability"]) <= {40 * share / ROWS}
    assert set(drawn["_strategy"]) <= {"random"}


def test_a_share_of_less_than_one_row_is_right_on_average() -> None:
    drawn = [QuerySpec(number=3, random_share=0.1, seed=seed).drawn for seed in range(2_000)]
    assert set(drawn) == {0, 1}
    assert np.mean(drawn) == pytest.approx(0.3, abs=0.04)


def test_every_row_is_drawn_as_often_as_its_probability_says(pool: pl.DataFrame, model: Any) -> None:
    rows, times = pool[:50], np.zeros(50)
    for seed in range(250):
        chosen = select_samples(
            [rows], QuerySpec(number=10, random_share=0.5, strategy="margin", seed=seed), NUMBERS, model=model
        )
        times[chosen.filter(_purpose="random")["row"].to_numpy()] += 1
    # 250 draws with p = 0.1: four standard deviations are 19; the least certain rows are drawn no less often.
    assert np.abs(times - 25).max() < 20


def test_random_rows_alternate_with_queried_ones(pool: pl.DataFrame, model: Any) -> None:
    chosen = select_samples([pool], QuerySpec(number=60), NUMBERS, model=model)
    assert all(chosen["_purpose"][start : start + 20].to_list().count("random") == 2 for start in (0, 20, 40))


def test_without_a_model_the_start_strategy_chooses(pool: pl.DataFrame) -> None:
    chosen = select_samples([pool], QuerySpec(number=30, strategy="committee_kl"), NUMBERS)
    assert set(chosen["_strategy"]) == {"typical", "random"}
    chosen = select_samples([pool], QuerySpec(number=30, start="random"), NUMBERS)
    assert set(chosen["_purpose"]) == {"random"}
    assert set(chosen["_probability"]) == {30 / ROWS}


def test_every_kind_of_column_takes_part_in_the_cold_start() -> None:
    rows = mixed_pool()
    chosen = select_samples(rows.iter_slices(150), QuerySpec(number=20, seed=1), MIXED, labeled=rows[:30])
    assert chosen["sample_id"].n_unique() == 20
    assert chosen.select(rows.columns).equals(rows[chosen["row"].to_list()])


def test_a_pipeline_fills_gaps_before_rows_are_compared() -> None:
    rows = mixed_pool()
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer(
        [
            ("numbers", numbers, ["size", "count", "bright", "seen"]),
            ("categories", OneHotEncoder(handle_unknown="ignore"), ["colour"]),
            ("words", TfidfVectorizer(), "words"),
        ]
    )
    frame = feature_frame(rows[:60], MIXED)
    linear = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(frame, np.resize(["ant", "bee"], 60))
    chosen = select_samples(rows[60:].iter_slices(90), QuerySpec(number=20), MIXED, model=linear)
    assert chosen["sample_id"].n_unique() == 20


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_pool_smaller_than_the_wish_is_chosen_whole(pool: pl.DataFrame, model: Any, size: int) -> None:
    chosen = select_samples([pool[:0], pool[:size]], QuerySpec(number=20, seed=4), NUMBERS, model=model)
    assert sorted(chosen["row"]) == list(range(size))
    assert chosen.columns == [*pool.columns, *CHOICE]


def test_an_empty_stream_gives_an_empty_choice_with_every_column(model: Any) -> None:
    chosen = select_samples(iter(()), QuerySpec(number=20), NUMBERS, model=model)
    assert chosen.height == 0
    assert {"sample_id", *"abcdef", *CHOICE} <= set(chosen.columns)
    assert {name: chosen.schema[name] for name in CHOICE} == CHOICE


def test_a_committee_strategy_says_what_it_misses(pool: pl.DataFrame, model: Any) -> None:
    with pytest.raises(TrainingError, match="fit_committee"):
        select_samples([pool], QuerySpec(number=5, strategy="committee_vote"), NUMBERS, model=model)


def test_an_unfitted_model_is_refused(pool: pl.DataFrame) -> None:
    with pytest.raises(TrainingError, match="not fitted"):
        select_samples([pool], QuerySpec(number=5), NUMBERS, model=LogisticRegression())


def test_the_project_file_says_what_is_wanted() -> None:
    query = Query(strategy="entropy", start="random", random_share=0.25, shortlist=4)
    assert QuerySpec.by(query, number=9, seed=2) == QuerySpec(
        number=9, strategy="entropy", start="random", random_share=0.25, shortlist=4, seed=2
    )


def test_rows_are_left_out_by_their_id(pool: pl.DataFrame) -> None:
    left = anti_join(pool, pool["sample_id"][5:10])
    assert left.equals(pl.concat([pool[:5], pool[10:]]))
    assert anti_join(pool, pl.Series([], dtype=pl.String)).equals(pool)


def test_memory_is_that_of_a_piece_however_long_the_stream(model: Any) -> None:
    def stream() -> Iterator[pl.DataFrame]:
        for number in range(50):
            rng = np.random.default_rng(number)
            keys = rng.integers(0, 2**62, 20_000)
            ids = pl.Series(keys).cast(pl.String).str.zfill(32)
            yield pl.DataFrame({"sample_id": ids, "sample_key": keys, **{n: rng.normal(size=20_000) for n in "abcdef"}})

    tracemalloc.start()
    chosen = select_samples(stream(), QuerySpec(number=50, strategy="margin"), NUMBERS, model=model)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert chosen.height == 50
    assert peak < 50 * 20_000 * 6 * 8 / 3  # the stream's numbers are 48 MB


def test_a_gathering_holds_little_more_than_it_keeps() -> None:
    rng, gathering = np.random.default_rng(0), TopK(100)
    for start in range(0, 200_000, 1_000):
        rows = pl.DataFrame({"row": range(start, start + 1_000)})
        gathering.add(rows, np.full(1_000, float(start)), rng.integers(0, 2**63, 1_000).astype(np.uint64))
        assert sum(part.height for part in gathering.waiting) < 100
    assert gathering.settled()["row"].to_numpy().min() >= 199_000


def test_a_few_rows_do_not_hold_on_to_the_texts_of_their_chunks() -> None:
    rng, gathering = np.random.default_rng(0), TopK(50)
    for _ in range(20):
        texts = pl.Series(rng.integers(0, 2**62, 5_000)).cast(pl.String).str.zfill(200)
        wanting, chance = rng.normal(size=5_000), rng.integers(0, 2**63, 5_000).astype(np.uint64)
        gathering.add(pl.DataFrame({"words": texts}), wanting, chance)
    kept = gathering.settled().to_arrow(compat_level=pl.CompatLevel.newest())
    held = sum(part.size for column in kept.columns for chunk in column.chunks for part in chunk.buffers() if part)
    assert held < 50 * 400


def lists(keep: int = 5) -> st.SearchStrategy[RankedRows]:
    """Shortlists of a few rows whose wanting is often tied."""
    row = st.tuples(st.integers(0, 3).map(float), st.integers(0, 6), st.integers(0, 10**6))

    def shortlist(rows: list[tuple[float, int, int]]) -> RankedRows:
        columns = {WANTING: pl.Float64(), CHANCE: pl.UInt64(), "payload": pl.Int64()}
        frame = pl.DataFrame(rows, schema=columns, orient="row")
        return merge_ranked(RankedRows(keep, frame.with_columns(sample_id=pl.col("payload").cast(pl.String))))

    return st.lists(row, max_size=8, unique_by=lambda entry: entry[2]).map(shortlist)


@settings(max_examples=40, deadline=None)
@given(lists(), lists(), lists())
def test_merging_is_associative_and_commutative(a: RankedRows, b: RankedRows, c: RankedRows) -> None:
    together = merge_ranked(a, b, c).rows
    assert merge_ranked(merge_ranked(a, b), c).rows.equals(together)
    assert merge_ranked(a, merge_ranked(c, b)).rows.equals(together)
    assert merge_ranked(c, b, a).rows.equals(together)
    assert together.height == min(5, sum(part.rows.height for part in (a, b, c)))


@settings(max_examples=40, deadline=None)
@given(lists(), lists())
def test_only_rows_that_would_stay_are_admitted(a: RankedRows, b: RankedRows) -> None:
    admitted = a.admits(b.rows[WANTING].to_numpy(), b.rows[CHANCE].to_numpy())
    few = RankedRows(5, b.rows.filter(pl.Series(admitted, dtype=pl.Boolean)))
    names = [WANTING, CHANCE]
    assert merge_ranked(a, few).rows.select(names).equals(merge_ranked(a, b).rows.select(names))


def test_chance_keeps_no_pattern_and_reads_either_form_of_the_id(pool: pl.DataFrame) -> None:
    keys = row_keys(pool)
    assert np.array_equal(keys, row_keys(pool.drop("sample_key")))
    first, second = random_keys(keys, 1) / 2.0**64, random_keys(keys, 2) / 2.0**64
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.08
    assert abs(first.mean() - 0.5) < 0.03
    assert np.histogram(first, 10, (0, 1))[0].min() > 0.07 * ROWS
