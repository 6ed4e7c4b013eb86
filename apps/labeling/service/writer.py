"""The writer: one thread per project that stores annotations of many requests with one commit.

SQLite has one writer anyway, and threads that poll for its lock are served unfairly. Pending annotations are stored
together in their order of arrival, and no request is answered before the commit.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Full, Queue
from threading import Thread
from typing import Any, Final, TypeVar

from starlette.exceptions import HTTPException

from tiltyard.schemas.errors import TiltyardError, Unavailable
from tiltyard.schemas.records import Annotation, Assignment, NewAnnotation

LOG: Final = logging.getLogger("tiltyard.labeling")
BATCH: Final = 64
MAX_PENDING: Final = 2000

Store = Callable[[Sequence[NewAnnotation]], list[Annotation]]
Lease = Callable[[Mapping[str, int]], Mapping[str, list[Assignment]]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredAnnotation:
    """A stored annotation or the error that refused it; ``is_new`` if this request stored it."""

    kept: Annotation | TiltyardError
    is_new: bool


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The result of a request: its annotations in order, and the annotator's assignments if it asked for some."""

    stored: list[StoredAnnotation]
    held: list[Assignment] | None


@dataclass(slots=True)
class _Work:
    """The work of one request: annotations to store and assignments to lease; or another write."""

    answer: "Future[Any]"
    annotations: Sequence[NewAnnotation] = ()
    wanted: tuple[str, int] | None = None
    act: Callable[[], Any] | None = None


class Writer:
    """Stores annotations, leases assignments and runs other writes, one after the other."""

    def __init__(self, name: str, store: Store, lease: Lease, position: int = 0) -> None:
        """Start the thread at a ledger position.

        ``store`` stores annotations together, all or none; ``lease`` leases to several annotators together.
        """
        self._store = store
        self._lease = lease
        self._last = position
        self._waiting: Queue[_Work | None] = Queue(MAX_PENDING)
        self._thread = Thread(target=self._work, name=f"writer of {name}", daemon=True)
        self._thread.start()

    def submit(
        self, annotations: Sequence[NewAnnotation], wanted: tuple[str, int] | None = None
    ) -> "Future[WriteResult]":
        """A future with the result after the commit; ``wanted``: an annotator and the number of assignments to hold."""
        future: Future[WriteResult] = Future()
        return self._enqueue(_Work(future, annotations, wanted), future)

    def run(self, act: Callable[[], T]) -> "Future[T]":
        """A future with the result of a write."""
        future: Future[T] = Future()
        return self._enqueue(_Work(future, act=act), future)

    def close(self) -> None:
        """Finish pending work, then end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _enqueue(self, work: _Work, future: "Future[T]") -> "Future[T]":
        """Queue work for the thread; Unavailable if the queue is full or the thread has ended."""
        if not self._thread.is_alive():
            raise Unavailable("the server is shutting down; your browser keeps your annotations and sends them later")
        try:
            self._waiting.put_nowait(work)
        except Full as error:
            raise Unavailable("the ledger is busy; try again in a moment") from error
        return future

    def _work(self) -> None:
        """Process pending work together until :meth:`close` is called."""
        while True:
            works, is_last = self._pending()
            acts = [work for work in works if work.act is not None]
            _all_or_none([work for work in works if work.act is None], self._write)
            for work in acts:
                _all_or_none([work], _act)
            if is_last:
                return

    def _pending(self) -> tuple[list[_Work], bool]:
        """The pending work, at least one item; and whether :meth:`close` was called."""
        works: list[_Work] = []
        while len(works) < BATCH and not (works and self._waiting.empty()):
            work = self._waiting.get()
            if work is None:
                return works, True
            # From here on a client that disconnects no longer cancels its request.
            if work.answer.set_running_or_notify_cancel():
                works.append(work)
        return works, False

    def _write(self, works: Sequence[_Work]) -> list[WriteResult]:
        """Store the annotations of all requests with one commit, then lease assignments with another."""
        together = [one for work in works for one in work.annotations]
        stored = iter(self._stored_together(together))
        counts: dict[str, int] = {}
        for who, count in (work.wanted for work in works if work.wanted):
            counts[who] = max(count, counts.get(who, 0))
        held = self._lease(counts) if counts else {}
        return [
            WriteResult([next(stored) for _ in work.annotations], held[work.wanted[0]] if work.wanted else None)
            for work in works
        ]

    def _stored_together(self, annotations: Sequence[NewAnnotation]) -> list[StoredAnnotation]:
        """Annotations stored with one commit; one by one if any of them is refused."""
        try:
            return self._stored(annotations) if annotations else []
        except Unavailable:
            raise  # an unreachable ledger must not reject valid annotations
        except TiltyardError:
            return self._one_by_one(annotations)

    def _one_by_one(self, annotations: Sequence[NewAnnotation]) -> list[StoredAnnotation]:
        """Each annotation stored with its own commit."""
        return [self._alone(one) for one in annotations]

    def _alone(self, annotation: NewAnnotation) -> StoredAnnotation:
        """One annotation stored with its own commit, or the error that refused it."""
        try:
            return self._stored([annotation])[0]
        except Unavailable:
            raise
        except TiltyardError as error:
            return StoredAnnotation(error, is_new=False)

    def _stored(self, annotations: Sequence[NewAnnotation]) -> list[StoredAnnotation]:
        """Annotations stored together; one with an older ledger position had been stored before."""
        kept = self._store(annotations)
        last, self._last = self._last, max([self._last, *(one.seq for one in kept)])
        return [StoredAnnotation(one, is_new=one.seq > last) for one in kept]


def _act(works: Sequence[_Work]) -> list[Any]:
    """The results of writes."""
    return [work.act() for work in works if work.act is not None]


def _all_or_none(works: Sequence[_Work], do: Callable[[Sequence[_Work]], Sequence[Any]]) -> None:
    """Set the results of requests, or the error for all of them; the thread continues."""
    try:
        for work, done in zip(works, do(works) if works else (), strict=True):
            work.answer.set_result(done)
    except (TiltyardError, HTTPException) as error:
        _fail(works, error)
    except Exception as error:  # any error of the database; clients send the requests again
        LOG.exception("the ledger could not be written")
        _fail(works, _unavailable(error))


def _fail(works: Sequence[_Work], error: Exception) -> None:
    """Set an error as the result of requests."""
    for work in works:
        work.answer.set_exception(error)


def _unavailable(error: Exception) -> Unavailable:
    """The error for requests that failed through no error of their own."""
    return Unavailable(f"the ledger could not be written ({type(error).__name__}); try again in a moment")
