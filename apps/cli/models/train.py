"""``tiltyard train`` and ``tiltyard rebuild``: fit a challenger, or an old model again."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import minute, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.project.results import TrainResult
    from tiltyard.schemas.records import Model
    from tiltyard.tasks.models.rebuild_model import Rebuilt
    from tiltyard.training.versioning import ModelVersion
    from tiltyard.workspace.workspace import Workspace

Force = Annotated[bool, typer.Option("--force", help="Train even where too few annotations are new.")]
ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model: its id's beginning, its version, champion or challenger.")
]


def train(project: ProjectPath = HERE, force: Force = False, as_json: AsJson = False) -> None:
    """Fit the candidates on every effective label; the best is the challenger.

    Nothing is promoted here: that takes a verdict (tiltyard judge).
    """
    from tiltyard.project.opening import open as open_project

    opened = open_project(project)
    result = opened.train(force=force)
    if as_json:
        show_json({"trained": result.is_new, "due": result.due, "model": result.model})
    else:
        _tell(opened.workspace, result)


def rebuild(model: ModelName, project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Fit a model again from its ids and compare its predictions.

    Exit code 1 when the predictions differ.
    """
    from tiltyard.tasks.models.rebuild_model import rebuild_model
    from tiltyard.workspace.lookup import find_model
    from tiltyard.workspace.workspace import open_workspace

    rebuilt = rebuild_model.fn(str(project), find_model(open_workspace(project), model).model_id)
    if as_json:
        show_json(rebuilt)
    else:
        _tell_rebuilt(rebuilt)
    raise typer.Exit(0 if rebuilt.equal else 1)


def model_row(model: "Model", labels: int, version: "ModelVersion") -> dict[str, Any]:
    """One model as a row: what it is and what its trials showed."""
    return {
        "model": model.model_id[:8],
        "version": version.number,
        "candidate": model.recipe.get("candidate", ""),
        "labels": labels,
        "threshold": model.threshold,
        "at": minute(model.recorded_at.isoformat()),
    }


def _tell(workspace: "Workspace", result: "TrainResult") -> None:
    """Say what was trained, or why nothing was."""
    model = result.model
    if model is None:
        say(f"Not trained: {result.due.why}.")
        say("Next: tiltyard label (or train with --force)")
        return
    from tiltyard.workspace.lookup import version_of

    labeled, version = workspace.ledger.models.get_set(model.training_id), version_of(workspace, model.model_id)
    counts = ", ".join(f"{name}: {count:,}" for name, count in labeled.classes.items() if count)
    made_of = f"{model.model_id[:8]} ({model.recipe.get('candidate')}) on {labeled.rows:,} labels ({counts})"
    if not result.is_new:
        say(f"Nothing was trained: {made_of} is known already, as version {version.number}.")
        say("Next: tiltyard status")
        return
    say(f"Trained {made_of}.")
    say(f"It is version {version.number}, {version.step}: {version.why}.")
    show_table([{"metric": name, "in its trials": value} for name, value in sorted(model.metrics.items())])
    say("It is the challenger. Next: tiltyard judge")


def _tell_rebuilt(rebuilt: "Rebuilt") -> None:
    """Say whether the model came out the same."""
    same = "equal predictions" if rebuilt.equal else "OTHER predictions"
    say(f"Model {rebuilt.model_id[:8]} was fitted again from its ids: {same}.")
    show_table(
        [{"changed since": name, "then": then, "now": now} for name, (then, now) in sorted(rebuilt.changed.items())]
    )
