"""Annotations as lines of a file: every fact written out, and read back as the same fact."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from typing import Any, Final, cast, get_args

from pydantic import TypeAdapter, ValidationError

from tiltyard.labels.annotations import refuse_tampered
from tiltyard.labels.files.spreadsheets import escape_formula, escape_formulas_in_json, unescape_formula
from tiltyard.labels.files.strict_json import find_json_error, read_json
from tiltyard.labels.files.values import parse_label, text_value
from tiltyard.schemas.canonical import canonical_json, digest
from tiltyard.schemas.errors import AnnotationError, nearest
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Act, Annotation, AnnotationId, AssignmentId, NewAnnotation, Payload, SampleId

Line = dict[str, Any]
"""One line of a label file by column: text in CSV, JSON values in JSON Lines."""

WHOLE: Final = tuple(field.name for field in fields(Annotation))
"""The columns of an export: every field of an annotation, ``seq`` among them for the order."""

NEEDED: Final = frozenset(field.name for field in fields(Annotation) if field.default is MISSING)
"""Those that an export must have: files written before the others came are still whole."""

OWN: Final = ("client_key", "annotator", "act", "sample_id", "label", "note", "said_at")
"""The columns that a file made by hand may have, besides the one that names the sample."""

NULLABLE_TEXT: Final = frozenset({"label", "supersedes", "assignment_id", "model_id", "suggestion", "guidelines_hash",
                                  "claimed_at", "imported_by"})  # fmt: skip
NUMBERS: Final = frozenset({"seq", "score", "probability", "lead_ms"})
FLAGS: Final = frozenset({"suggestion_visible", "late"})
ANNOTATION: Final = TypeAdapter(Annotation)


@dataclass(frozen=True, slots=True)
class PoolSample:
    """What is known of a sample outside the file: its own values, its part, its place in the queue."""

    sample_id: SampleId
    payload: Payload
    evaluation: bool
    assignment_id: AssignmentId | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not taken, and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Imported:
    """The outcome for a file's lines: stored, known before, refused, or left out with a reason.

    Each line is in one of them. ``ignored`` are the columns that were not looked at, and ``contradicted`` counts the
    samples of which the file says two things in one voice: they wait as disputes.
    """

    lines: int
    stored: int
    known: int
    refused: tuple[Refused, ...]
    ignored: tuple[str, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    contradicted: int = 0


def to_line(annotation: Annotation) -> Line:
    """An annotation as JSON values by field."""
    written: Line = ANNOTATION.dump_python(annotation, mode="json")
    return {name: written[name] for name in WHOLE}


def to_cells(line: Line) -> list[str]:
    """A line as the cells of a CSV: missing is empty, nested is JSON, no cell begins like a formula."""
    return [_cell(name, line[name]) for name in WHOLE]


def _cell(name: str, value: Any) -> str:
    """One value as a cell."""
    if value is None:
        return ""
    if name in FLAGS:
        return "true" if value else "false"
    if name in NUMBERS:
        return repr(value)
    if name == "payload":
        return escape_formulas_in_json(canonical_json(value))
    return escape_formula(value) if value or name not in NULLABLE_TEXT else "'"


def cells_to_line(names: Sequence[str], cells: Sequence[str], *, whole: bool) -> Line:
    """A table's row as a line: JSON values where it is a ``whole`` export's, else text.

    AnnotationError names a cell that cannot be one.
    """
    if len(cells) != len(names):
        raise AnnotationError(f"{len(cells)} cells where the header names {len(names)} columns")
    pairs = zip(names, cells, strict=True)
    return {name: _value(name, cell) if whole else unescape_formula(cell) for name, cell in pairs}


def _value(name: str, cell: str) -> Any:
    """One cell as a JSON value."""
    if cell == "":
        return "" if name in WHOLE and name not in NULLABLE_TEXT | NUMBERS else None
    if name in NUMBERS or name in FLAGS or name == "payload":
        try:
            return read_json(cell)
        except ValueError as error:
            raise AnnotationError(f"{name}: {cell!r:.60} is not written as JSON") from error
    return unescape_formula(cell)


def is_full_export(names: Sequence[str]) -> bool:
    """Whether a file has every column of an export, so that it brings facts and not just labels."""
    return set(names) >= NEEDED


def parse_exported_annotation(line: Line) -> Annotation:
    """The annotation that a line of an export stands for; AnnotationError names the field that is wrong."""
    for name in WHOLE:
        if why := find_json_error(line.get(name), strict=True):
            raise AnnotationError(f"{name}: {why}")
    try:
        fact: Annotation = ANNOTATION.validate_python({name: line.get(name) for name in WHOLE})
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, wrong["loc"]))
        raise AnnotationError(f"{place}: {wrong['msg']}, got {wrong['input']!r:.60}") from error
    refuse_tampered(fact)
    return fact


def parse_label_line(
    line: Line, known: PoolSample, project: Project, annotator: str, said_at: datetime
) -> NewAnnotation:
    """The annotation that a line made by hand stands for, its class as the project spells it.

    ``annotator`` and ``said_at`` are used where the line has none. Raises AnnotationError for an invalid time, and for
    a value that is not text.
    """
    given = {name: text_value(line, name) for name in (*OWN, "supersedes") if name not in {"label", "sample_id"}}
    given["label"] = parse_label(line.get("label"), project)
    if given["label"] is None and given["act"] in {None, "label"}:
        raise AnnotationError("label is empty")
    return NewAnnotation(
        client_key=given["client_key"] or "",
        annotator=given["annotator"] or annotator,
        act=_act(given["act"] or "label"),
        sample_id=known.sample_id,
        payload=known.payload,
        said_at=_moment(given["said_at"]) if given["said_at"] else said_at,
        label=given["label"],
        note=given["note"] or "",
        supersedes=AnnotationId(given["supersedes"]) if given["supersedes"] else None,
        assignment_id=known.assignment_id,
        origin="import",
    )


def _act(written: str) -> Act:
    """An act by its name."""
    found = next((act for act in get_args(Act) if act == written), None)
    if found is None:
        raise AnnotationError(f"{written!r} is not an act; {nearest(written, get_args(Act))}")
    return cast(Act, found)


def content_key(new: NewAnnotation, line: Line, repeated: int) -> str:
    """A client key made from what a line says, so that the same file brings nothing new the second time.

    ``repeated`` tells lines apart that say the very same.
    """
    said_at = text_value(line, "said_at") or ""
    content = [new.sample_id, new.annotator, new.act, new.label, new.note, said_at, repeated]
    return f"import {digest(content)[:32]}"


def _moment(text: str) -> datetime:
    """A moment in ISO 8601; one without a zone, or that no clock says, is refused later, with the annotation."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        expected = "a time in ISO 8601, such as 2025-05-01T09:30:00Z"
        raise AnnotationError(f"said_at: {text!r:.60} is not {expected}") from error
