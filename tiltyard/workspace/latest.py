"""What was made last, kept for whoever asks for the same again a moment later."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """One thing by its name; the next one takes its place, so that memory holds no more than one of them.

    For what never changes under its name: a verdict and its page look at the same, in two steps of a flow.
    """

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._kept: tuple[Hashable, T] | None = None

    def of(self, name: Hashable, make: Callable[[], T]) -> T:
        """What has that name: as it is kept, else made. Two threads that ask at once may each make it."""
        kept = self._kept
        if kept is None or kept[0] != name:
            kept = self._kept = None  # it goes before the next is made: two of them would be held otherwise
            kept = self._kept = (name, make())
        return kept[1]
