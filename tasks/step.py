"""Make functions steps: serialized by locks where needed, and retried after failures that may pass."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache, wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task
from threadpoolctl import ThreadpoolController

from tiltyard.schemas.errors import TiltyardError, Unavailable
from tiltyard.schemas.redaction import redact_logs, without_secrets
from tiltyard.schemas.settings import Settings
from tiltyard.tasks.labels.announcements import deferred_notices
from tiltyard.workspace.workspace import open_workspace

P = ParamSpec("P")
R = TypeVar("R")


def step(name: str, *, alone: tuple[str, ...] = ()) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a step of the loop; its first parameter is the project.

    ``alone`` names the ledger's locks that it holds while it runs: of two concurrent runs the second waits, and then
    finds the work done. There is no cache, because the stores record what is done. A mistake of the user is not
    retried; an unavailable store is, after each of TILTYARD_RETRY_SECONDS.
    """

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        delays = [float(seconds) for seconds in Settings().retry_seconds]
        make = task(
            name=name,
            retries=len(delays),
            retry_delay_seconds=delays,
            retry_jitter_factor=0.5,
            retry_condition_fn=_is_worth_a_retry,
            cache_policy=NO_CACHE,
        )
        return make(redact_failures(_with_locks(_on_one_thread(function), alone)))

    return decorate


def redact_failures(function: Callable[P, R]) -> Callable[P, R]:
    """The function with secrets redacted from its errors: Prefect writes them into states, logs and events."""
    redact_logs()

    @wraps(function)
    def redacting(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            clean = without_secrets(error)
            if clean is error:
                raise
            # The original error is not the cause of this one: its text would be logged as well.
            raise clean from None

    return redacting


def _with_locks(function: Callable[P, R], locks: tuple[str, ...]) -> Callable[P, R]:
    """The function holding these locks of the project, acquired in sorted order by every step."""
    if not locks:
        return function
    parameters = signature(function)

    @wraps(function)
    def holding_locks(*args: P.args, **kwargs: P.kwargs) -> R:
        project = str(parameters.bind(*args, **kwargs).arguments["project"])
        with deferred_notices(), ExitStack() as held:
            for name in sorted(locks):
                held.enter_context(open_workspace(project).ledger.turn(name))
            return function(*args, **kwargs)

    return holding_locks


def _on_one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """The function with OpenMP and BLAS limited to one thread.

    On busy cores OpenMP's threads spin while they wait for each other: a k-means over 1,700 rows
    took 4 s with four threads and 0.2 s with one, a boosting fit 28 s against 0.3 s.
    """

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with _libraries(len(sys.modules)).limit(limits=1):
            return function(*args, **kwargs)

    return limited


@lru_cache(maxsize=1)
def _libraries(_imported: int) -> ThreadpoolController:
    """The loaded libraries with thread pools; searched again, slowly, only after further imports."""
    return ThreadpoolController()


def _is_worth_a_retry(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether a failure may pass by itself: an unavailable store may return, a user's mistake stays."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, Unavailable) or not isinstance(error, TiltyardError)
