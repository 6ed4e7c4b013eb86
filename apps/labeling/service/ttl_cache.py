"""A cache whose entries expire: the ledger is not queried for every request."""

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Final, Generic, TypeVar

T = TypeVar("T")
MAX_KEYS: Final = 10_000
TIMES_ITS_COST: Final = 20
"""A value is cached for at least this many times the time that it took to compute."""

REFRESHING: Final = 1.0
"""Seconds for which other threads use an expired value while one thread computes the new one."""


class TtlCache(Generic[T]):
    """A thread-safe cache; a value expires after some seconds, and later if it is slow to compute."""

    def __init__(self, seconds: float) -> None:
        """Cache each value for so many seconds."""
        self._seconds = seconds
        self._values: dict[str, tuple[float, T]] = {}
        self._gates: dict[str, Lock] = {}
        self._lock = Lock()

    def get(self, key: str, compute: Callable[[], T]) -> T:
        """The value of a key; computed if it is missing or expired.

        After expiry one caller computes the new value and the others get the old one meanwhile, so that they do not
        all compute it at once. Before the first value exists, all callers wait for it.
        """
        cached, is_refresher = self._lookup(key)
        if is_refresher:
            return self._compute(key, compute)
        if cached is not None:
            return cached[0]
        with self._lock:
            gate = self._gates.setdefault(key, Lock())
        with gate:
            cached = self.peek(key)
            return cached[0] if cached is not None else self._compute(key, compute)

    def peek(self, key: str) -> tuple[T] | None:
        """The value of a key in a tuple if it is cached and not expired, else None; computes nothing."""
        with self._lock:
            entry = self._values.get(key)
        return (entry[1],) if entry is not None and entry[0] >= monotonic() else None

    def _lookup(self, key: str) -> tuple[tuple[T] | None, bool]:
        """The value of a key, expired or not; and whether this caller must refresh it."""
        with self._lock:
            entry = self._values.get(key)
            if entry is None:
                return None, False
            is_expired = entry[0] < monotonic()
            if is_expired:
                self._values[key] = (monotonic() + REFRESHING, entry[1])
            return (entry[1],), is_expired

    def update(self, key: str, change: Callable[[T], T]) -> None:
        """Change the value of a key if it is cached; its expiry stays."""
        with self._lock:
            if key in self._values:
                until, value = self._values[key]
                self._values[key] = (until, change(value))

    def invalidate(self, key: str) -> None:
        """Remove a key: the next call of :meth:`get` computes its value."""
        with self._lock:
            self._values.pop(key, None)

    def _compute(self, key: str, compute: Callable[[], T]) -> T:
        """Compute and cache a value; a slow one is cached for longer."""
        began = monotonic()
        value = compute()
        seconds = max(self._seconds, TIMES_ITS_COST * (monotonic() - began))
        with self._lock:
            if len(self._values) >= MAX_KEYS:
                self._values.clear()
                self._gates.clear()
            self._values[key] = (monotonic() + seconds, value)
        return value
