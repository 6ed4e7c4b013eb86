"""``tiltyard show``: everything that is known of a model."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import cell, minute, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.schemas.records import Model
    from tiltyard.workspace.workspace import Workspace

SHOWN_TRIALS, SHOWN_COLUMNS = 20, 15

AnyModel = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model: the beginning of its id, its version (1.2.0), champion or challenger.",
    ),
]


def show(model: AnyModel = "champion", project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Show what a model was made of and what was said of it.

    Its version with the reason, data version and ledger position, training set and classes, recipe, trials, code,
    environment and seed, verdicts and promotions, and the columns that it lives on.
    """
    from tiltyard.workspace.lookup import find_model
    from tiltyard.workspace.models.model_card import model_card, said_of
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    found = find_model(workspace, model)
    facts, said = model_card(workspace, found), said_of(workspace, found)
    trials, problem = _trials(workspace, found)
    if as_json:
        show_json({**facts, **said, "trials": trials, "trials problem": problem})
        return
    _tell_facts(facts)
    _tell_trials(trials, problem)
    _tell_said(said)


def _trials(workspace: "Workspace", model: "Model") -> tuple[list[dict[str, Any]], str]:
    """The model's trials; none, and why, where MLflow does not tell: the rest is known without it."""
    from tiltyard.schemas.errors import RegistryError, Unavailable
    from tiltyard.workspace.models.model_card import trials_of

    try:
        return trials_of(workspace, model), ""
    except (RegistryError, Unavailable) as error:
        return [], str(error)


def _tell_facts(facts: dict[str, Any]) -> None:
    """What the model was made of, item by item."""
    role = ", the champion" if facts["champion"] else ""
    say(f"Model {facts['model'][:8]}, version {facts['version']}{role}")
    say(facts["why"])
    show_table([{"item": item, "": value} for item, value in flat(facts) if item not in {"version", "why", "champion"}])


def _tell_trials(trials: list[dict[str, Any]], problem: str) -> None:
    """What was tried, as far as it fits on a screen."""
    if problem:
        say(f"The trials are not known now: {problem}")
    rows = [{**row, "parameters": _listed(row["parameters"])} for row in trials[:SHOWN_TRIALS]]
    show_table(rows, "Trials", hide=["threshold", "problem"])
    if len(trials) > SHOWN_TRIALS:
        say(f"... and {len(trials) - SHOWN_TRIALS} more trials; MLflow and --json have all")


def _tell_said(said: dict[str, Any]) -> None:
    """What was decided about the model, and what it lives on."""
    from tiltyard.reports.tables import promotion_rows, verdict_row

    shown = ("verdict", "challenger", "champion", "rows", "gain", "decision")
    rows = [{"verdict": one.verdict_id[:8], **verdict_row(one)} for one in said["verdicts"]]
    show_table([{name: row[name] for name in shown} for row in rows], "Verdicts")
    moves = [{**row, "at": minute(row["at"])} for row in promotion_rows(said["promotions"])]
    show_table([{name: row[name] for name in row if name != "reason"} for row in moves], "Moves of the champion")
    lost = ("column", "value", "low", "high")
    importance = [{name: row[name] for name in lost} for row in said["importance"][:SHOWN_COLUMNS]]
    if importance:
        say("What the gate's metric loses where a column of the evaluation rows is shuffled:")
        show_table(importance)


def flat(facts: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Facts as pairs of an item and its value in words; mappings are opened, item by item."""
    pairs: list[tuple[str, str]] = []
    for name, value in facts.items():
        item = f"{above}{name}"
        if isinstance(value, dict) and value:
            pairs += flat(value, f"{item}.")
        else:
            pairs.append((item, _listed(value) if isinstance(value, dict) else cell(value)))
    return pairs


def _listed(values: dict[str, Any]) -> str:
    """A mapping on one line."""
    return ", ".join(f"{name} {cell(value)}" for name, value in values.items()) or "-"
