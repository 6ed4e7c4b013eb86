"""What people switched on and off in Prefect's pages, kept over a deployment: Prefect itself makes all of it anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName, DeploymentFilterTags
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.schemas.automations import Automation

PAGE = 200
"""As many as Prefect answers at once."""

When = tuple[UUID, str]
"""A deployment and the time of one of its schedules."""


@dataclass(frozen=True, slots=True)
class Switches:
    """Which schedules and wake-ups of a project were on, of those that were there."""

    schedules: dict[When, bool]
    wake_ups: dict[str, bool]


def switches_of(client: SyncPrefectClient, project: str) -> Switches:
    """How a project's switches stand now."""
    schedules = {when: one.active for when, one in _schedules(client, project)}
    return Switches(schedules, {one.name: one.enabled for one in _wake_ups(client, project)})


def restore(client: SyncPrefectClient, project: str, before: Switches) -> None:
    """Switch what is still there to how it stood before; what is new stays as the file has it."""
    for (deployment, when), one in _schedules(client, project):
        if before.schedules.get((deployment, when), one.active) != one.active:
            client.update_deployment_schedule(deployment, one.id, active=not one.active)
    for wake_up in _wake_ups(client, project):
        if before.wake_ups.get(wake_up.name, wake_up.enabled) != wake_up.enabled:
            switch = client.pause_automation if wake_up.enabled else client.resume_automation
            switch(wake_up.id)


def deployments_of(client: SyncPrefectClient, project: str) -> list[DeploymentResponse]:
    """The deployments that bear a project's name and are ours."""
    tagged = DeploymentFilter(
        name=DeploymentFilterName(any_=[project]), tags=DeploymentFilterTags(all_=["tiltyard", project])
    )
    return client.read_deployments(deployment_filter=tagged)


def every_automation(client: SyncPrefectClient) -> Iterator[Automation]:
    """Every automation of the server."""
    offset, page = 0, client.read_automations(limit=PAGE)
    while page:
        yield from page
        offset += len(page)
        page = client.read_automations(limit=PAGE, offset=offset) if len(page) == PAGE else []


def _schedules(client: SyncPrefectClient, project: str) -> Iterator[tuple[When, DeploymentSchedule]]:
    """Each schedule of a project, with what it is known by: its id is another after each deployment."""
    for deployment in deployments_of(client, project):
        for one in deployment.schedules:
            yield (deployment.id, one.schedule.model_dump_json()), one


def _wake_ups(client: SyncPrefectClient, project: str) -> list[Automation]:
    """The wake-ups of a project's deployments."""
    return [one for one in every_automation(client) if one.name.startswith(f"{project} wakes ")]
