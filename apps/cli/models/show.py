"""``tiltyard show``: everything recorded about a model."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, format_cell, format_minute, say, show_json, show_table

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
    """Show a model's inputs, trials, verdicts and promotions.

    Its version with the reason, data version and ledger position, training set and classes, recipe, trials, code,
    environment and seed, verdicts and promotions, and its most important columns.
    """
    from tiltyard.workspace.lookup import find_model
    from tiltyard.workspace.models.model_card import model_card, said_of
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    found = find_model(workspace, model)
    facts, decisions = model_card(workspace, found), said_of(workspace, found)
    trials, problem = _trials(workspace, found)
    if as_json:
        show_json({**facts, **decisions, "trials": trials, "trials problem": problem})
        return
    _show_facts(facts)
    _show_trials(trials, problem)
    _show_decisions(decisions)


def _trials(workspace: "Workspace", model: "Model") -> tuple[list[dict[str, Any]], str]:
    """The model's trials; none and the error if MLflow cannot be read, because the rest needs no MLflow."""
    from tiltyard.schemas.errors import RegistryError, Unavailable
    from tiltyard.workspace.models.model_card import trials_of

    try:
        return trials_of(workspace, model), ""
    except (RegistryError, Unavailable) as error:
        return [], str(error)


def _show_facts(facts: dict[str, Any]) -> None:
    """Show the model's inputs, item by item."""
    role = ", the champion" if facts["champion"] else ""
    say(f"Model {facts['model'][:8]}, version {facts['version']}{role}")
    say(facts["why"])
    show_table(
        [{"item": item, "": value} for item, value in flatten(facts) if item not in {"version", "why", "champion"}]
    )


def _show_trials(trials: list[dict[str, Any]], problem: str) -> None:
    """Show the first trials."""
    if problem:
        say(f"Trials are not available: {problem}")
    rows = [{**row, "parameters": _join_items(row["parameters"])} for row in trials[:SHOWN_TRIALS]]
    show_table(rows, "Trials", hide=["threshold", "problem"])
    if len(trials) > SHOWN_TRIALS:
        say(f"... and {len(trials) - SHOWN_TRIALS} more trials; MLflow and --json list all")


def _show_decisions(decisions: dict[str, Any]) -> None:
    """Show the decisions about the model, and its most important columns."""
    from tiltyard.reports.tables import promotion_rows, verdict_row

    shown = ("verdict", "challenger", "champion", "rows", "gain", "decision")
    rows = [{"verdict": one.verdict_id[:8], **verdict_row(one)} for one in decisions["verdicts"]]
    show_table([{name: row[name] for name in shown} for row in rows], "Verdicts")
    moves = [{**row, "at": format_minute(row["at"])} for row in promotion_rows(decisions["promotions"])]
    show_table([{name: row[name] for name in row if name != "reason"} for row in moves], "Moves of the champion")
    columns = ("column", "value", "low", "high")
    importance = [{name: row[name] for name in columns} for row in decisions["importance"][:SHOWN_COLUMNS]]
    if importance:
        say("Permutation importance: the loss in the gate's metric when a column is shuffled:")
        show_table(importance)


def flatten(facts: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Facts as pairs of an item and its formatted value; nested mappings are flattened."""
    pairs: list[tuple[str, str]] = []
    for name, value in facts.items():
        item = f"{above}{name}"
        if isinstance(value, dict) and value:
            pairs += flatten(value, f"{item}.")
        else:
            pairs.append((item, _join_items(value) if isinstance(value, dict) else format_cell(value)))
    return pairs


def _join_items(values: dict[str, Any]) -> str:
    """A mapping on one line."""
    return ", ".join(f"{name} {format_cell(value)}" for name, value in values.items()) or "-"
