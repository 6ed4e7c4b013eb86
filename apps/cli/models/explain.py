"""``tiltyard explain``: what a model says of one sample, and which parts of it made it say so."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import cell, say, show_json, show_table

if TYPE_CHECKING:
    import polars as pl

    from tiltyard.schemas.records import Factor, Model, Payload, Suggestion
    from tiltyard.workspace.workspace import Workspace

SampleName = Annotated[str, typer.Argument(metavar="SAMPLE", help="A sample's id, or the beginning of it.")]
ByModel = Annotated[
    str, typer.Option("--model", metavar="MODEL", help="A model's id or version, champion or challenger.")
]
Top = Annotated[int, typer.Option("--top", min=1, help="How many parts to show.")]


def explain(
    sample: SampleName, project: ProjectPath = HERE, model: ByModel = "champion", top: Top = 10, as_json: AsJson = False
) -> None:
    """Show what a model says of a sample, and which of its parts speak for or against that.

    A part is a column or a word. It is taken away and the model asked again: what the decided class loses is the
    part's weight. Parts that only count together go unseen.
    """
    from tiltyard.evaluation.explanations import parts_of
    from tiltyard.samples.features import payloads_of
    from tiltyard.workspace.lookup import find_model, find_sample
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    found = find_model(workspace, model)
    sample_id, row = find_sample(workspace, sample)
    said, label = _explained(workspace, found, row, top), _label(workspace, sample_id)
    if as_json:
        show_json({"sample": sample_id, "model": found.model_id, "label": label, "said": said})
        return
    sure = "" if said.probability is None else f", with probability {said.probability:.2f}"
    say(f"Model {found.model_id[:8]} decides {said.label!r} for sample {sample_id[:8]}{sure}.")
    say(f"Its label is {label!r}." if label else "It has no effective label.")
    likeliest = sorted(said.probabilities.items(), key=lambda entry: -entry[1])[:top]
    show_table([{"class": name, "probability": probability} for name, probability in likeliest])
    payload = payloads_of(row, workspace.project)[0]
    _draw(workspace, payload)
    _tell_parts(parts_of(said.factors, workspace.project), payload)


def _explained(workspace: "Workspace", model: "Model", row: "pl.DataFrame", top: int) -> "Suggestion":
    """What the model says with the parts that decided, each taken away for what is typical of its training rows."""
    from dataclasses import replace

    from tiltyard.evaluation.explanations import background_of, explain, suggestions

    project, fitted = workspace.project, workspace.fitted(model)
    background = background_of(workspace.labeled_rows(model.training_id), project)
    factors = explain(fitted, row, background, project, top)[0]
    return replace(suggestions(fitted, row, project)[0], factors=factors)


def _label(workspace: "Workspace", sample_id: str) -> str | None:
    """What the sample's annotations amount to, if anything."""
    from tiltyard.workspace.lookup import current_labels

    return next((one.label for one in current_labels(workspace) if one.sample_id == sample_id), None)


def _draw(workspace: "Workspace", payload: "Payload") -> None:
    """The sample itself, where it is a picture of pixels: their names alone say nothing."""
    from tiltyard.apps.cli.console.output import console
    from tiltyard.apps.cli.labels.sample_view import picture

    display = workspace.project.display
    if display.kind == "image" and display.width:
        console().print(picture([payload.get(name) for name in display.columns], display.width, display.levels), "")


def _tell_parts(parts: "list[tuple[Factor, ...]]", payload: "Payload") -> None:
    """Each part with its value and how much it speaks for the decision."""
    rows: list[dict[str, Any]] = [
        {
            "part": ", ".join(dict.fromkeys(factor.name for factor in part)),
            "value": ", ".join(factor.word or cell(payload.get(factor.name)) for factor in part),
            "speaks": "for" if part[0].weight > 0 else "against" if part[0].weight < 0 else "neither way",
            "weight": part[0].weight,
        }
        for part in parts
    ]
    show_table(rows, "What the model went by")
    if not rows:
        say("No part of it can be weighed: the model gives no probabilities.")
