"""Render one sample for the terminal: an image, a text, and a table of its values."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from tiltyard.apps.cli.console.output import escape
from tiltyard.apps.cli.labels.answer_keys import AnswerKeys

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from tiltyard.schemas.project import Project
    from tiltyard.schemas.records import Assignment

SHADES: Final = " ░▒▓█"
MISSING: Final = "(missing)"
WIDEST_DOUBLED: Final = 38
"""The most pixels per line for which each is drawn two characters wide, to look square."""


def render_sample(assignment: "Assignment", project: "Project") -> "list[RenderableType]":
    """A sample's parts, top to bottom: image or text first, then its other values, then why it was queried."""
    payload, display = assignment.payload, project.display
    first = [name for name in display.columns if name in payload]
    parts: list[RenderableType] = []
    if display.kind == "image" and display.width:
        parts.append(render_image([payload[name] for name in first], display.width, display.levels))
    elif display.kind == "text":
        parts += [_text(name, payload[name], alone=len(first) == 1) for name in first]
    else:
        parts.append(_values(first, payload, project))
    rest = [name for name in project.columns.all_names if name not in first]
    if rest:
        parts.append(_values(rest, payload, project, dim=bool(first)))
    parts.append(_why(assignment))
    return parts


def render_image(pixels: Sequence[Any], width: int, levels: float) -> "Text":
    """Pixels as block characters, line by line; a missing pixel is a dot."""
    from rich.text import Text

    times = 2 if width <= WIDEST_DOUBLED else 1
    marks = ["·" if value is None else _shade(float(value) / levels) for value in pixels]
    lines = ["".join(mark * times for mark in marks[at : at + width]) for at in range(0, len(marks), width)]
    return Text("\n".join(lines), no_wrap=True, overflow="crop")


def _shade(share: float) -> str:
    """The character for a share of ink.

    >>> _shade(0), _shade(0.5), _shade(2)
    (' ', '▒', '█')
    """
    return SHADES[round(min(max(share, 0), 1) * (len(SHADES) - 1))]


def _text(name: str, value: Any, *, alone: bool) -> "RenderableType":
    """A text in a frame, wrapped; the frame has the column's name when there are several."""
    from rich.panel import Panel
    from rich.text import Text

    return Panel(_value_text(value), title=None if alone else Text(escape(name)), title_align="left", padding=(0, 1))


def _values(names: Sequence[str], payload: dict[str, Any], project: "Project", *, dim: bool = False) -> "Table":
    """Some of the sample's values as a table: name, value with its unit, description."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), style="dim" if dim else "")
    for name in names:
        column = project.columns.features.get(name) or project.columns.context.get(name)
        note = Text(escape(column.description), style="dim") if column else Text("")
        made.add_row(
            Text(escape(name), style="bold"),
            _value_text(payload.get(name), column.unit if column else ""),
            note,
        )
    return made


def _value_text(value: Any, unit: str = "") -> "Text":
    """A value with its unit; one that is missing is marked as such."""
    from rich.text import Text

    if value is None:
        return Text(MISSING, style="italic red")
    text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else _format_value(value)
    return Text(f"{escape(text)} {unit}".rstrip())


def _format_value(value: Any) -> str:
    """A number, moment or text in readable form.

    >>> _format_value(0.1 + 0.2), _format_value(12), _format_value("2024-05-01T00:00:00.000000Z")
    ('0.3', '12', '2024-05-01 00:00:00')
    """
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value)
    is_moment = len(text) == 27 and text[10] == "T" and text.endswith("Z") and text[:4].isdecimal()
    return text[:26].replace("T", " ").rstrip("0").rstrip(".").ljust(19, "0") if is_moment else text


def _why(assignment: "Assignment") -> "Text":
    """Why this sample was queried. Evaluation samples are not marked as such: the label should not depend on it."""
    from rich.text import Text

    is_random = assignment.purpose in {"random", "evaluation"}
    return Text("why: drawn at random" if is_random else f"why: chosen by strategy {assignment.strategy}", style="dim")


def render_keys(answers: AnswerKeys) -> "Text":
    """The keys on one or more lines: classes first, then the commands."""
    from rich.text import Text

    made = Text()
    for number, entry in enumerate(answers.classes, start=1):
        key = entry.key or str(number)
        name = "" if entry.name == key else f"\N{NO-BREAK SPACE}{escape(entry.name)}"
        made.append(key, style="bold cyan").append(name.replace(" ", "\N{NO-BREAK SPACE}")).append("   ")
    taken = {entry.key for entry in answers.classes}
    for key, other, what in COMMAND_KEYS:
        made.append(other if key in taken else key, style="bold").append(f"\N{NO-BREAK SPACE}{what}   ", style="dim")
    return made


COMMAND_KEYS: Final = (
    ("s", "space", "skip"),
    ("?", "?", "can't\N{NO-BREAK SPACE}tell"),
    ("f", "!", "flag"),
    ("u", "backspace", "undo"),
    ("q", "Esc", "quit"),
)
"""Each command's letter, its other key where a class has the letter, and its action."""
