"""The writer: one thread per project that stores what many experts say, many of them with one commit.

SQLite has one writer anyway; threads that wait for its lock by polling are served unfairly. What waits here is
stored together, in the order in which it came, and nobody is answered before the commit.
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
TOGETHER: Final = 64
WAITING: Final = 2000

Store = Callable[[Sequence[NewAnnotation]], list[Annotation]]
Lease = Callable[[Mapping[str, int]], Mapping[str, list[Assignment]]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredAnnotation:
    """An annotation as the ledger keeps it, or why it was refused; and whether this request brought it."""

    kept: Annotation | TiltyardError
    is_new: bool


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What came of a request: its annotations in their order, and what its annotator holds, if that was asked."""

    stored: list[StoredAnnotation]
    held: list[Assignment] | None


@dataclass(slots=True)
class _Work:
    """What a request wants: annotations stored, then assignments leased; or an act of its own."""

    answer: "Future[Any]"
    annotations: Sequence[NewAnnotation] = ()
    wanted: tuple[str, int] | None = None
    act: Callable[[], Any] | None = None


class Writer:
    """Stores annotations, leases assignments and runs writing acts, one after the other."""

    def __init__(self, name: str, store: Store, lease: Lease, position: int = 0) -> None:
        """Start the thread at a ledger position.

        ``store`` stores annotations together, all or none; ``lease`` leases to several annotators together.
        """
        self._store = store
        self._lease = lease
        self._last = position
        self._waiting: Queue[_Work | None] = Queue(WAITING)
        self._thread = Thread(target=self._work, name=f"writer of {name}", daemon=True)
        self._thread.start()

    def submit(
        self, annotations: Sequence[NewAnnotation], wanted: tuple[str, int] | None = None
    ) -> "Future[WriteResult]":
        """What came of annotations once their commit is done; ``wanted`` is who is to hold how many then."""
        future: Future[WriteResult] = Future()
        return self._line_up(_Work(future, annotations, wanted), future)

    def run(self, act: Callable[[], T]) -> "Future[T]":
        """What a writing act gave, once it is done."""
        future: Future[T] = Future()
        return self._line_up(_Work(future, act=act), future)

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _line_up(self, work: _Work, future: "Future[T]") -> "Future[T]":
        """Wait for the thread; Unavailable at once when the line is too long to be worth it."""
        if not self._thread.is_alive():
            raise Unavailable("the server is being shut down; what you answered is kept by your browser")
        try:
            self._waiting.put_nowait(work)
        except Full as error:
            raise Unavailable("the ledger is busy; try again in a moment") from error
        return future

    def _work(self) -> None:
        """Take what waits and do it together, until the end is asked for."""
        while True:
            works, is_last = self._taken()
            acts = [work for work in works if work.act is not None]
            _all_or_none([work for work in works if work.act is None], self._write)
            for work in acts:
                _all_or_none([work], _act)
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

    def _write(self, works: Sequence[_Work]) -> list[WriteResult]:
        """Store the annotations of all requests with one commit, then lease with another what they want next."""
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
        """Annotations stored with one commit; one by one where somebody's is refused."""
        try:
            return self._stored(annotations) if annotations else []
        except Unavailable:
            raise  # no answer is refused because the ledger is away
        except TiltyardError:
            return self._one_by_one(annotations)

    def _one_by_one(self, annotations: Sequence[NewAnnotation]) -> list[StoredAnnotation]:
        """Each annotation stored by itself."""
        return [self._alone(one) for one in annotations]

    def _alone(self, annotation: NewAnnotation) -> StoredAnnotation:
        """One annotation stored by itself, or why it was refused."""
        try:
            return self._stored([annotation])[0]
        except Unavailable:
            raise
        except TiltyardError as error:
            return StoredAnnotation(error, is_new=False)

    def _stored(self, annotations: Sequence[NewAnnotation]) -> list[StoredAnnotation]:
        """Annotations stored together; what the ledger gives back with an older position was known before."""
        kept = self._store(annotations)
        last, self._last = self._last, max([self._last, *(one.seq for one in kept)])
        return [StoredAnnotation(one, is_new=one.seq > last) for one in kept]


def _act(works: Sequence[_Work]) -> list[Any]:
    """What acts give."""
    return [work.act() for work in works if work.act is not None]


def _all_or_none(works: Sequence[_Work], do: Callable[[Sequence[_Work]], Sequence[Any]]) -> None:
    """Answer requests with what is done for them, or all of them with why it failed; the thread lives on."""
    try:
        for work, done in zip(works, do(works) if works else (), strict=True):
            work.answer.set_result(done)
    except (TiltyardError, HTTPException) as error:
        _fail(works, error)
    except Exception as error:  # whatever the database raised; requests are sent again, and are then known
        LOG.exception("the ledger could not be written")
        _fail(works, _unavailable(error))


def _fail(works: Sequence[_Work], error: Exception) -> None:
    """Answer requests with an error."""
    for work in works:
        work.answer.set_exception(error)


def _unavailable(error: Exception) -> Unavailable:
    """What a request is told of a failure that is not its own."""
    return Unavailable(f"the ledger could not be written ({type(error).__name__}); try again in a moment")
