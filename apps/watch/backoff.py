"""Exponential backoff with jitter: how long to wait before the next attempt."""

import random
from collections.abc import Callable
from typing import Final

CHANCE: Final = random.SystemRandom()


class Backoff:
    """Pauses that grow from ``first`` to ``most`` seconds; half of each is random."""

    def __init__(self, first: float = 1, most: float = 60, chance: Callable[[], float] = CHANCE.random) -> None:
        """Begin with the shortest pause; ``chance`` returns numbers in [0, 1)."""
        self._first, self._most, self._chance = first, most, chance
        self._failures = 0

    def pause(self) -> float:
        """Seconds to wait after one more failure."""
        longest = min(self._first * 2.0 ** min(self._failures, 30), self._most)
        self._failures += 1
        return longest * (0.5 + 0.5 * self._chance())

    def reset(self) -> None:
        """Begin again with the shortest pause, after a success."""
        self._failures = 0
