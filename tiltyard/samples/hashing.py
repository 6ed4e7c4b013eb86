"""Random numbers that belong to a sample: the same for the same sample and seed in any chunk, file or process."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tiltyard.schemas.canonical import sha256_of

Keys = NDArray[np.uint64]

GOLDEN: Final = 0x9E3779B97F4A7C15
FIRST: Final = 0xBF58476D1CE4E5B9
SECOND: Final = 0x94D049BB133111EB
WORD: Final = 2**64


def row_keys(rows: pl.DataFrame) -> Keys:
    """The first 8 bytes of each row's sample id as a whole number (uint64, one for each row).

    ``rows`` has ``sample_key`` (Int64, read as it is) or else ``sample_id`` (32 hex digits, parsed).

    >>> row_keys(pl.DataFrame({"sample_id": ["00000000000000ff" + "0" * 16]})).tolist()
    [255]
    """
    if "sample_key" in rows.columns:
        return rows["sample_key"].to_numpy().view(np.uint64)
    return rows["sample_id"].str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64).to_numpy()


def random_keys(keys: Keys, seed: int) -> Keys:
    """One number for each key, evenly spread over 64 bits and without pattern from seed to seed.

    The rows with the lowest numbers are a simple random sample; adding rows elsewhere never changes a row's
    number. SplitMix64's finaliser (Steele, Lea and Flood 2014) over the key, shifted by the mixed seed.

    >>> (random_keys(np.arange(3, dtype=np.uint64), 1) == random_keys(np.arange(3, dtype=np.uint64), 2)).any()
    np.False_
    """
    return _mix(keys ^ _mix(np.array([seed % WORD], dtype=np.uint64)))


def _mix(keys: Keys) -> Keys:
    """SplitMix64's next number from each state; unsigned overflow is part of the recipe."""
    mixed = keys + np.uint64(GOLDEN)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(FIRST)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(SECOND)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def stochastic_round(amount: float, seed: int) -> int:
    """``amount`` as a whole number, rounded up with the probability of its fraction: right on average.

    >>> stochastic_round(6.0, seed=1), stochastic_round(0.0, seed=1)
    (6, 0)
    """
    whole = int(np.floor(amount + 1e-9))
    return whole + int(np.random.default_rng(seed).random() < amount - whole - 1e-9)


def hash_uniform(seed: int, what: str) -> float:
    """A number in [0, 1) that belongs to a seed and a text, the same wherever it is asked for.

    >>> hash_uniform(1, "a") == hash_uniform(1, "a"), hash_uniform(1, "a") == hash_uniform(2, "a")
    (True, False)
    """
    return int(sha256_of(f"{seed} {what}")[:13], 16) / 16**13
