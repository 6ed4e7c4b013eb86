"""``tiltyard automations``: a project's notices and repairs in Prefect, kept as the automations file describes them.

An automation is identified by its name. Prefect is imported by the functions that call its server, not at the top.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, say, show_json, show_table
from tiltyard.schemas.errors import SettingsError, nearest

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import BlockDocument
    from prefect.events.schemas.automations import Automation, AutomationCore

AUTOMATIONS = Path("deployments/automations.yaml")
HOW_TO_MAKE_BLOCK: Final = "docs/how-to/set-up-notifications.md describes how to create one"
Outcome = Literal["created", "changed", "same", "removed"]

File = Annotated[Path, typer.Option("--file", help="The automations file.")]
Block = Annotated[
    str | None, typer.Option("--block", help="Notification block to send notices to, instead of those in the file.")
]

automations = typer.Typer(
    no_args_is_help=True, help="Notices and repairs, as Prefect's automations: apply, list, remove."
)


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to one automation."""

    name: str
    done: Outcome


@automations.command("apply")
def apply(project: ProjectPath = HERE, file: File = AUTOMATIONS, block: Block = None, as_json: AsJson = False) -> None:
    """Make a project's automations in Prefect match the file.

    An automation is identified by its name, so no second one is ever created. An automation that was paused in
    Prefect's UI stays paused; one that is no longer in the file is removed. The file is checked first.
    """
    from tiltyard.workspace.workspace import open_workspace

    name = open_workspace(project).project.name
    _show_changes(sync_automations(name, read_automations(file, name, block)), as_json)


@automations.command("list")
def list_automations(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Show a project's automations: its notices and repairs, and the triggers of its deployments."""
    from tiltyard.workspace.workspace import open_workspace

    found = server_automations(open_workspace(project).project.name)
    rows = [{"automation": one.name, "enabled": one.enabled} for one in found]
    if as_json:
        show_json(rows)
    elif rows:
        show_table(rows)
    else:
        say("No automations yet. Next: tiltyard deploy; tiltyard automations apply")


@automations.command("remove")
def remove(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Remove a project's notices and repairs from Prefect; the triggers of its deployments stay."""
    from tiltyard.workspace.workspace import open_workspace

    _show_changes(sync_automations(open_workspace(project).project.name, []), as_json)


def _show_changes(changes: list[Change], as_json: bool) -> None:
    """Show what was done to each automation."""
    if as_json:
        show_json(changes)
        return
    show_table([{"automation": one.name, "": one.done} for one in changes])
    if not changes:
        say("Nothing to change.")


def name_prefix(project: str) -> str:
    """How the names of a project's notices and repairs begin, in the file and on the server.

    >>> name_prefix("bank")
    'bank tells'
    """
    return f"{project} tells"


def read_automations(file: Path, project: str, block: str | None = None) -> "list[AutomationCore]":
    """The automations that a file describes for a project, with the ids of their notification blocks.

    ``block`` replaces every block that the file names. Raises SettingsError for mistakes in the file and for blocks
    that the server does not have.
    """
    from prefect.events.schemas.automations import AutomationCore

    from tiltyard.apps.cli.deployment.client import prefect_client
    from tiltyard.apps.cli.deployment.files import fill_variables, read_yaml
    from tiltyard.apps.cli.deployment.lint import lint_automations, refuse_mistakes

    content = fill_variables(read_yaml(file), {"TILTYARD_PROJECT_NAME": project})
    refuse_mistakes(lint_automations(content, project), file)
    described: list[dict[str, Any]] = content["automations"]
    with prefect_client() as client:
        blocks = notification_blocks(client)
    return [AutomationCore.model_validate(_with_block_ids(one, blocks, block)) for one in described]


def notification_blocks(client: "SyncPrefectClient") -> "dict[str, list[BlockDocument]]":
    """The server's blocks that can send notifications, by name."""
    found: dict[str, list[BlockDocument]] = {}
    for one in client.read_block_documents(include_secrets=False):
        if one.name and one.block_schema and "notify" in (one.block_schema.capabilities or []):
            found.setdefault(one.name, []).append(one)
    return found


def _with_block_ids(
    described: dict[str, Any], blocks: "dict[str, list[BlockDocument]]", replacement: str | None
) -> dict[str, Any]:
    """An automation whose actions have the ids of their blocks."""
    from tiltyard.apps.cli.deployment.lint import BLOCK

    def with_id(action: dict[str, Any]) -> dict[str, Any]:
        if BLOCK not in action:
            return action
        rest = {key: value for key, value in action.items() if key != BLOCK}
        return {**rest, "block_document_id": _block_id(replacement or action[BLOCK], blocks)}

    return {**described, "actions": [with_id(action) for action in described["actions"]]}


def _block_id(name: str, blocks: "dict[str, list[BlockDocument]]") -> "UUID":
    """A notification block's id."""
    found = blocks.get(name, [])
    if not found:
        hint = nearest(name, blocks) if blocks else "the server has none"
        raise SettingsError(
            f"Prefect has no notification block {name!r} ({hint}); {HOW_TO_MAKE_BLOCK}, --block names another"
        )
    if len(found) > 1:
        kinds = ", ".join(sorted(one.block_type_name or "?" for one in found))
        raise SettingsError(f"Prefect has several notification blocks {name!r} ({kinds}); rename all but one")
    return found[0].id


def sync_automations(project: str, described: "Sequence[AutomationCore]") -> list[Change]:
    """Create, change and remove automations until a project's notices match the description; what was done to each."""
    from tiltyard.apps.cli.deployment.client import prefect_client
    from tiltyard.apps.cli.deployment.preserved_state import all_automations

    with prefect_client() as client:
        known = [one for one in all_automations(client) if one.name.startswith(f"{name_prefix(project)}: ")]
        changes = [_sync_one(client, one, [other for other in known if other.name == one.name]) for one in described]
        names = {one.name for one in described}
        return changes + [_delete(client, one) for one in known if one.name not in names]


def server_automations(project: str) -> "list[Automation]":
    """A project's automations on the server: deployment triggers and notices, sorted by name."""
    from tiltyard.apps.cli.deployment.client import prefect_client
    from tiltyard.apps.cli.deployment.preserved_state import all_automations

    prefixes = (f"{name_prefix(project)}: ", f"{project} wakes ")
    with prefect_client() as client:
        found = [one for one in all_automations(client) if one.name.startswith(prefixes)]
    return sorted(found, key=lambda one: one.name)


def _sync_one(client: "SyncPrefectClient", described: "AutomationCore", known: "Sequence[Automation]") -> Change:
    """Make one automation match its description; duplicates that somebody made by hand are removed."""
    if not known:
        client.create_automation(described)
        return Change(described.name, "created")
    first, *duplicates = known
    for duplicate in duplicates:
        client.delete_automation(duplicate.id)
    # A pause in Prefect's UI is a person's decision.
    new = described.model_copy(update={"enabled": first.enabled})
    if not duplicates and _content(first) == _content(new):
        return Change(described.name, "same")
    client.update_automation(first.id, new)
    return Change(described.name, "changed")


def _delete(client: "SyncPrefectClient", known: "Automation") -> Change:
    """Remove one automation."""
    client.delete_automation(known.id)
    return Change(known.name, "removed")


def _content(one: "AutomationCore") -> dict[str, Any]:
    """The part of an automation that is compared."""
    from prefect.events.schemas.automations import AutomationCore

    return AutomationCore.model_validate(one.model_dump()).model_dump(exclude={"owner_resource"})
