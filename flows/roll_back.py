"""Roll back: an earlier champion is champion again, and not one label is lost."""

from prefect import flow

from tasks.roll_back_champion import roll_back_champion
from tasks.seal_ledger import seal_ledger


@flow(name="roll-back", flow_run_name="roll-back {project}")
def roll_back(project: str = ".", actor: str = "operator", reason: str = "", model: str | None = None) -> int:
    """Go back to the champion before today's, or to the one named; the number of the move."""
    number = roll_back_champion(project, actor, reason or "no reason was given", model)
    seal_ledger(project)
    return number
