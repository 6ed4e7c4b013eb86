"""Making a project from a file: looking into it, and putting project file and data in place."""

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from tiltyard.ingest.casting.lossless import match_class
from tiltyard.ingest.column_names import normalize_name
from tiltyard.ingest.inference.csv_dialect import (
    infer_csv_options,
    infer_number_marks,
    normalize_header,
    normalize_numbers,
)
from tiltyard.ingest.inference.project_template import ProjectSource, render_project_file
from tiltyard.ingest.inference.project_yaml import parse_yaml
from tiltyard.ingest.inference.schema_inference import (
    NOTHING,
    InferredSchema,
    add_missing_spellings,
    infer_schema,
    is_usable_name,
)
from tiltyard.ingest.raw_batch import RawBatch
from tiltyard.ingest.validation import check_rows
from tiltyard.schemas.errors import NotFound, ObjectError, ProjectFileError, nearest
from tiltyard.schemas.project import CsvOptions, Project, parse_project
from tiltyard.schemas.project.class_names import is_same
from tiltyard.stores.files import FileStore
from tiltyard.stores.readers.format_detection import detect_format
from tiltyard.stores.readers.sandbox import read_object
from tiltyard.workspace.workspace import PROJECT_FILE

LOOKED_AT: Final = 1 << 16
MOST_CLASSES: Final = 200
PLACEHOLDERS: Final = ("no", "yes")


@dataclass(frozen=True, slots=True)
class Begun:
    """A project that was just made: its file, what was guessed, and how many of the data's rows it accepts."""

    project_file: Path
    data_file: Path
    project: Project
    guessed: InferredSchema
    rows: int
    bad: int


def begin_project(data: Path, folder: Path, label: str | None = None, classes: tuple[str, ...] = ()) -> Begun:
    """Write a project file from a look at ``data``, and copy the data into the project's incoming folder.

    Nothing is overwritten (ProjectFileError). Raises NotFound when there is no such file, ObjectError when it
    cannot be read, and ProjectFileError when label or classes do not fit it.
    """
    if data.is_dir():
        raise NotFound(f"{str(data)!r} is a folder; name one of its files")
    if not data.is_file():
        raise NotFound(f"no file at {str(data)!r}")
    project_file, copy = folder / PROJECT_FILE, folder / "incoming" / data.name
    for place in (project_file, copy):
        if place.exists() and place.resolve() != data.resolve():
            raise ProjectFileError(f"{str(place)!r} already exists; nothing is overwritten, choose another --into")
    about, raw = _look_into(data, folder)
    guessed, project, text, bad = _settled(about, raw, label, classes)
    FileStore(folder).write(PROJECT_FILE, text.encode())
    _copy(data, copy)
    return Begun(project_file, copy, project, guessed, raw.read, bad)


def _look_into(data: Path, folder: Path) -> tuple[ProjectSource, RawBatch]:
    """The file's rows as they arrived, and the head of its project file."""
    format_name, compression = detect_format(data.name, "auto")
    csv = infer_csv_options(_beginning(data, compression)) if format_name == "csv" else {}
    header = read_object(data, data.name, _asking_for(["(none)"], csv)).header
    named = [name for name in normalize_header(header) if is_usable_name(name)]
    if not named:
        raise ObjectError(f"{data.name!r}: no column that a project file could name")
    csv, raw = _read(data, named, csv)
    ending = "".join(Path(data.name).suffixes[-2 if compression else -1 :])
    return ProjectSource(_name_of(folder.resolve().name), data.name, f"*{ending}", csv), raw


def _read(data: Path, named: list[str], csv: dict[str, Any]) -> tuple[dict[str, Any], RawBatch]:
    """The file's rows, with the options that read most of them; an escape character is kept only if it helps."""
    raw = read_object(data, data.name, _asking_for(named, csv))
    if "escape" not in csv:
        return csv, raw
    others = {name: value for name, value in csv.items() if name != "escape"}
    plain = read_object(data, data.name, _asking_for(named, others))
    return (csv, raw) if raw.unreadable.height < plain.unreadable.height else (others, plain)


def _beginning(data: Path, compression: str) -> str:
    """The file's first characters, decompressed; the reader reports what is not UTF-8."""
    try:
        stream = pa.OSFile(str(data))
        source = pa.CompressedInputStream(stream, compression) if compression else stream
        with source:
            return bytes(source.read(LOOKED_AT)).decode("utf-8", "replace").removeprefix("\ufeff")
    except OSError as error:
        raise ObjectError(f"{data.name!r}: {error}") from error


def _asking_for(names: list[str], csv: dict[str, Any]) -> Project:
    """A project that asks the reader for some columns."""
    columns = {"features": {name: {"kind": "text"} for name in names}, "extra": "ignore"}
    source = {"csv": csv}
    return Project.model_validate({"name": "probe", "classes": ["a", "b"], "columns": columns, "source": source})


def _name_of(folder: str) -> str:
    """A project's name from a folder's.

    >>> _name_of("My Bank (2)"), _name_of("2024")
    ('my-bank-2', 'project-2024')
    """
    name = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-") or "project"
    return (name if name[0].isalpha() else f"project-{name}")[:60]


def _settled(
    about: ProjectSource, raw: RawBatch, label: str | None, classes: tuple[str, ...]
) -> tuple[InferredSchema, Project, str, int]:
    """The guess, the project it makes, its text and how many rows it refuses: tried on the rows themselves."""
    if label is not None and label not in raw.header:
        label = normalize_name(label)
    if label is not None and label not in raw.header:
        raise ProjectFileError(f"no column {label!r} in {about.data!r}; {nearest(label, raw.header)}")
    if not raw.read:
        raise ObjectError(f"{about.data!r}: a header and no row; there is nothing to look at")
    marks, numbers = infer_number_marks(raw, about.csv.get("delimiter", ","), label)
    about = replace(about, csv={**about.csv, **marks})
    plain = normalize_numbers(raw, numbers, CsvOptions.model_validate(about.csv)) if marks else raw.cells
    guessed = infer_schema(replace(raw, cells=plain), label)
    if not guessed.of("features"):
        raise ObjectError(f"{about.data!r}: no column to learn from; label, keys and constant columns are none")
    chosen = _classes(guessed, classes, about)
    text = render_project_file(about, add_missing_spellings(guessed, chosen), chosen)
    project = parse_project(parse_yaml(text, PROJECT_FILE), PROJECT_FILE)
    return guessed, project, text, check_rows(raw, project).bad.height


def _classes(guessed: InferredSchema, classes: tuple[str, ...], about: ProjectSource) -> tuple[str, ...]:
    """The classes: those that were named, else those of the labels, else two placeholders."""
    if classes:
        _agree(guessed, classes)
        return classes
    if guessed.label is None:
        return PLACEHOLDERS
    if not 2 <= len(guessed.classes) <= MOST_CLASSES:
        found = f"column {guessed.label!r} of {about.data!r} holds {len(guessed.classes)} different labels"
        raise ProjectFileError(f"{found}; name the classes with --classes a,b")
    return guessed.classes


def _agree(guessed: InferredSchema, classes: tuple[str, ...]) -> None:
    """Refuse classes that leave out a label that the data holds, or that are fewer than two."""
    if len(set(classes)) < 2:
        raise ProjectFileError(f"two classes at least are needed, got {', '.join(classes)!r}")
    same = [name for name in guessed.classes if any(is_same(name, one) for one in classes)]
    known = {*same, *(name for name in guessed.classes if match_class(name, classes) in classes), *NOTHING}
    unknown = [name for name in guessed.classes if name not in known]
    if unknown:
        raise ProjectFileError(f"column {guessed.label!r} holds {unknown[0]!r}; {nearest(unknown[0], classes)}")


def _copy(data: Path, place: Path) -> None:
    """Copy the data to where objects arrive; it has its name only once it is whole."""
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    arriving = place.with_name(f"{place.name}.part")
    shutil.copyfile(data, arriving)
    arriving.rename(place)
