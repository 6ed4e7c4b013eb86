"""``tiltyard init``, ``example`` and ``schema``: the ways to a project file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console.options import AsJson
from tiltyard.apps.cli.console.output import say, show_json, show_table
from tiltyard.schemas.errors import ProjectFileError

if TYPE_CHECKING:
    from tiltyard.workspace.new_project import Begun

Data = Annotated[Path, typer.Argument(metavar="DATA", help="A CSV, JSON, JSON Lines or Parquet file.")]
Into = Annotated[Path, typer.Option("--into", help="The project's folder; made where it is missing.")]
Label = Annotated[str | None, typer.Option("--label", metavar="COLUMN", help="The column that brings labels.")]
Classes = Annotated[str | None, typer.Option("--classes", metavar="A,B", help="The classes, parted by commas.")]
ExampleName = Annotated[str, typer.Argument(metavar="NAME", help="digits, bank, hotel or banking77.")]
SourceFile = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="The example's source file; default: find or download it.")
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")]


def init(
    data: Data, into: Into = Path(), label: Label = None, classes: Classes = None, as_json: AsJson = False
) -> None:
    """Make a project from a file by looking at it.

    Writes project.yaml with guessed kinds, ranges, keys and classes, each with a comment, and copies the file into
    incoming/. Nothing is overwritten. The guess is tried on the data before it is written.
    """
    from tiltyard.workspace.new_project import begin_project

    named = tuple(name.strip() for name in classes.split(",") if name.strip()) if classes else ()
    begun = begin_project(data, into, label, named)
    if as_json:
        show_json({**_as_data(begun), "columns": [_column(one) for one in begun.guessed.columns]})
    else:
        _tell(begun, into)


def example(name: ExampleName, folder: Folder, file: SourceFile = None, as_json: AsJson = False) -> None:
    """Begin an example project in a folder of its own.

    The folder gets the example's project file and its deliveries under incoming/. Data that is not on this machine is
    downloaded from its publisher and checked; '--file' takes it from a file that you have downloaded.
    """
    begun = begin_example(name, folder, file)
    if as_json:
        show_json(begun)
        return
    say(f"{begun['title']} {begun['objects']} objects, {begun['rows']:,} rows, in {begun['project']}")
    say(f"Next: tiltyard ingest --project {begun['project']}")


def begin_example(name: str, folder: Path, file: Path | None = None) -> dict[str, Any]:
    """Write an example's project file and its deliveries into a folder; what was made.

    ``file`` is the publisher's file, where it is not to be looked for or downloaded. Raises ProjectFileError when a
    project is there already, NotFound when there is no such example or its data cannot be had, ObjectError when
    ``file`` is not the expected one.
    """
    from tiltyard.examples.catalogue import example_named, write_project
    from tiltyard.stores.files.local import FileStore
    from tiltyard.workspace.workspace import PROJECT_FILE, read_project

    found = example_named(name)
    if (folder / PROJECT_FILE).exists():
        raise ProjectFileError(f"{str(folder / PROJECT_FILE)!r} is there already; nothing is overwritten")
    deal = found.deal(file=file)
    project = read_project(write_project(found, folder))
    incoming = FileStore(folder / project.source.folder)
    for delivery in deal.deliveries:
        incoming.write(delivery.key, delivery.content)
    return {
        "name": name,
        "title": found.title.capitalize(),
        "project": folder,
        "objects": len(deal.deliveries),
        "rows": found.rows,
    }


def schema(as_json: AsJson = False) -> None:  # noqa: ARG001 - every command takes --json; this one speaks nothing else
    """Print the JSON Schema of the project file, for editors and programs."""
    from tiltyard.schemas.project import Project

    show_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **Project.model_json_schema()})


def _as_data(begun: "Begun") -> dict[str, Any]:
    """What was made, for programs."""
    return {
        "project_file": begun.project_file,
        "data_file": begun.data_file,
        "classes": begun.project.class_names,
        "rows": begun.rows,
        "bad_rows": begun.bad,
    }


def _column(guess: Any) -> dict[str, Any]:
    """One guess as a row."""
    kind = "" if guess.part in {"label", "left out"} else guess.kind
    return {"column": guess.name, "part": guess.part, "kind": kind, "met": guess.seen}


def _tell(begun: "Begun", folder: Path) -> None:
    """Say what was guessed, what to look at, and what comes next."""
    show_table([_column(one) for one in begun.guessed.columns][:40], f"{begun.rows:,} rows")
    if len(begun.guessed.columns) > 40:
        say(f"... and {len(begun.guessed.columns) - 40} more columns")
    names = ", ".join(begun.project.class_names[:12])
    if begun.guessed.classes:
        say(f"Classes from column {begun.guessed.label!r}: {names}.")
    elif begun.guessed.label is None:
        say(f"Classes: {names}. Nothing in the data says them; mend 'classes' in the project file.")
        say("Where a column holds labels, begin again with --label COLUMN.")
    if begun.bad:
        say(f"{begun.bad:,} of the rows do not fit and will go to quarantine with their reasons.")
    say(f"Wrote {begun.project_file}; read it before you go on.")
    where = "" if folder == Path() else f" --project {folder}"
    say(f"Next: tiltyard ingest{where}")
