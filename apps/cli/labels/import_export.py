"""``tiltyard import-labels`` and ``export-labels``: annotations from and to files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, format_count, say, show_json, show_table
from tiltyard.apps.cli.console.errors import USAGE_ERROR
from tiltyard.apps.cli.console.output import to_one_line

if TYPE_CHECKING:
    from tiltyard.labels.files.file_format import Imported

File = Annotated[Path, typer.Argument(metavar="FILE", help="A .csv, .tsv or .jsonl file; to import also .json.")]
ByColumn = Annotated[
    str,
    typer.Option(
        "--by", metavar="COLUMN", help="The column that names the sample: sample_id, the project's id or a reference."
    ),
]
Annotator = Annotated[
    str | None,
    typer.Option(
        "--annotator", envvar="TILTYARD_ANNOTATOR", help="The annotator of labels for which the file names none."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")]
SHOWN_REFUSALS = 20


def import_labels(
    file: File,
    project: ProjectPath = HERE,
    by: ByColumn = "sample_id",
    annotator: Annotator = None,
    as_json: AsJson = False,
) -> None:
    """Store the labels in a file.

    Tiltyard's own export is restored annotation by annotation, each marked with who imported it and when. Any other
    file needs a column that identifies the sample (--by) and a column label; annotator, act, note, said_at and
    client_key are optional. Exports of Prodigy, doccano and Label Studio are recognized. Valid lines are stored,
    invalid ones are listed with the reason (exit code 2). Importing the same file again adds nothing.
    """
    from tiltyard.project.opening import open as open_project

    imported = open_project(project).import_labels(file, key=by, by=annotator).imported
    if as_json:
        show_json(imported)
    else:
        _show(imported, file)
    raise typer.Exit(USAGE_ERROR if imported.refused else 0)


def export_labels(
    file: File, project: ProjectPath = HERE, overwrite: Overwrite = False, as_json: AsJson = False
) -> None:
    """Write every annotation with all its fields to a file.

    The export is complete: labels, skips, flags, withdrawals, annotator, time, why the sample was queried, the sample's
    values. Importing the file into an empty project restores all of them. A cell that a spreadsheet would run as a
    formula gets an apostrophe in front, which the import removes.
    """
    from tiltyard.project.opening import open as open_project

    count = open_project(project).export_labels(file, overwrite=overwrite)
    if as_json:
        show_json({"file": file, "annotations": count})
    else:
        say(f"Wrote {format_count(count, 'annotation')} to {file}.")


def _show(imported: "Imported", file: Path) -> None:
    """Show the outcome of the lines."""
    unit = ("entry", "entries") if file.suffix.lower() == ".json" else ("line", "lines")
    new, known = f"{format_count(imported.stored, 'new annotation')}", f"{imported.known:,} already stored"
    left = f", {sum(imported.left_out.values()):,} skipped" if imported.left_out else ""
    say(f"{file}: {format_count(imported.lines, *unit)}; {new}, {known}, {len(imported.refused):,} refused{left}.")
    if imported.left_out:
        words = ", ".join(f"{number:,} {word}" for word, number in imported.left_out.items())
        say(f"Skipped, because they have no label: {words}.")
    if imported.contradicted:
        subject = "1 sample has" if imported.contradicted == 1 else f"{imported.contradicted:,} samples have"
        remedy = "adjudicate them with lines whose act is adjudicate, or on the page Disputes"
        say(f"{subject} two or more labels of one annotator in this file, and are disputed: {remedy}.")
    if imported.ignored:
        say(f"Columns ignored: {', '.join(to_one_line(name) or 'one without a name' for name in imported.ignored)}.")
    show_table([{unit[0]: one.line, "why": one.why} for one in imported.refused[:SHOWN_REFUSALS]], "Refused")
    if len(imported.refused) > SHOWN_REFUSALS:
        say(f"... and {len(imported.refused) - SHOWN_REFUSALS:,} more")
    if imported.refused:
        say("Fix these lines and import the same file again: nothing is stored twice.")
