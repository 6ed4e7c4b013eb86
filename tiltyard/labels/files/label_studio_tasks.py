"""Content for Label Studio: a project with a marker to find it again, its labeling page, and a task per assignment."""

from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from markdown_it import MarkdownIt

from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Assignment

HOLDER: Final = "label-studio"
"""Who holds the assignments that are there, and the origin of the annotations that come from there."""

CONTROL: Final = "label"
SHOWN: Final = "sample"
SUGGESTED: Final = "tiltyard"
"""The model version of all suggestions: Label Studio shows those of one version only."""

TITLE_LENGTH: Final = 50
MISSING: Final = "(missing)"
FINDABLE: Final = 12
"""Classes above which the page gets a field to find one by typing."""

Task = dict[str, Any]
"""A task as Label Studio imports it."""


def project_marker(project_name: str) -> str:
    """The text in a description by which a project is found again, even under another title.

    >>> project_marker("scans")
    '[tiltyard:scans]'
    """
    return f"[tiltyard:{project_name}]"


def new_project_fields(project: Project) -> dict[str, Any]:
    """The fields that a project is made with in Label Studio: blind, and with what :func:`appearance_fields` says."""
    marker = project_marker(project.name)
    return {
        "title": f"Tiltyard {project.name}"[:TITLE_LENGTH],
        "description": f"{project.description} Tiltyard finds this project by {marker}: keep it.".strip(),
        "show_collab_predictions": False,
        **appearance_fields(project),
    }


def appearance_fields(project: Project) -> dict[str, Any]:
    """The fields of a project in Label Studio that follow from the project file and are kept as it says."""
    return {
        "label_config": labeling_config(project),
        "expert_instruction": MarkdownIt("commonmark", {"html": False}).render(project.guidelines),
        "show_instruction": bool(project.guidelines),
        "enable_empty_annotation": False,
    }


def labeling_config(project: Project) -> str:
    """The labeling page as XML: texts, a table of the other columns, and one choice among the classes.

    Names and values come from the project file and are escaped; a sample's own values are not in it.
    """
    view = Element("View")
    for number, name in enumerate(_texts(project)):
        SubElement(view, "Header", value=name.lstrip("$"))
        SubElement(view, "Text", name=f"text_{number}", value=f"$text_{number}", valueType="text")
    SubElement(view, "Table", name=SHOWN, value="$row")
    if len(project.classes) > FINDABLE:
        SubElement(view, "Filter", name="find", toName=CONTROL, minlength="0", placeholder="find a class")
    choices = SubElement(view, "Choices", name=CONTROL, toName=SHOWN, choice="single", required="true")
    for entry in project.classes:
        written = {"value": entry.name, "hotkey": entry.key, "hint": entry.description}
        SubElement(choices, "Choice", {name: text for name, text in written.items() if text})
    return tostring(view, encoding="unicode")


def build_task(assignment: Assignment, project: Project, with_suggestion: bool = False) -> Task:
    """The task that asks for an assignment: its ids and the sample's id, time, features and context.

    References stay here, and so does why the sample was chosen: an expert who knows that a sample is of the
    evaluation set labels it with more care than the rest.
    """
    payload = assignment.payload
    texts = {f"text_{number}": _written(payload.get(name)) for number, name in enumerate(_texts(project))}
    row = {name: _with_unit(project, name, payload.get(name)) for name in _table(project)}
    ids = {"assignment_id": assignment.assignment_id, "sample_id": assignment.sample_id}
    task: Task = {"data": {**ids, **texts, "row": row}}
    if with_suggestion and (prediction := build_prediction(assignment)):
        task["predictions"] = [prediction]
    return task


def build_prediction(assignment: Assignment) -> dict[str, Any] | None:
    """What the champion says of an assignment's sample, for Label Studio, which ticks it beforehand.

    None where nothing was said, and always for evaluation, random and gold samples: these labels measure the
    champion, so they must not be led by it.
    """
    suggestion = assignment.suggestion
    if suggestion is None or assignment.purpose != "query":
        return None
    said = {"from_name": CONTROL, "to_name": SHOWN, "type": "choices", "value": {"choices": [suggestion.label]}}
    return {"model_version": SUGGESTED, "score": suggestion.probability, "result": [said]}


def _shown(project: Project) -> list[str]:
    """The columns that an annotator sees, those that the display names first."""
    columns = project.columns
    keys = [name for name in (columns.id, columns.time) if name]
    known = [*keys, *columns.features, *columns.context]
    first = [name for name in project.display.columns if name in known]
    return [*first, *(name for name in known if name not in first)]


def _texts(project: Project) -> list[str]:
    """The columns that are read, not looked up: each gets a field of its own."""
    described = {**project.columns.features, **project.columns.context}
    return [name for name in _shown(project) if name in described and described[name].kind == "text"]


def _table(project: Project) -> list[str]:
    """The columns of the table."""
    texts = set(_texts(project))
    return [name for name in _shown(project) if name not in texts]


def _with_unit(project: Project, name: str, value: Any) -> str:
    """A value as the table shows it."""
    column = project.columns.features.get(name) or project.columns.context.get(name)
    unit = column.unit if column is not None and value is not None else ""
    return f"{_written(value)} {unit}".strip()


def _written(value: Any) -> str:
    """A value as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return MISSING if value is None else str(value)
