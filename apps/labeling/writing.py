"""The writer: one thread per project that stores what many experts say, many of them with one commit.

SQLite has one writer anyway; threads that wait for its lock by polling are served unfairly. What waits here is
stored together, in the order in which it came, and nobody is answered before the commit.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import Full, Queue
from threading import Thread
from typing import Any, Final, TypeVar

from starlette.exceptions import HTTPException

from schemas.errors import TiltyardError
from schemas.records import Annotation, NewAnnotation

LOG: Final = logging.getLogger("tiltyard.labeling")
TOGETHER: Final = 64
WAITING: Final = 2000

Store = Callable[[Sequence[NewAnnotation]], list[Annotation]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stored:
    """An annotation as the ledger keeps it, or why it was refused; and whether this request brought it."""

    kept: Annotation | TiltyardError
    is_new: bool


class Unavailable(Exception):
    """The ledger could not be written; nothing of the request was stored, so that it may be sent again."""


@dataclass(slots=True)
class _Work:
    """What a request wants written: annotations, and an act of its own after them; and where the answer goes."""

    answer: "Future[Any]"
    annotations: Sequence[NewAnnotation]
    then: Callable[[list[Stored]], Any]


class Writer:
    """Stores annotations and runs writing acts, one after the other."""

    def __init__(self, name: str, store: Store, position: int = 0) -> None:
        """Start the thread at a ledger position; ``store`` stores annotations together, all or none."""
        self._store = store
        self._last = position
        self._waiting: Queue[_Work | None] = Queue(WAITING)
        self._thread = Thread(target=self._work, name=f"writer of {name}", daemon=True)
        self._thread.start()

    def submit(self, annotations: Sequence[NewAnnotation], then: Callable[[list[Stored]], T]) -> "Future[T]":
        """What ``then`` gives, run by the thread once the annotations' commit is done.

        It is told of each annotation as the ledger keeps it, or why it was refused.
        """
        future: Future[T] = Future()
        if not self._thread.is_alive():
            raise Unavailable("the server is being shut down; what you answered is kept by your browser")
        try:
            self._waiting.put_nowait(_Work(future, annotations, then))
        except Full as error:
            raise Unavailable("the ledger is busy; try again in a moment") from error
        return future

    def run(self, act: Callable[[], T]) -> "Future[T]":
        """What a writing act gave, once it is done."""
        return self.submit((), lambda _: act())

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        """Take what waits, store it together, until the end is asked for."""
        while True:
            works, is_last = self._taken()
            for work, stored in self._store_together(works):
                _settle(work.answer, partial(work.then, stored))
            if is_last:
                return

    def _taken(self) -> tuple[list[_Work], bool]:
        """What waits now, at least one; and whether the end was asked for."""
        works: list[_Work] = []
        while len(works) < TOGETHER and not (works and self._waiting.empty()):
            work = self._waiting.get()
            if work is None:
                return works, True
            # From here on a client that hangs up no longer takes its request back.
            if work.answer.set_running_or_notify_cancel():
                works.append(work)
        return works, False

    def _store_together(self, works: Sequence[_Work]) -> Iterator[tuple[_Work, list[Stored]]]:
        """Store the annotations of all requests with one commit; one by one where somebody's is refused."""
        together = [one for work in works for one in work.annotations]
        try:
            stored = iter(self._stored(together) if together else [])
        except TiltyardError:
            stored = iter(self._one_by_one(together))
        except Exception as error:  # whatever the database raised: nothing was stored, everybody is told
            LOG.exception("annotations could not be stored")
            for work in works:
                work.answer.set_exception(_unavailable(error))
            return
        for work in works:
            yield work, [next(stored) for _ in work.annotations]

    def _one_by_one(self, annotations: Sequence[NewAnnotation]) -> list[Stored]:
        """Each annotation stored by itself."""
        return [self._alone(one) for one in annotations]

    def _alone(self, annotation: NewAnnotation) -> Stored:
        """One annotation stored by itself, or why it was refused."""
        try:
            return self._stored([annotation])[0]
        except TiltyardError as error:
            return Stored(error, is_new=False)

    def _stored(self, annotations: Sequence[NewAnnotation]) -> list[Stored]:
        """Annotations stored together; what the ledger gives back with an older position was known before."""
        kept = self._store(annotations)
        last, self._last = self._last, max([self._last, *(one.seq for one in kept)])
        return [Stored(one, is_new=one.seq > last) for one in kept]


def _settle(answer: "Future[T]", act: Callable[[], T]) -> None:
    """Answer a request with what an act gives, or with why it failed."""
    try:
        answer.set_result(act())
    except (TiltyardError, HTTPException) as error:
        answer.set_exception(error)
    except Exception as error:  # the thread must live on; the request is told
        LOG.exception("a writing act failed")
        answer.set_exception(_unavailable(error))


def _unavailable(error: Exception) -> Unavailable:
    """What a request is told of a failure that is not its own."""
    return Unavailable(f"nothing was stored ({type(error).__name__}); try again in a moment")
