"""Roll back: make an earlier champion the champion again; no label is lost."""

from typing import Annotated

from pydantic import Field

from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.roll_back_champion import roll_back_champion


@loop_flow("roll-back")
def roll_back(
    project: str = ".",
    actor: Annotated[str, Field(min_length=1)] = "operator",
    reason: Annotated[str, Field(min_length=1)] = "no reason was given",
    model: str | None = None,
) -> int:
    """Make an earlier champion the champion again; no label is lost.

    Args:
        project: Folder or file of the project.
        actor: Who decides, for the record.
        reason: The reason; recorded permanently.
        model: Id of an earlier champion; default: the previous one.

    Returns:
        The number of the move.
    """
    number = roll_back_champion(project, actor, reason, model)
    seal_ledger(project)
    return number
