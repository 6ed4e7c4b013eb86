"""Values that are remembered for a while, so that they are not asked of the ledger with every request."""

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Final, Generic, TypeVar

T = TypeVar("T")
MOST: Final = 10_000
TIMES_ITS_COST: Final = 20


class Remembered(Generic[T]):
    """A value per key, found again after some seconds (longer where it takes long); threads may share it."""

    def __init__(self, seconds: float) -> None:
        """Remember each value for so long."""
        self._seconds = seconds
        self._values: dict[str, tuple[float, T]] = {}
        self._lock = Lock()

    def get(self, key: str, find: Callable[[], T]) -> T:
        """The value of a key; found when it is not known, or known for too long."""
        known = self.known(key)
        if known is not None:
            return known[0]
        began = monotonic()
        value = find()
        # What is dear to find is found less often.
        seconds = max(self._seconds, TIMES_ITS_COST * (monotonic() - began))
        with self._lock:
            if len(self._values) >= MOST:
                self._values.clear()
            self._values[key] = (monotonic() + seconds, value)
        return value

    def change(self, key: str, new: Callable[[T], T]) -> None:
        """Change the value of a key, if it is remembered, without remembering it for longer."""
        with self._lock:
            if key in self._values:
                until, value = self._values[key]
                self._values[key] = (until, new(value))

    def known(self, key: str) -> tuple[T] | None:
        """The value of a key, if it is remembered still."""
        with self._lock:
            entry = self._values.get(key)
        return None if entry is None or entry[0] < monotonic() else (entry[1],)

    def forget(self, key: str) -> None:
        """Find the value of a key anew next time."""
        with self._lock:
            self._values.pop(key, None)
