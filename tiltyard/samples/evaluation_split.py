"""The random draw of the evaluation set, and the random order in which its labels are requested."""

from collections.abc import Iterable
from hashlib import blake2b, sha256
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tiltyard.samples.identity import canonical_cell
from tiltyard.schemas.project import Project, inside

SCALE: Final = 2.0**53
"""Doubles hold 53 bits exactly."""
LONG: Final = 200
"""Bytes of an entity's value above which its hash is used instead."""


def draw_evaluation_set(sample_ids: pl.Series, share: float, seed: int) -> pl.Series:
    """Whether each sample belongs to the evaluation set (Boolean, in the order of ``sample_ids``).

    A sample's own id and the seed decide, so the result is the same in any batch, order or process.
    Where entities are drawn, pass :func:`split_groups` instead. ``share`` is the probability
    in [0, 1]; a larger share only ever adds samples.

    >>> draw_evaluation_set(pl.Series(["00ff", "ab12"]), share=1.0, seed=0).to_list()
    [True, True]
    """
    return (_uniform(sample_ids, seed, b"evaluation") < share).alias("evaluation")


def split_groups(rows: pl.DataFrame, project: Project) -> pl.Series:
    """The unit that is drawn into the evaluation set: each row, or each entity with all of its rows.

    ``rows`` has sample_id and the project's columns. Where the project names an entity column, its value is the
    unit, so no entity is on both sides of the split; a row without a value is a unit by itself.
    """
    entity = project.columns.entity
    if entity is None:
        return rows["sample_id"]
    value = pl.concat_str(pl.lit("entity "), canonical_cell(inside(entity), project.columns.kind_of(entity)))
    unit = pl.when(pl.col(inside(entity)).is_null()).then(pl.col("sample_id")).otherwise(value)
    return rows.select(unit.alias("unit")).to_series()


def entity_groups(rows: pl.DataFrame, project: Project) -> NDArray[np.str_] | None:
    """The entity of each row as :func:`split_groups` gives it, text (n,); None if the project names no entity column.

    A long value is replaced by its hash: each cell of a text array takes the memory of the longest one.
    """
    return _shortened(split_groups(rows, project)).to_numpy().astype(str) if project.columns.entity else None


def _shortened(units: pl.Series) -> pl.Series:
    """Texts with the hash of each long one in its place.

    >>> _shortened(pl.Series(["a", None, "b" * 1000])).str.len_bytes().to_list()
    [1, None, 64]
    """
    longer = units.filter(units.str.len_bytes() > LONG).unique().to_list()
    hashed = [sha256(unit.encode()).hexdigest() for unit in longer]
    return units.replace(longer, hashed) if longer else units


def take_in_random_order(chunks: Iterable[pl.DataFrame], most: int, seed: int) -> pl.DataFrame:
    """The first ``most`` rows of all chunks in random order, sorted by it, with the order as ``_order``.

    The chunks are read once and only the rows wanted are kept, with at most as many others beside one chunk.
    """
    kept: list[pl.DataFrame] = []
    held = 0
    for chunk in chunks:
        kept.append(chunk.with_columns(evaluation_order(chunk["sample_id"], seed).alias("_order")))
        held += len(chunk)
        # To sort at every chunk costs more than to hold a few: a pool may have many small files.
        if held > 2 * most:
            kept, held = [_first(kept, most)], most
    return _first(kept, most).sort("_order", "sample_id") if kept else pl.DataFrame()


def _first(frames: list[pl.DataFrame], most: int) -> pl.DataFrame:
    """The first rows of some frames by their order, in no order."""
    return pl.concat(frames).bottom_k(most, by=["_order", "sample_id"])


def evaluation_order(sample_ids: pl.Series, seed: int) -> pl.Series:
    """Each sample's place in the random order of requests (Float64 in [0, 1), lowest first).

    It is independent of :func:`draw_evaluation_set` and of arrival, so any first part of the evaluation
    set in this order is itself a random sample.

    >>> evaluation_order(pl.Series(["00ff"]), seed=0).is_between(0, 1).to_list()
    [True]
    """
    return _uniform(sample_ids, seed, b"order").alias("order")


def _uniform(sample_ids: pl.Series, seed: int, word: bytes) -> pl.Series:
    """One number in [0, 1) for each id: the first 53 bits of BLAKE2b keyed with the seed and a word."""
    keyed = blake2b(key=str(seed).encode()[:64], person=word, digest_size=8)
    digests = b"".join(_digest(keyed, sample_id) for sample_id in sample_ids.to_list())
    bits = np.frombuffer(digests, dtype=">u8") >> np.uint64(11)
    return pl.Series("uniform", bits.astype(np.float64) / SCALE, dtype=pl.Float64)


def _digest(keyed: blake2b, sample_id: str) -> bytes:
    """The digest of one id; copying the keyed state is cheaper than keying again."""
    state = keyed.copy()
    state.update(sample_id.encode())
    return state.digest()
