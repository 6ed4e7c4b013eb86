"""``tiltyard explain``: a model's prediction for one sample, and the parts of the sample that led to it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, format_cell, say, show_json, show_table

if TYPE_CHECKING:
    import polars as pl

    from tiltyard.schemas.records import Factor, Model, Payload, Suggestion
    from tiltyard.workspace.workspace import Workspace

SampleName = Annotated[str, typer.Argument(metavar="SAMPLE", help="A sample's id, or the beginning of it.")]
ByModel = Annotated[
    str, typer.Option("--model", metavar="MODEL", help="A model's id or version, champion or challenger.")
]
Top = Annotated[int, typer.Option("--top", min=1, help="The number of parts to show.")]


def explain(
    sample: SampleName, project: ProjectPath = HERE, model: ByModel = "champion", top: Top = 10, as_json: AsJson = False
) -> None:
    """Show a model's prediction for a sample, and which parts of the sample support or contradict it.

    A part is a column or a word. Its weight is how much probability the predicted class loses without it. Parts that
    matter only in combination are not found.
    """
    from tiltyard.evaluation.explanations import group_factors
    from tiltyard.samples.features import rows_to_payloads
    from tiltyard.workspace.lookup import find_model, find_sample
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    found = find_model(workspace, model)
    sample_id, row = find_sample(workspace, sample)
    prediction, label = _explain(workspace, found, row, top), _label(workspace, sample_id)
    if as_json:
        show_json({"sample": sample_id, "model": found.model_id, "label": label, "said": prediction})
        return
    sure = "" if prediction.probability is None else f", with probability {prediction.probability:.2f}"
    say(f"Model {found.model_id[:8]} predicts {prediction.label!r} for sample {sample_id[:8]}{sure}.")
    say(f"Its label is {label!r}." if label else "It has no effective label.")
    likeliest = sorted(prediction.probabilities.items(), key=lambda entry: -entry[1])[:top]
    show_table([{"class": name, "probability": probability} for name, probability in likeliest])
    payload = rows_to_payloads(row, workspace.project)[0]
    _draw(workspace, payload)
    _show_parts(group_factors(prediction.factors, workspace.project), payload)


def _explain(workspace: "Workspace", model: "Model", row: "pl.DataFrame", top: int) -> "Suggestion":
    """The prediction with its parts, each replaced by a value that is typical of the model's training rows."""
    from dataclasses import replace

    from tiltyard.evaluation.explanations import explain, explanation_background, suggest_labels

    project, fitted = workspace.project, workspace.fitted(model)
    background = explanation_background(workspace.labeled_rows(model.training_id), project)
    factors = explain(fitted, row, background, project, top)[0]
    return replace(suggest_labels(fitted, row, project)[0], factors=factors)


def _label(workspace: "Workspace", sample_id: str) -> str | None:
    """The sample's effective label, if it has one."""
    from tiltyard.workspace.lookup import current_labels

    return next((one.label for one in current_labels(workspace) if one.sample_id == sample_id), None)


def _draw(workspace: "Workspace", payload: "Payload") -> None:
    """Show the sample itself if it is an image: the names of pixels alone are not readable."""
    from tiltyard.apps.cli.console import console
    from tiltyard.apps.cli.labels.sample_view import render_image

    display = workspace.project.display
    if display.kind == "image" and display.width:
        console().print(
            render_image([payload.get(name) for name in display.columns], display.width, display.levels), ""
        )


def _show_parts(parts: "list[tuple[Factor, ...]]", payload: "Payload") -> None:
    """Show each part with its value and weight."""
    rows: list[dict[str, Any]] = [
        {
            "part": ", ".join(dict.fromkeys(factor.name for factor in part)),
            "value": ", ".join(factor.word or format_cell(payload.get(factor.name)) for factor in part),
            "effect": "supports" if part[0].weight > 0 else "contradicts" if part[0].weight < 0 else "none",
            "weight": part[0].weight,
        }
        for part in parts
    ]
    show_table(rows, "Parts behind the prediction")
    if not rows:
        say("No weights: the model gives no probabilities.")
