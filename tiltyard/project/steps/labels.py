"""Labels in and out: from a data frame (all of its rows are stored, or none), from a file, and into a file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from tiltyard.labels.annotations import find_contradictions
from tiltyard.labels.files.file_format import Line
from tiltyard.labels.files.file_import import ImportDefaults, ImportPlan, plan_label_import
from tiltyard.labels.files.values import parse_label, text_value
from tiltyard.project.results import AnnotateResult, ImportResult
from tiltyard.schemas.errors import AnnotationError
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import SampleId
from tiltyard.tasks.labels.exchange_labels import export_labels, find_samples, import_labels, key_column, store_labels
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.workspace.workspace import Workspace, open_workspace

OPTIONAL: Final = ("annotator", "act", "note", "said_at", "supersedes", "client_key")
"""The columns that a data frame may have besides the key and ``label``."""
SHOWN_FAULTS: Final = 5
"""The maximum number of refused rows that an error lists."""

Content = tuple[str, str | None, str]
"""An annotation's act, label and note."""

Newest = dict[tuple[str, SampleId | None], Content]
"""The last annotation of each annotator on each sample."""

Lines = list[tuple[int, Line]]


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The rows of a data frame by what they bring: something new, a repetition, or no label."""

    new: Lines
    known: int
    unlabeled: int


def annotate(project: str, rows: pl.DataFrame, annotator: str, key: str) -> AnnotateResult:
    """Store the annotations in a data frame, and count them.

    Raises AnnotationError, and stores nothing, when a row is refused, naming each, or when one annotator gives two
    labels for one sample.
    """
    if not annotator.strip():
        raise AnnotationError("by: name the annotator, for example by='ada'")
    workspace = open_workspace(project)
    lines = _lines(rows, key_column(workspace, key), workspace.project)
    samples = find_samples(workspace, lines, key)
    stored = {one.client_key: one for one in workspace.ledger.annotations.until()}
    newest: Newest = {(one.annotator, one.sample_id): (one.act, one.label, one.note) for one in stored.values()}
    by_key = {name: known[0].sample_id for name, known in samples.items() if len(known) == 1}
    found = _sort(lines, key, by_key, newest, workspace, annotator)
    hand = ImportDefaults(key, annotator, workspace.clock(), None, annotator)
    taken = plan_label_import(found.new, samples, stored, workspace.project, hand)
    _refuse(taken, rows.height, workspace.project)
    stored_now = store_labels(workspace, taken, annotator)
    seal_ledger.fn(project)
    return AnnotateResult(stored_now, found.known + taken.known, found.unlabeled)


def export(project: str, file: Path, *, overwrite: bool) -> int:
    """Write every annotation to a file; the number of annotations. Raises AnnotationError where the file exists."""
    if file.exists() and not overwrite:
        raise AnnotationError(f"{str(file)!r} already exists; add --overwrite to replace it")
    return export_labels.fn(project, str(file))


def take_file(project: str, file: Path, key: str, annotator: str, importer: str) -> ImportResult:
    """Store the labels of a file; the good lines are stored, the others refused with a reason each."""
    imported = import_labels.fn(project, str(file), key, annotator, importer)
    seal_ledger.fn(project)
    return ImportResult(imported)


def _lines(rows: pl.DataFrame, key: str, project: Project) -> Lines:
    """The rows with the columns that are ours; a column of the project with such a name is its own, not ours."""
    needed = [name for name in (key, "label") if name not in rows.columns]
    if needed and (needed == [key] or "act" not in rows.columns):
        raise AnnotationError(f"the data frame has no column {needed[0]!r}; it needs {key!r} and 'label'")
    own = [name for name in OPTIONAL if name in rows.columns and name not in project.columns.all_names]
    chosen = rows.select(key, *(name for name in ("label", *own) if name in rows.columns and name != key))
    return [(number, {name: _plain(value) for name, value in line.items()}) for number, line in _numbered(chosen)]


def _numbered(rows: pl.DataFrame) -> Iterable[tuple[int, dict[str, Any]]]:
    """The rows with their numbers from 0."""
    return enumerate(rows.iter_rows(named=True))


def _plain(value: Any) -> Any:
    """A cell as a label file has it: moments as text in ISO 8601."""
    return value.isoformat() if isinstance(value, datetime) else value


def _sort(
    lines: Lines, key: str, samples: Mapping[str, SampleId], newest: Newest, workspace: Workspace, annotator: str
) -> _Sorted:
    """The rows by what they bring. A new row without a time is stamped with the current one.

    The key of an annotation is made of its content and time. Without the stamp, an annotator who returns to an earlier
    label would repeat the key of that earlier annotation, and nothing would be stored.
    """
    new: Lines = []
    known = unlabeled = 0
    now = workspace.clock().isoformat()
    for number, line in lines:
        try:
            content = _content(line, workspace.project)
            said = (text_value(line, "annotator") or annotator, samples.get(str(line[key])))
        except AnnotationError:  # taking the row reports the fault, with its number
            new.append((number, line))
            continue
        if content[:2] == ("label", None):
            unlabeled += 1
        elif line.get("said_at") or line.get("client_key"):
            new.append((number, line))
        elif newest.get(said) == content:
            known += 1
        else:
            newest[said] = content
            new.append((number, {**line, "said_at": now}))
    return _Sorted(new, known, unlabeled)


def _content(line: Line, project: Project) -> Content:
    """A row's act, its label as the project spells it, its note."""
    return text_value(line, "act") or "label", parse_label(line.get("label"), project), text_value(line, "note") or ""


def _refuse(taken: ImportPlan, rows: int, project: Project) -> None:
    """Raise AnnotationError where a row was refused, or where rows contradict one another."""
    if taken.refused:
        listed = "; ".join(f"row {one.line}: {one.why}" for one in taken.refused[:SHOWN_FAULTS])
        more = f"; and {len(taken.refused) - SHOWN_FAULTS} more" if len(taken.refused) > SHOWN_FAULTS else ""
        raise AnnotationError(f"nothing was stored: {len(taken.refused)} of {rows} rows were refused: {listed}{more}")
    answers = [one for one in taken.labels if one.act == "label" and one.supersedes is None]
    samples = [f"{one.sample_id} by {one.annotator}" for one in answers]
    if twofold := find_contradictions(samples, [str(one.label) for one in answers], project):
        named = ", ".join(sorted(twofold)[:SHOWN_FAULTS])
        raise AnnotationError(f"nothing was stored: the data frame has two labels for sample {named}; keep one row")
