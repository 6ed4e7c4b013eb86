"""Request slots: the number of concurrent requests per annotator and in total."""

from collections import Counter
from collections.abc import Callable
from threading import Lock

from tiltyard.apps.labeling.api import ApiError


class RequestSlots:
    """A maximum of concurrent requests for each key, and for all keys together."""

    def __init__(self, each: int, total: int) -> None:
        """All slots are free."""
        self._each, self._total = each, total
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    def take(self, key: str) -> Callable[[], None]:
        """Take a slot; returns a function that frees it. ApiError 429 if the key has no free slot, 503 if nobody has.

        >>> slots = RequestSlots(each=1, total=9)
        >>> free = slots.take("ada")
        >>> slots.take("ada")
        Traceback (most recent call last):
        tiltyard.apps.labeling.api.errors.ApiError: 429: too many concurrent requests; wait for the responses
        >>> free(); free = slots.take("ada")
        """
        with self._lock:
            if self._taken[key] >= self._each:
                raise ApiError(429, "too many concurrent requests; wait for the responses", retry_after=1)
            if self._taken.total() >= self._total:
                raise ApiError(503, "the server is overloaded; try again in a moment", retry_after=2)
            self._taken[key] += 1
        return lambda: self._free(key)

    def _free(self, key: str) -> None:
        """Free one slot."""
        with self._lock:
            self._taken[key] -= 1
            if self._taken[key] <= 0:
                del self._taken[key]
