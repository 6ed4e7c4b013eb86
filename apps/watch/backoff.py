"""Patience: how long to wait before the next attempt, longer each time, and never in step with others."""

import random
from collections.abc import Callable
from typing import Final

CHANCE: Final = random.SystemRandom()


class Patience:
    """Pauses that grow from ``first`` to ``most`` seconds; half of each is drawn by chance."""

    def __init__(self, first: float = 1, most: float = 60, chance: Callable[[], float] = CHANCE.random) -> None:
        """Begin with the shortest pause; ``chance`` gives numbers in [0, 1)."""
        self._first, self._most, self._chance = first, most, chance
        self._failures = 0

    def pause(self) -> float:
        """Seconds to wait after one more failure."""
        longest = min(self._first * 2.0 ** min(self._failures, 30), self._most)
        self._failures += 1
        return longest * (0.5 + 0.5 * self._chance())

    def reset(self) -> None:
        """Begin anew after a success."""
        self._failures = 0
