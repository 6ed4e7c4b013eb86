"""``tiltyard init``, ``example`` and ``schema``: create a project file from data or an example, or show its schema."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console import AsJson, format_count, say, show_json, show_table
from tiltyard.schemas.errors import ProjectFileError

if TYPE_CHECKING:
    from tiltyard.workspace.new_project import Begun

Data = Annotated[Path, typer.Argument(metavar="DATA", help="A CSV, JSON, JSON Lines or Parquet file.")]
Into = Annotated[Path, typer.Option("--into", help="The project's folder; created if missing.")]
Label = Annotated[str | None, typer.Option("--label", metavar="COLUMN", help="The column that contains labels.")]
Classes = Annotated[str | None, typer.Option("--classes", metavar="A,B", help="The classes, separated by commas.")]
ExampleName = Annotated[str, typer.Argument(metavar="NAME", help="digits, bank, hotel or banking77.")]
SourceFile = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="The example's source file; default: find or download it.")
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder to create.")]


def init(
    data: Data, into: Into = Path(), label: Label = None, classes: Classes = None, as_json: AsJson = False
) -> None:
    """Create a project from a data file by inferring its schema.

    Writes project.yaml with inferred kinds, ranges, keys and classes, each with a comment, and copies the file into
    incoming/. Nothing is overwritten. The schema is checked on the data before it is written.
    """
    from tiltyard.workspace.new_project import begin_project

    named = tuple(name.strip() for name in classes.split(",") if name.strip()) if classes else ()
    begun = begin_project(data, into, label, named)
    if as_json:
        show_json({**_as_data(begun), "columns": [_column(one) for one in begun.guessed.columns]})
    else:
        _show(begun, into)


def example(name: ExampleName, folder: Folder, file: SourceFile = None, as_json: AsJson = False) -> None:
    """Create an example project in a new folder.

    The folder gets the example's project file, and its data files in incoming/. Data that is not on this machine is
    downloaded from its publisher and verified; '--file' uses a file that you have downloaded.
    """
    created = create_example(name, folder, file)
    if as_json:
        show_json(created)
        return
    say(f"{created['title']} {created['objects']} objects, {created['rows']:,} rows, in {created['project']}")
    say(f"Next: tiltyard ingest --project {created['project']}")


def create_example(name: str, folder: Path, file: Path | None = None) -> dict[str, Any]:
    """Write an example's project file and its data files into a folder; a summary of what was created.

    ``file`` is the publisher's file, instead of a local copy or a download. Raises ProjectFileError when the folder
    has a project, NotFound for an unknown example or missing data, ObjectError when ``file`` is not the expected one.
    """
    from tiltyard.examples.catalogue import example_named, write_project
    from tiltyard.stores.files.local import FileStore
    from tiltyard.workspace.workspace import PROJECT_FILE, read_project

    found = example_named(name)
    if (folder / PROJECT_FILE).exists():
        raise ProjectFileError(f"{str(folder / PROJECT_FILE)!r} already exists; nothing is overwritten")
    feed = found.deal(file=file)
    project = read_project(write_project(found, folder))
    incoming = FileStore(folder / project.source.folder)
    for delivery in feed.deliveries:
        incoming.write(delivery.key, delivery.content)
    return {
        "name": name,
        "title": found.title.capitalize(),
        "project": folder,
        "objects": len(feed.deliveries),
        "rows": found.rows,
    }


def schema(as_json: AsJson = False) -> None:  # noqa: ARG001 - every command takes --json; this one prints nothing else
    """Print the JSON Schema of the project file, for editors and programs."""
    from tiltyard.schemas.project import Project

    show_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **Project.model_json_schema()})


def _as_data(begun: "Begun") -> dict[str, Any]:
    """What was created, for --json."""
    return {
        "project_file": begun.project_file,
        "data_file": begun.data_file,
        "classes": begun.project.class_names,
        "rows": begun.rows,
        "bad_rows": begun.bad,
    }


def _column(guess: Any) -> dict[str, Any]:
    """One inferred column as a row."""
    kind = "" if guess.part in {"label", "left out"} else guess.kind
    return {"column": guess.name, "part": guess.part, "kind": kind, "met": guess.seen}


def _show(begun: "Begun", folder: Path) -> None:
    """Show the inferred schema, what to review, and the next command."""
    show_table([_column(one) for one in begun.guessed.columns][:40], format_count(begun.rows, "row"))
    if len(begun.guessed.columns) > 40:
        say(f"... and {len(begun.guessed.columns) - 40} more columns")
    names = ", ".join(begun.project.class_names[:12])
    if begun.guessed.classes:
        say(f"Classes from column {begun.guessed.label!r}: {names}.")
    elif begun.guessed.label is None:
        say(f"Classes: {names}. The data does not contain them; edit 'classes' in the project file.")
        say("If a column contains labels, run init again with --label COLUMN.")
    if begun.bad:
        say(f"{format_count(begun.bad, 'row')} will go to quarantine with the reasons.")
    say(f"Wrote {begun.project_file}; review it before you continue.")
    where = "" if folder == Path() else f" --project {folder}"
    say(f"Next: tiltyard ingest{where}")
