"""Keep what people paused and resumed in Prefect's UI over a deployment, which would reset all of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName, DeploymentFilterTags
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.schemas.automations import Automation

PAGE = 200
"""The most automations that Prefect returns at once."""

ScheduleKey = tuple[UUID, str]
"""A deployment and the timing of one of its schedules."""


@dataclass(frozen=True, slots=True)
class PausedState:
    """Which schedules and triggers of a project were active."""

    schedules: dict[ScheduleKey, bool]
    triggers: dict[str, bool]


def read_paused_state(client: SyncPrefectClient, project: str) -> PausedState:
    """Which schedules and triggers of a project are active now."""
    schedules = {when: one.active for when, one in _schedules(client, project)}
    return PausedState(schedules, {one.name: one.enabled for one in _triggers(client, project)})


def restore_paused_state(client: SyncPrefectClient, project: str, before: PausedState) -> None:
    """Pause or resume schedules and triggers as they were before; new ones stay as the file has them."""
    for (deployment, when), one in _schedules(client, project):
        if before.schedules.get((deployment, when), one.active) != one.active:
            client.update_deployment_schedule(deployment, one.id, active=not one.active)
    for trigger in _triggers(client, project):
        if before.triggers.get(trigger.name, trigger.enabled) != trigger.enabled:
            switch = client.pause_automation if trigger.enabled else client.resume_automation
            switch(trigger.id)


def deployments_of(client: SyncPrefectClient, project: str) -> list[DeploymentResponse]:
    """The deployments that are named after a project and have Tiltyard's tag."""
    tagged = DeploymentFilter(
        name=DeploymentFilterName(any_=[project]), tags=DeploymentFilterTags(all_=["tiltyard", project])
    )
    return client.read_deployments(deployment_filter=tagged)


def all_automations(client: SyncPrefectClient) -> Iterator[Automation]:
    """Every automation of the server."""
    offset, page = 0, client.read_automations(limit=PAGE)
    while page:
        yield from page
        offset += len(page)
        page = client.read_automations(limit=PAGE, offset=offset) if len(page) == PAGE else []


def _schedules(client: SyncPrefectClient, project: str) -> Iterator[tuple[ScheduleKey, DeploymentSchedule]]:
    """Each schedule of a project with its key: schedule ids change with each deployment."""
    for deployment in deployments_of(client, project):
        for one in deployment.schedules:
            yield (deployment.id, one.schedule.model_dump_json()), one


def _triggers(client: SyncPrefectClient, project: str) -> list[Automation]:
    """The triggers of a project's deployments."""
    return [one for one in all_automations(client) if one.name.startswith(f"{project} wakes ")]
