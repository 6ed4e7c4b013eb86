"""``tiltyard train`` and ``tiltyard rebuild``: fit a challenger, or refit an earlier model."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, format_count, format_minute, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.project.results import TrainResult
    from tiltyard.schemas.records import Model
    from tiltyard.tasks.models.rebuild_model import RebuildResult
    from tiltyard.training.versioning import ModelVersion
    from tiltyard.workspace.workspace import Workspace

Force = Annotated[bool, typer.Option("--force", help="Train even if there are too few new annotations.")]
ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model: the beginning of its id, its version, champion or challenger.")
]


def train(project: ProjectPath = HERE, force: Force = False, as_json: AsJson = False) -> None:
    """Fit the candidates on every effective label; the best is the challenger.

    Training promotes nothing: that needs a verdict (tiltyard judge).
    """
    from tiltyard.project.opening import open as open_project

    opened = open_project(project)
    result = opened.train(force=force)
    if as_json:
        show_json({"trained": result.is_new, "due": result.due, "model": result.model})
    else:
        _show(opened.workspace, result)


def rebuild(model: ModelName, project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Refit a model from its recorded inputs and compare the predictions.

    Exit code 1 if the predictions differ.
    """
    from tiltyard.tasks.models.rebuild_model import rebuild_model
    from tiltyard.workspace.lookup import find_model
    from tiltyard.workspace.workspace import open_workspace

    rebuilt = rebuild_model.fn(str(project), find_model(open_workspace(project), model).model_id)
    if as_json:
        show_json(rebuilt)
    else:
        _show_rebuilt(rebuilt)
    raise typer.Exit(0 if rebuilt.equal else 1)


def model_row(model: "Model", labels: int, version: "ModelVersion") -> dict[str, Any]:
    """One model as a table row."""
    return {
        "model": model.model_id[:8],
        "version": version.number,
        "candidate": model.recipe.get("candidate", ""),
        "labels": labels,
        "threshold": model.threshold,
        "at": format_minute(model.recorded_at.isoformat()),
    }


def _show(workspace: "Workspace", result: "TrainResult") -> None:
    """Show the trained model, or the reason that none was trained."""
    model = result.model
    if model is None:
        say(f"Not trained: {result.due.why}.")
        say("Next: tiltyard label (or train with --force)")
        return
    from tiltyard.workspace.lookup import version_of

    labeled, version = workspace.ledger.models.get_set(model.training_id), version_of(workspace, model.model_id)
    counts = ", ".join(f"{name}: {count:,}" for name, count in labeled.classes.items() if count)
    trained_on = format_count(labeled.rows, "label")
    summary = f"{model.model_id[:8]} ({model.recipe.get('candidate')}) on {trained_on} ({counts})"
    if not result.is_new:
        say(f"Nothing was trained: {summary} already exists, as version {version.number}.")
        say("Next: tiltyard status")
        return
    say(f"Trained {summary}.")
    say(f"It is version {version.number}, {version.step}: {version.why}.")
    show_table([{"metric": name, "in its trials": value} for name, value in sorted(model.metrics.items())])
    say("It is the challenger. Next: tiltyard judge")


def _show_rebuilt(rebuilt: "RebuildResult") -> None:
    """Show whether the predictions are equal, and what changed since the training."""
    same = "equal predictions" if rebuilt.equal else "DIFFERENT predictions"
    say(f"Model {rebuilt.model_id[:8]} was refitted from its recorded inputs: {same}.")
    show_table(
        [{"changed since": name, "then": then, "now": now} for name, (then, now) in sorted(rebuilt.changed.items())]
    )
