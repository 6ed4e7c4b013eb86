"""Prefect's automations of one project made what a file says: an automation is known by its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.events.schemas.automations import Automation, AutomationCore

from tiltyard.apps.cli.deployment.client import prefect_client
from tiltyard.apps.cli.deployment.files import filled, read_yaml
from tiltyard.apps.cli.deployment.lint import BLOCK, mistakes_in_automations, refuse
from tiltyard.apps.cli.deployment.preserved_state import every_automation
from tiltyard.schemas.errors import SettingsError, nearest

Done = Literal["created", "changed", "same", "removed"]
MAKE_BLOCK: Final = "docs/how-to/set-up-notifications.md says how to make one"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one automation."""

    name: str
    done: Done


def told_by(project: str) -> str:
    """How the names of a project's notices and repairs begin.

    >>> told_by("bank")
    'bank tells'
    """
    return f"{project} tells"


def wanted_automations(file: Path, project: str, block: str | None = None) -> list[AutomationCore]:
    """The automations that a file describes for a project, their blocks found on the server.

    ``block`` takes the place of every block that the file names. Raises SettingsError for mistakes in the file and for
    blocks that are not there.
    """
    content = filled(read_yaml(file), {"TILTYARD_PROJECT_NAME": project})
    refuse(mistakes_in_automations(content, project), file)
    described: list[dict[str, Any]] = content["automations"]
    with prefect_client() as client:
        blocks = notification_blocks(client)
    return [AutomationCore.model_validate(_with_blocks(one, blocks, block)) for one in described]


def notification_blocks(client: SyncPrefectClient) -> dict[str, list[BlockDocument]]:
    """The server's blocks that can notify somebody, by their names."""
    found: dict[str, list[BlockDocument]] = {}
    for one in client.read_block_documents(include_secrets=False):
        if one.name and one.block_schema and "notify" in (one.block_schema.capabilities or []):
            found.setdefault(one.name, []).append(one)
    return found


def _with_blocks(
    described: dict[str, Any], blocks: dict[str, list[BlockDocument]], instead: str | None
) -> dict[str, Any]:
    """An automation whose actions name the ids of their blocks."""

    def identified(action: dict[str, Any]) -> dict[str, Any]:
        if BLOCK not in action:
            return action
        rest = {key: value for key, value in action.items() if key != BLOCK}
        return {**rest, "block_document_id": _id_of(instead or action[BLOCK], blocks)}

    return {**described, "actions": [identified(action) for action in described["actions"]]}


def _id_of(name: str, blocks: dict[str, list[BlockDocument]]) -> UUID:
    """A notification block's id."""
    found = blocks.get(name, [])
    if not found:
        hint = nearest(name, blocks) if blocks else "there is none at all"
        raise SettingsError(f"Prefect has no notification block {name!r} ({hint}); {MAKE_BLOCK}, --block names another")
    if len(found) > 1:
        kinds = ", ".join(sorted(one.block_type_name or "?" for one in found))
        raise SettingsError(f"Prefect has several notification blocks {name!r} ({kinds}); give one another name")
    return found[0].id


def apply_all(project: str, wanted: Sequence[AutomationCore]) -> list[Change]:
    """Create, change and remove until a project's notices are what is wanted; what became of each."""
    with prefect_client() as client:
        known = [one for one in every_automation(client) if one.name.startswith(f"{told_by(project)}: ")]
        changes = [_applied(client, one, [other for other in known if other.name == one.name]) for one in wanted]
        names = {one.name for one in wanted}
        return changes + [_removed(client, one) for one in known if one.name not in names]


def standing_automations(project: str) -> list[Automation]:
    """What the server has for a project: wake-ups and notices, sorted by name."""
    with prefect_client() as client:
        beginnings = (f"{project} tells: ", f"{project} wakes ")
        return sorted(
            (one for one in every_automation(client) if one.name.startswith(beginnings)), key=lambda one: one.name
        )


def _applied(client: SyncPrefectClient, wanted: AutomationCore, known: Sequence[Automation]) -> Change:
    """One automation made what is wanted; doubles that somebody made by hand are removed."""
    if not known:
        client.create_automation(wanted)
        return Change(wanted.name, "created")
    first, *doubles = known
    for double in doubles:
        client.delete_automation(double.id)
    # A pause in Prefect's pages is a person's decision.
    new = wanted.model_copy(update={"enabled": first.enabled})
    if not doubles and _content(first) == _content(new):
        return Change(wanted.name, "same")
    client.update_automation(first.id, new)
    return Change(wanted.name, "changed")


def _removed(client: SyncPrefectClient, known: Automation) -> Change:
    """One automation less."""
    client.delete_automation(known.id)
    return Change(known.name, "removed")


def _content(one: AutomationCore) -> dict[str, Any]:
    """What two automations are compared by."""
    return AutomationCore.model_validate(one.model_dump()).model_dump(exclude={"owner_resource"})
