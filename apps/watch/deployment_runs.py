"""Runs of Prefect deployments: created once for each object, and never more of them unfinished than agreed."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from httpx import HTTPStatusError, TransportError
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound

from tiltyard.schemas.arrivals import ArrivedObject
from tiltyard.schemas.errors import SettingsError, Unavailable

FRESH_SECONDS: Final = 5.0
"""How long a count of unfinished runs is taken for true."""

TAG: Final = "tiltyard-watch"
"""Marks the runs that the watch created: only these are counted, whatever schedules and people start."""

UNFINISHED: Final = sorted(set(StateType) - TERMINAL_STATES)


class Runs:
    """The runs that the watch creates on a Prefect server."""

    def __init__(self, client: SyncPrefectClient, most: int, patience: timedelta) -> None:
        """Let ``most`` runs of a deployment be unfinished; one that takes longer than ``patience`` is given up on."""
        self._client = client
        self._most = most
        self._patience = patience
        self._free: Counter[str] = Counter()
        self._looked_at = 0.0

    def look(self, deployments: Sequence[str]) -> int:
        """Count how many runs each deployment may still get; the most that any of them may.

        A count is good for some seconds, as long as not all of it is used up.
        """
        if self.free <= 0 or time.monotonic() > self._looked_at + FRESH_SECONDS:
            with _answering():
                self._free = Counter({name: self._most - self._unfinished(name) for name in deployments})
            self._looked_at = time.monotonic()
        return self.free

    @property
    def free(self) -> int:
        """How many runs the deployment that may get most of them may get."""
        return max(self._free.values(), default=0)

    def is_full(self, deployment: str) -> bool:
        """Whether a deployment may get no further run now; counted anew before it is said to be."""
        if self._free[deployment] <= 0:
            with _answering():
                self._free[deployment] = self._most - self._unfinished(deployment)
        return self._free[deployment] <= 0

    def start(self, deployment: str, arrived: ArrivedObject, is_known: Callable[[], bool]) -> bool:
        """See to it that a run exists, or is over, that takes an object in; whether one is to come.

        The same object always has the same run, however often and by whomever it is told. A run that ended without
        taking it in gets one successor, by a name that is the same for all who see it ended so. Prefect keeps such
        names for a whole flow, so the deployment is part of them.
        """
        key = f"{arrived.name} for {deployment}"
        with _answering():
            run = self._create(deployment, arrived, key)
            while run.state is not None and run.state.is_final():
                if is_known():
                    return False
                run = self._create(deployment, arrived, f"{key} after {run.id}")
        self._free[deployment] -= 1
        return True

    def _create(self, deployment: str, arrived: ArrivedObject, key: str) -> FlowRun:
        """The run of that idempotency key, made if there is none. The deployment's own parameters stay."""
        return self._client.create_flow_run_from_deployment(
            self._deployment(deployment).id,
            parameters={"arrived": arrived.model_dump(mode="json")},
            idempotency_key=key,
            tags=[TAG],
        )

    def _unfinished(self, deployment: str) -> int:
        """How many of our runs of a deployment are waiting or running."""
        since = datetime.now(UTC) - self._patience
        return self._client.count_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[self._deployment(deployment).id])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED)),
                tags=FlowRunFilterTags(all_=[TAG]),
                expected_start_time=FlowRunFilterExpectedStartTime(after_=since),
            ),
        )

    def _deployment(self, name: str) -> DeploymentResponse:
        """A deployment by its name; asked each time, because a new deployment may take the name."""
        try:
            return self._client.read_deployment_by_name(name)
        except ObjectNotFound as error:
            raise SettingsError(
                f"the Prefect server has no deployment {name!r}; make it with 'prefect deploy --all', "
                "or name another in TILTYARD_WATCH_DEPLOYMENT"
            ) from error


@contextmanager
def _answering() -> Iterator[None]:
    """Say what a person or time is to mend when the server does not do as it is asked."""
    try:
        yield
    except HTTPStatusError as error:
        status, said = error.response.status_code, _short(error.response.text)
        if status >= 500 or status in (408, 429):
            raise Unavailable(f"the Prefect server answers {status} now: {said}") from error
        raise SettingsError(f"the Prefect server refuses the request with {status}: {said}") from error
    except TransportError as error:
        raise Unavailable(f"the Prefect server does not answer: {type(error).__name__} {error}".rstrip()) from error


def _short(text: Any) -> str:
    """The beginning of what a server said, in one line."""
    return " ".join(str(text).split())[:200]
