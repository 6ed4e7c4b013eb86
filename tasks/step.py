"""What all steps have in common: one at a time where it matters, tried again when the world failed, not the user."""

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

    ``alone`` names the ledger's turns that it holds while it works: of two runs that race, the second waits, and then
    finds done what it came for. No cache, because the stores know what is done. What a user must mend is not tried
    again; a store that is away is, after each of TILTYARD_RETRY_SECONDS.
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
        return make(redact_failures(_in_turn(_on_one_thread(function), alone)))

    return decorate


def redact_failures(function: Callable[P, R]) -> Callable[P, R]:
    """The function, whose failures say nothing secret: Prefect writes them into states, logs and events."""
    redact_logs()

    @wraps(function)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            clean = without_secrets(error)
            if clean is error:
                raise
            # The one before is not named as the cause: its text would be told as well.
            raise clean from None

    return told


def _in_turn(function: Callable[P, R], turns: tuple[str, ...]) -> Callable[P, R]:
    """The function as the only one of the project that holds these turns, taken in one order by all."""
    if not turns:
        return function
    parameters = signature(function)

    @wraps(function)
    def taking_turns(*args: P.args, **kwargs: P.kwargs) -> R:
        project = str(parameters.bind(*args, **kwargs).arguments["project"])
        with deferred_notices(), ExitStack() as held:
            for name in sorted(turns):
                held.enter_context(open_workspace(project).ledger.turn(name))
            return function(*args, **kwargs)

    return taking_turns


def _on_one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """The function with OpenMP and BLAS held to one thread.

    On cores that others use too, OpenMP's threads spin while they wait for each other: a k-means over 1,700 rows
    took 4 s with four threads and 0.2 s with one, a boosting fit 28 s against 0.3 s.
    """

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with _libraries(len(sys.modules)).limit(limits=1):
            return function(*args, **kwargs)

    return limited


@lru_cache(maxsize=1)
def _libraries(_imported: int) -> ThreadpoolController:
    """The loaded libraries that have threads; looked for again, which takes a while, once more modules are imported."""
    return ThreadpoolController()


def _is_worth_a_retry(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether a failure may pass by itself: a store that is away comes back, a user's mistake stays one."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, Unavailable) or not isinstance(error, TiltyardError)
