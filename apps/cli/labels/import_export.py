"""``tiltyard import-labels`` and ``export-labels``: annotations in files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console.errors import MISTAKE
from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import one_line, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.labels.files.file_format import Imported

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="A file that ends in .csv, .tsv, .jsonl or, to import, .json.")
]
ByColumn = Annotated[
    str,
    typer.Option(
        "--by", metavar="COLUMN", help="The column that names the sample: sample_id, the project's id or a reference."
    ),
]
Annotator = Annotated[
    str | None,
    typer.Option(
        "--annotator", envvar="TILTYARD_ANNOTATOR", help="Whose labels these are, where the file does not say."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")]
SHOWN_REFUSALS = 20


def import_labels(
    file: File,
    project: ProjectPath = HERE,
    by: ByColumn = "sample_id",
    annotator: Annotator = None,
    as_json: AsJson = False,
) -> None:
    """Store the labels of a file.

    An export of ours is restored fact by fact, each marked with who imported it and when. Any other file needs a
    column that names the sample (--by) and one called label; annotator, act, note, said_at and client_key may stand
    beside. Exports of Prodigy, doccano and Label Studio are read as what they are. Good lines are stored, bad ones are
    named with the reason (exit code 2), and the same file again brings nothing new.
    """
    from tiltyard.project.opening import open as open_project

    imported = open_project(project).import_labels(file, key=by, by=annotator).imported
    if as_json:
        show_json(imported)
    else:
        _tell(imported, file)
    raise typer.Exit(MISTAKE if imported.refused else 0)


def export_labels(
    file: File, project: ProjectPath = HERE, overwrite: Overwrite = False, as_json: AsJson = False
) -> None:
    """Write every annotation with all its fields to a file.

    Nothing is left out: labels, skips, flags, withdrawals, who, when, why it was asked, the sample's own values.
    Importing the file into an empty project restores them all. A cell that a spreadsheet would run as a formula gets
    an apostrophe, which the import takes off again.
    """
    from tiltyard.project.opening import open as open_project

    count = open_project(project).export_labels(file, overwrite=overwrite)
    if as_json:
        show_json({"file": file, "annotations": count})
    else:
        say(f"Wrote {count:,} annotations to {file}.")


def _tell(imported: "Imported", file: Path) -> None:
    """Say what became of the lines."""
    what = "entries" if file.suffix.lower() == ".json" else "lines"
    new, known = f"{imported.stored:,} annotations are new", f"{imported.known:,} were known"
    left = f", {sum(imported.left_out.values()):,} left out" if imported.left_out else ""
    say(f"{file}: {imported.lines:,} {what}; {new}, {known}, {len(imported.refused):,} refused{left}.")
    if imported.left_out:
        words = ", ".join(f"{number:,} {word}" for word, number in imported.left_out.items())
        say(f"Left out, since they bring no label: {words}.")
    if imported.contradicted:
        say(
            f"{imported.contradicted:,} samples have two labels or more of one annotator here: no coin decides, they "
            "wait as disputes for a ruling (a line with act adjudicate, or the page Disputes)."
        )
    if imported.ignored:
        say(f"Columns not looked at: {', '.join(one_line(name) or 'one without a name' for name in imported.ignored)}.")
    place = "entry" if what == "entries" else "line"
    show_table([{place: one.line, "why": one.why} for one in imported.refused[:SHOWN_REFUSALS]], "Refused")
    if len(imported.refused) > SHOWN_REFUSALS:
        say(f"... and {len(imported.refused) - SHOWN_REFUSALS:,} more")
    if imported.refused:
        say("Mend these lines and import the same file again: what is stored is not stored twice.")
