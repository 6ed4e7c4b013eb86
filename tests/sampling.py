"""Which part of the exhaustive sets a run of the tests takes: all of them, or a sample that a seed draws.

``TILTYARD_TEST_SEED=7`` takes the sample of a run that printed 7; ``TILTYARD_TEST_SEED=all`` (``make test-all``) takes
everything. Without the variable each run draws a seed and prints it, so that the runs together come to cover the sets.
"""

import os
import random
import secrets
from collections.abc import Sequence
from typing import Final, TypeVar

VARIABLE: Final = "TILTYARD_TEST_SEED"
ALL: Final = "all"

One = TypeVar("One")


def drawn_seed() -> str:
    """The run's seed, or ``all``; drawn when the environment names none, and left there for pytest's workers."""
    return os.environ.setdefault(VARIABLE, str(secrets.randbelow(1_000_000)))


def takes_all() -> bool:
    """Whether this run takes the sets whole."""
    return drawn_seed() == ALL


def sampled(whole: Sequence[One], count: int, what: str) -> list[One]:
    """``count`` of a set, in the set's order, drawn by the run's seed and the set's name; the whole set for ``all``."""
    if takes_all() or count >= len(whole):
        return list(whole)
    places = random.Random(f"{drawn_seed()} {what}").sample(range(len(whole)), count)
    return [whole[place] for place in sorted(places)]


def sampled_count(whole: int, part: int) -> int:
    """How many rounds a test goes: ``whole`` of them for ``all``, else ``part``."""
    return whole if takes_all() else part


def told_sample() -> str:
    """What a run says of the exhaustive sets."""
    if takes_all():
        return "exhaustive sets: whole"
    return f"exhaustive sets: a sample; run with {VARIABLE}={drawn_seed()} to repeat it, with {VARIABLE}={ALL} for all"
