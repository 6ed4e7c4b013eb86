"""Create Prefect runs of deployments: one for each object, with a maximum number of unfinished runs."""

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
"""How long a count of unfinished runs is cached."""

TAG: Final = "tiltyard-watch"
"""Marks the runs that the watch created: only these are counted, not those that schedules and people start."""

UNFINISHED: Final = sorted(set(StateType) - TERMINAL_STATES)


class DeploymentRuns:
    """The runs that the watch creates on a Prefect server."""

    def __init__(self, client: SyncPrefectClient, maximum: int, abandon_after: timedelta) -> None:
        """Allow ``maximum`` unfinished runs of a deployment; runs older than ``abandon_after`` are not counted."""
        self._client = client
        self._maximum = maximum
        self._abandon_after = abandon_after
        self._free: Counter[str] = Counter()
        self._looked_at = 0.0

    def refresh(self, deployments: Sequence[str]) -> int:
        """Count how many more runs each deployment may get; the largest of these numbers.

        A count is cached for some seconds, as long as it is not used up.
        """
        if self.free <= 0 or time.monotonic() > self._looked_at + FRESH_SECONDS:
            with _translate_errors():
                self._free = Counter({name: self._maximum - self._unfinished(name) for name in deployments})
            self._looked_at = time.monotonic()
        return self.free

    @property
    def free(self) -> int:
        """The largest number of runs that any deployment may still get."""
        return max(self._free.values(), default=0)

    def is_full(self, deployment: str) -> bool:
        """Whether a deployment may get no further run now; counted again before the answer is yes."""
        if self._free[deployment] <= 0:
            with _translate_errors():
                self._free[deployment] = self._maximum - self._unfinished(deployment)
        return self._free[deployment] <= 0

    def ensure_run(self, deployment: str, arrived: ArrivedObject, is_known: Callable[[], bool]) -> bool:
        """Ensure that a run exists that ingests an object; False when the object was ingested meanwhile.

        The same object always gets the same run, even if several watches create it. A run that ended without ingesting
        the object gets one successor, with an idempotency key that every watch derives alike. Prefect's keys are
        shared by all deployments of a flow, so the key contains the deployment.
        """
        key = f"{arrived.name} for {deployment}"
        with _translate_errors():
            run = self._create(deployment, arrived, key)
            while run.state is not None and run.state.is_final():
                if is_known():
                    return False
                run = self._create(deployment, arrived, f"{key} after {run.id}")
        self._free[deployment] -= 1
        return True

    def _create(self, deployment: str, arrived: ArrivedObject, key: str) -> FlowRun:
        """The run with this idempotency key, created if there is none. The deployment's own parameters stay."""
        return self._client.create_flow_run_from_deployment(
            self._deployment(deployment).id,
            parameters={"arrived": arrived.model_dump(mode="json")},
            idempotency_key=key,
            tags=[TAG],
        )

    def _unfinished(self, deployment: str) -> int:
        """The number of the watch's runs of a deployment that are waiting or running."""
        since = datetime.now(UTC) - self._abandon_after
        return self._client.count_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[self._deployment(deployment).id])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED)),
                tags=FlowRunFilterTags(all_=[TAG]),
                expected_start_time=FlowRunFilterExpectedStartTime(after_=since),
            ),
        )

    def _deployment(self, name: str) -> DeploymentResponse:
        """A deployment by its name; read each time, because a new deployment may take the name."""
        try:
            return self._client.read_deployment_by_name(name)
        except ObjectNotFound as error:
            raise SettingsError(
                f"the Prefect server has no deployment {name!r}; create it with 'tiltyard deploy', "
                "or name another in TILTYARD_WATCH_DEPLOYMENT"
            ) from error


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Turn the server's failures into SettingsError for a person to fix, or Unavailable to try again."""
    try:
        yield
    except HTTPStatusError as error:
        status, body = error.response.status_code, _shorten(error.response.text)
        if status >= 500 or status in (408, 429):
            raise Unavailable(f"the Prefect server answers {status}: {body}") from error
        raise SettingsError(f"the Prefect server refuses the request with {status}: {body}") from error
    except TransportError as error:
        raise Unavailable(f"cannot reach the Prefect server: {type(error).__name__} {error}".rstrip()) from error


def _shorten(text: Any) -> str:
    """The beginning of a response, in one line."""
    return " ".join(str(text).split())[:200]
