"""Values that are remembered for a while, so that they are not asked of the ledger with every request."""

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Final, Generic, TypeVar

T = TypeVar("T")
MOST: Final = 10_000
TIMES_ITS_COST: Final = 20
REFRESHING: Final = 1.0
"""Seconds for which the old value is good enough for others, while one request finds the new one."""


class TtlCache(Generic[T]):
    """A value per key, found again after some seconds (longer where it takes long); threads may share it."""

    def __init__(self, seconds: float) -> None:
        """Remember each value for so long."""
        self._seconds = seconds
        self._values: dict[str, tuple[float, T]] = {}
        self._gates: dict[str, Lock] = {}
        self._lock = Lock()

    def get(self, key: str, find: Callable[[], T]) -> T:
        """The value of a key; found when it is not known, or known for too long.

        When its time is over one of those who ask finds it anew, and the others make do with the old value until
        then: else all of them would find it at once. Who asks before it was ever found waits for it.
        """
        known, is_ours_to_find = self._asked(key)
        if is_ours_to_find:
            return self._found(key, find)
        if known is not None:
            return known[0]
        with self._lock:
            gate = self._gates.setdefault(key, Lock())
        with gate:
            known = self.known(key)
            return known[0] if known is not None else self._found(key, find)

    def known(self, key: str) -> tuple[T] | None:
        """The value of a key, if it is remembered still."""
        with self._lock:
            entry = self._values.get(key)
        return (entry[1],) if entry is not None and entry[0] >= monotonic() else None

    def _asked(self, key: str) -> tuple[tuple[T] | None, bool]:
        """The value of a key, old or not; and whether it is old and whoever asks now is the one to find it."""
        with self._lock:
            entry = self._values.get(key)
            if entry is None:
                return None, False
            is_old = entry[0] < monotonic()
            if is_old:
                self._values[key] = (monotonic() + REFRESHING, entry[1])
            return (entry[1],), is_old

    def change(self, key: str, new: Callable[[T], T]) -> None:
        """Change the value of a key, if it is remembered, without remembering it for longer."""
        with self._lock:
            if key in self._values:
                until, value = self._values[key]
                self._values[key] = (until, new(value))

    def forget(self, key: str) -> None:
        """Find the value of a key anew next time."""
        with self._lock:
            self._values.pop(key, None)

    def _found(self, key: str, find: Callable[[], T]) -> T:
        """Find and remember a value; what is dear to find is found less often."""
        began = monotonic()
        value = find()
        seconds = max(self._seconds, TIMES_ITS_COST * (monotonic() - began))
        with self._lock:
            if len(self._values) >= MOST:
                self._values.clear()
                self._gates.clear()
            self._values[key] = (monotonic() + seconds, value)
        return value
