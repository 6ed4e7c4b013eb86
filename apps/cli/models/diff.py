"""``tiltyard diff``: the differences between two models, and the samples that they predict differently."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, format_cell, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.schemas.records import Model
    from tiltyard.training.versioning import Difference
    from tiltyard.workspace.models.model_diff import FlippedSample, Pair
    from tiltyard.workspace.workspace import Workspace

SHOWN_CLASSES, SHOWN_COLUMNS, LONGEST = 10, 4, 40

One = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model: the beginning of its id, its version, champion or challenger.")
]
Other = Annotated[str, typer.Argument(metavar="MODEL", help="The model to compare it with.")]
Examples = Annotated[int, typer.Option("--samples", min=0, help="The number of flipped samples to show.")]


def diff(
    before: One, after: Other, project: ProjectPath = HERE, samples: Examples = 10, as_json: AsJson = False
) -> None:
    """Show how two models differ, item by item, and which samples flipped.

    Both predict the evaluation set's rows, labeled or not, on which neither was trained. For labeled rows it shows
    which model is right. Nothing is recorded, and it does not count as a look of the gate.
    """
    from tiltyard.training.versioning import differences
    from tiltyard.workspace.lookup import find_model
    from tiltyard.workspace.models.model_card import made_of
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    models = find_model(workspace, before), find_model(workspace, after)
    found = differences(*(made_of(workspace, model) for model in models))
    pair, problem = _pair(workspace, models, samples)
    if as_json:
        show_json({"differences": found, "flips": _as_data(pair), "flips problem": problem})
        return
    names = [_name(workspace, model) for model in models]
    _show_differences(names, found)
    if pair is None:
        say(f"Flips are not available: {problem}")
    else:
        _show_flips(workspace, pair)


def _pair(workspace: "Workspace", models: "tuple[Model, Model]", samples: int) -> "tuple[Pair | None, str]":
    """The predictions of both; None and the error if they cannot predict the same rows."""
    from tiltyard.schemas.errors import NotFound, RegistryError
    from tiltyard.workspace.models.model_diff import compare_pair

    try:
        return compare_pair(workspace, *models, samples), ""
    except (RegistryError, NotFound) as error:
        return None, str(error)


def _name(workspace: "Workspace", model: "Model") -> str:
    """A model's short id with its version."""
    from tiltyard.workspace.lookup import version_of

    return f"{model.model_id[:8]} ({version_of(workspace, model.model_id).number})"


def _show_differences(names: list[str], found: "list[Difference]") -> None:
    """Show the inputs in which the two models differ."""
    before, after = names
    if found:
        rows = [{"differs": one.item, before: _shorten(one.before), after: _shorten(one.after)} for one in found]
        show_table(rows)
    else:
        say(f"{before} and {after} have the same inputs.")


def _show_flips(workspace: "Workspace", pair: "Pair") -> None:
    """Show how many predictions differ, between which classes, which model is right, and examples."""
    if not pair.rows:
        say("The evaluation set has no rows yet: no predictions to compare.")
        return
    share = pair.flips / pair.rows
    say(f"{pair.flips:,} of {pair.rows:,} predictions on evaluation rows flipped ({share:.1%}).")
    classes = [{"decision before": old, "after": new, "samples": count}
               for (old, new), count in list(pair.by_classes.items())[:SHOWN_CLASSES]]  # fmt: skip
    show_table(classes)
    right = pair.right
    if known := sum(right.values()):
        say(
            f"{known} of the flipped samples are labeled: the second model is right on {right['after']}, "
            f"the first on {right['before']}, neither on {right['neither']}."
        )
    elif pair.flips:
        say(f"None of the flipped samples is labeled; {pair.labeled} of the rows are.")
    show_table([_sample_row(workspace, sample) for sample in pair.samples], "Flipped samples")


def _sample_row(workspace: "Workspace", sample: "FlippedSample") -> dict[str, Any]:
    """One flipped sample with the values of its main columns."""
    names = workspace.project.display.columns or list(workspace.project.columns.features)
    names = names[:SHOWN_COLUMNS] if workspace.project.display.kind != "image" else []
    shown = {name: _shorten(sample.payload.get(name)) for name in names}
    return {
        "sample": sample.sample_id[:8],
        "before": sample.before,
        "after": sample.after,
        "label": sample.label,
    } | shown


def _as_data(pair: "Pair | None") -> dict[str, Any] | None:
    """Flips for --json, with the counts by classes as rows."""
    if pair is None:
        return None
    counts = [{"before": old, "after": new, "samples": count} for (old, new), count in pair.by_classes.items()]
    facts = {name: getattr(pair, name) for name in ("rows", "flips", "labeled", "right", "samples")}
    return {**facts, "by_classes": counts}


def _shorten(value: Any) -> str:
    """A value as a cell, shortened if it is long."""
    text = format_cell(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
