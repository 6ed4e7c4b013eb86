"""Slots: how many requests of one person are worked on at the same time, so that nobody takes all of the server."""

from collections import Counter
from collections.abc import Callable
from threading import Lock

from tiltyard.apps.labeling.api.errors import ApiError


class RequestSlots:
    """So many at once for each key, and so many for all of them together."""

    def __init__(self, each: int, altogether: int) -> None:
        """Nobody has a slot yet."""
        self._each, self._altogether = each, altogether
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    def take(self, key: str) -> Callable[[], None]:
        """Take a slot; what gives it back. Refusal with 429 when the key has all of its own, 503 when all are taken.

        >>> slots = RequestSlots(each=1, altogether=9)
        >>> back = slots.take("ada")
        >>> slots.take("ada")
        Traceback (most recent call last):
        tiltyard.apps.labeling.api.errors.ApiError: 429: too many requests at the same time; wait for the answers
        >>> back(); back = slots.take("ada")
        """
        with self._lock:
            if self._taken[key] >= self._each:
                raise ApiError(429, "too many requests at the same time; wait for the answers", retry_after=1)
            if self._taken.total() >= self._altogether:
                raise ApiError(503, "the server has its hands full; try again in a moment", retry_after=2)
            self._taken[key] += 1
        return lambda: self._give_back(key)

    def _give_back(self, key: str) -> None:
        """Free one slot."""
        with self._lock:
            self._taken[key] -= 1
            if self._taken[key] <= 0:
                del self._taken[key]
