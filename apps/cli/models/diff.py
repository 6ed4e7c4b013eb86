"""``tiltyard diff``: what differs between two models, and which samples they decide differently."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import cell, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.schemas.records import Model
    from tiltyard.training.differing import Difference
    from tiltyard.workspace.models.model_diff import FlippedSample, Pair
    from tiltyard.workspace.workspace import Workspace

SHOWN_CLASSES, SHOWN_COLUMNS, LONGEST = 10, 4, 40

One = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model: its id's beginning, its version, champion or challenger.")
]
Other = Annotated[str, typer.Argument(metavar="MODEL", help="The model that it is compared with.")]
Examples = Annotated[int, typer.Option("--samples", min=0, help="How many flipped samples to show.")]


def diff(
    before: One, after: Other, project: ProjectPath = HERE, samples: Examples = 10, as_json: AsJson = False
) -> None:
    """Show what differs between two models, item by item, and which samples flipped.

    Both decide over the evaluation set's rows, labeled or not, which neither was trained on. Where a label is known,
    it is said who was right. Nothing is recorded, and it is no look of the gate.
    """
    from tiltyard.training.differing import differences
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
    _tell_differences(names, found)
    if pair is None:
        say(f"Flips are not known: {problem}")
    else:
        _tell_flips(workspace, pair)


def _pair(workspace: "Workspace", models: "tuple[Model, Model]", samples: int) -> "tuple[Pair | None, str]":
    """How the two decide; none, and why, where they cannot be asked about the same rows."""
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


def _tell_differences(names: list[str], found: "list[Difference]") -> None:
    """What the two were made of, where it is not the same."""
    before, after = names
    if found:
        rows = [{"differs": one.item, before: _cut(one.before), after: _cut(one.after)} for one in found]
        show_table(rows)
    else:
        say(f"{before} and {after} were made of the same.")


def _tell_flips(workspace: "Workspace", pair: "Pair") -> None:
    """How many decisions differ, between which classes, who was right, and examples."""
    if not pair.rows:
        say("The evaluation set has no rows yet: no decisions to compare.")
        return
    share = pair.flips / pair.rows
    say(f"{pair.flips:,} of {pair.rows:,} decisions on evaluation rows flipped ({share:.1%}).")
    classes = [{"decision before": old, "after": new, "samples": count}
               for (old, new), count in list(pair.by_classes.items())[:SHOWN_CLASSES]]  # fmt: skip
    show_table(classes)
    right = pair.right
    if known := sum(right.values()):
        say(
            f"{known} of the flipped samples have a label: the second model is right on {right['after']}, "
            f"the first on {right['before']}, neither on {right['neither']}."
        )
    elif pair.flips:
        say(f"None of the flipped samples has a label; {pair.labeled} of the rows do.")
    show_table([_sample_row(workspace, sample) for sample in pair.samples], "Flipped samples")


def _sample_row(workspace: "Workspace", sample: "FlippedSample") -> dict[str, Any]:
    """One flipped sample with the values that are shown first."""
    names = workspace.project.display.columns or list(workspace.project.columns.features)
    names = names[:SHOWN_COLUMNS] if workspace.project.display.kind != "image" else []
    shown = {name: _cut(sample.payload.get(name)) for name in names}
    return {
        "sample": sample.sample_id[:8],
        "before": sample.before,
        "after": sample.after,
        "label": sample.label,
    } | shown


def _as_data(pair: "Pair | None") -> dict[str, Any] | None:
    """Flips for programs: the counts of classes as rows."""
    if pair is None:
        return None
    counts = [{"before": old, "after": new, "samples": count} for (old, new), count in pair.by_classes.items()]
    told = {name: getattr(pair, name) for name in ("rows", "flips", "labeled", "right", "samples")}
    return {**told, "by_classes": counts}


def _cut(value: Any) -> str:
    """A value as a cell, cut where it is long."""
    text = cell(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
