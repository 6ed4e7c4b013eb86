"""Label files as other tools write them, read as what they are: Prodigy, doccano, Label Studio, or a plain table.

- Prodigy says in ``answer`` whether a sample is of the label: only what was accepted is a label. A choice lists its
  options under ``options`` and what was chosen under ``accept``.
- doccano writes the one class of a sample as a list of one, as ``label`` or ``labels``.
- Label Studio's JSON has a task per entry, with its values under ``data`` and the answers under ``annotations``.

The key of the sample may stand among the entry's own values, or under ``meta``, ``metadata`` or ``data``.
"""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from tiltyard.labels.files.file_format import OWN, Line, Refused
from tiltyard.labels.files.label_studio_annotations import annotator_name
from tiltyard.labels.files.label_studio_tasks import HOLDER
from tiltyard.labels.files.values import match_class_name
from tiltyard.schemas.errors import AnnotationError, nearest
from tiltyard.schemas.project import Project

ANSWERS: Final = ("accept", "reject", "ignore")
SIGNS: Final = ("_input_hash", "_task_hash")
"""Columns that only Prodigy writes: with them ``answer`` is Prodigy's, even if a project column has that name."""

INNER: Final = ("meta", "metadata", "data")
OPTIONAL: Final = ("client_key", "annotator", "act", "note", "said_at", "supersedes")
ALIKE: Final = 0.85
"""How similar a column's name must be to a known name to count as a misspelling of it."""

SHOWN_NAMES: Final = 20
UNLABELED: Final = "without a label"
SKIPPED: Final = "skipped"


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that brings no label, and the word that says why; nothing is wrong with it."""

    word: str


@dataclass(slots=True)
class ParsedLines:
    """A file's lines with our names only, what was refused, how many were left out by word, and names not looked at."""

    lines: list[tuple[int, Line]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How to read a file: the column that names the sample, the known columns, and those that a tool filled."""

    project: Project
    by: str
    taken: frozenset[str]
    judged: bool
    label: str
    tasks: bool
    choices: bool


def parse_lines(names: Sequence[str], lines: Sequence[tuple[int, Line]], project: Project, by: str) -> ParsedLines:
    """The lines of a file that another tool or a person wrote, with Tiltyard's column names.

    Raises AnnotationError when the sample's or the label's column is missing, or one is nearly a known name.
    """
    other = next((name for name in names if name != by and _composed(name) == _composed(by)), None)
    if other is not None and by not in names:  # another program's form of the same letters
        names = [by if name == other else name for name in names]
        lines = [(number, {by if name == other else name: line[name] for name in line}) for number, line in lines]
    shape = _shape_of(names, [line for _, line in lines], project, by)
    made = ParsedLines(ignored=_not_looked_at(names, shape))
    if lines:
        _refuse_lacking(names, lines, shape)
    _refuse_misspelt(made.ignored, names, project)
    for number, line in lines:
        try:
            parts = list(_parts(line, shape))
        except AnnotationError as error:
            made.refused.append(Refused(number, str(error)))
            continue
        made.left_out.update(part.word for part in parts if isinstance(part, Skipped))
        made.lines += [(number, part) for part in parts if not isinstance(part, Skipped)]
    return made


def own_columns(project: Project) -> frozenset[str]:
    """The project's own columns: what a file says there is the sample's own value and is not looked at."""
    return frozenset(project.columns.all_names)


def _composed(name: str) -> str:
    """A column's name in Unicode's composed form, without the blanks around it."""
    return unicodedata.normalize("NFC", name).strip()


def _shape_of(names: Collection[str], lines: Sequence[Line], project: Project, by: str) -> FileFormat:
    """What a file's names and values show of the tool that wrote it."""
    own = own_columns(project)
    said = "answer" in names and ("answer" not in own or any(sign in names for sign in SIGNS))
    answers = {_answer(line) for line in lines} if said else set()
    return FileFormat(
        project=project,
        by=by,
        taken=frozenset({by, *(name for name in OPTIONAL if name not in own)}),
        judged=not answers.isdisjoint(ANSWERS),
        label="labels" if "label" not in names and "labels" in names and "labels" not in own else "label",
        tasks="annotations" in names and "annotations" not in own and any(_is_task(line) for line in lines),
        choices="accept" in names and "accept" not in own and any(_is_choice(line) for line in lines),
    )


def _not_looked_at(names: Iterable[str], shape: FileFormat) -> list[str]:
    """The columns that are ignored, such as the sample's own values."""
    looked = {*shape.taken, shape.label}
    looked |= {"answer"} if shape.judged else set()
    looked |= {"annotations", "data"} if shape.tasks else set()
    looked |= {"accept", "options"} if shape.choices else set()
    return [name for name in names if name not in looked]


def _refuse_lacking(names: Sequence[str], lines: Sequence[tuple[int, Line]], shape: FileFormat) -> None:
    """Raise AnnotationError when no line says which sample it is of, or none has a label."""
    by, lacking = shape.by, []
    if not any(_key(line, by) is not None for _, line in lines) and by not in names:
        lacking.append(by)
    if shape.label not in names and not (shape.tasks or shape.choices):
        lacking.append("label")
    if lacking:
        hint = "; name the column of your own key with --by" if lacking[0] == by == "sample_id" else ""
        more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
        shown = ", ".join(f"{name!r:.60}" for name in names[:SHOWN_NAMES])
        raise AnnotationError(f"no column {lacking[0]!r} among {shown}{more}{hint}")


def _refuse_misspelt(ignored: Iterable[str], names: Collection[str], project: Project) -> None:
    """Raise AnnotationError for a column whose name is almost a known one: it would be ignored otherwise."""
    own, missing = own_columns(project), [name for name in OWN if name not in names]
    for name in ignored:
        if name not in own and name not in OWN and get_close_matches(name, missing, n=1, cutoff=ALIKE):
            raise AnnotationError(f"unknown column {name!r}; {nearest(name, missing)}")


def _parts(line: Line, shape: FileFormat) -> Iterator[Line | Skipped]:
    """What one entry brings: a line, several of a task, or a word that says why nothing."""
    if shape.tasks and _is_task(line):
        yield from _answers_of(line, shape)
        return
    answer = _answer(line) if shape.judged else "accept"
    if answer not in {"", *ANSWERS}:
        raise AnnotationError(f"answer: {line['answer']!r:.60} is none of {', '.join(ANSWERS)}")
    if answer in {"reject", "ignore"}:
        yield Skipped(answer)
        return
    label = _chosen(line, shape) if shape.choices and _is_choice(line) else line.get(shape.label)
    if label == [] or (isinstance(label, dict) and label.get("choices") == []):
        yield Skipped(UNLABELED)
        return
    taken = {name: line[name] for name in shape.taken if name in line}
    yield {**taken, shape.by: _key(line, shape.by), "label": label}


def _answer(line: Line) -> str:
    """What Prodigy's annotator answered, in lower case; empty where nothing."""
    said = line.get("answer")
    return "" if said is None else str(said).strip().lower()


def _is_choice(line: Line) -> bool:
    """Whether an entry is a choice among Prodigy's options."""
    return isinstance(line.get("accept"), list) and (
        isinstance(line.get("options"), list) or any(sign in line for sign in SIGNS) or "answer" in line
    )


def _chosen(line: Line, shape: FileFormat) -> list[Any]:
    """What was chosen among Prodigy's options: by its id, or by its text where only that names a class."""
    options = line.get("options")
    texts = [
        (one["id"], one["text"])
        for one in (options if isinstance(options, list) else [])
        if isinstance(one, dict) and "id" in one and "text" in one
    ]
    return [_option(chosen, texts, shape.project) for chosen in line["accept"]]


def _option(chosen: Any, texts: Sequence[tuple[Any, Any]], project: Project) -> Any:
    """The name that stands for an option."""
    if match_class_name(chosen, project) is not None:
        return chosen
    return next((text for number, text in texts if number == chosen), chosen)


def _is_task(line: Line) -> bool:
    """Whether an entry is a task of Label Studio with its annotations."""
    return isinstance(line.get("data"), dict) and isinstance(line.get("annotations"), list)


def _answers_of(task: Line, shape: FileFormat) -> Iterator[Line | Skipped]:
    """The answers to a task of Label Studio, each by who gave it and when."""
    if not task["annotations"]:
        yield Skipped(UNLABELED)
    for body in task["annotations"]:
        if not isinstance(body, dict):
            raise AnnotationError(f"annotations: {body!r:.60} is not an annotation of Label Studio")
        yield _answer_of(task, body, shape)


def _answer_of(task: Line, body: Line, shape: FileFormat) -> Line | Skipped:
    """One annotation of a task."""
    result = body.get("result")
    chosen = [one for part in (result if isinstance(result, list) else []) for one in _choices(part)]
    if body.get("was_cancelled"):
        return Skipped(SKIPPED)
    if not chosen:
        _refuse_other_results(result)
        return Skipped(UNLABELED)
    person, said_at = _person(body.get("completed_by")), body.get("updated_at") or body.get("created_at")
    return {shape.by: _key(task, shape.by), "label": chosen, "annotator": person, "said_at": said_at}


def _refuse_other_results(result: Any) -> None:
    """Raise AnnotationError for an answer that says something, and nothing that is a class."""
    kinds = [str(one.get("type")) for one in (result if isinstance(result, list) else []) if isinstance(one, dict)]
    if kinds and "choices" not in kinds:
        raise AnnotationError(f"annotations: a result of type {kinds[0]!r:.60} chooses no class; choices do")


def _choices(part: Any) -> list[Any]:
    """The classes that one part of a result chooses."""
    value = part.get("value") if isinstance(part, dict) else None
    choices = value.get("choices") if isinstance(value, dict) else None
    return choices if isinstance(choices, list) else []


def _person(written: Any) -> str | None:
    """Who answered a task, as the connector to Label Studio would call them."""
    number = written.get("id") if isinstance(written, dict) else written
    email = written.get("email") if isinstance(written, dict) else None
    if isinstance(email, str) and email:
        return annotator_name(email, {})
    return f"{HOLDER}:user {number}" if isinstance(number, int) else None


def _key(line: Line, by: str) -> Any:
    """A line's value for its sample's key, where exports of other tools keep it."""
    if line.get(by) is not None:
        return line[by]
    inner = [line[name] for name in INNER if isinstance(line.get(name), dict)]
    return next((values[by] for values in inner if values.get(by) is not None), None)
