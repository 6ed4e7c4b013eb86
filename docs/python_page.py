"""The page of the reference about the Python API, written from its docstrings, signatures and tables."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final

GROUPS: Final = {
    "Open a project": ("open", "init"),
    "Run the loop": ("ingest", "ask", "annotate", "train", "judge", "promote", "approve", "rollback", "run"),
    "Read what was recorded": (
        "status",
        "pool",
        "labels",
        "queue",
        "annotations",
        "quarantine",
        "batches",
        "models",
        "verdicts",
        "promotions",
    ),
    "Use a model": ("champion", "model"),
    "Check, report, exchange": ("verify", "report", "export_labels", "import_labels"),
}
"""Every public function and method, by what a user wants to do."""


def python_page(notice: str) -> str:
    """The page as Markdown."""
    from tiltyard.project.model import FittedModel
    from tiltyard.project.project import Project

    head = (
        f"{notice}\n# From Python\n\n"
        "Everything that the commands do is a method of a project. [The how-to](../how-to/use-from-python.md) has the "
        "first steps, and\n[a notebook](../notebooks/first-project.ipynb) runs a first project from data to "
        'predictions. In the examples here, `project` is\n`tiltyard.open("my-project")`, a project with a champion; '
        "a test runs each of them.\n\n"
    )
    parts = [_paragraphs(inspect.getdoc(Project) or ""), *(_group(title, names) for title, names in GROUPS.items())]
    page = head + "\n".join([*parts, _methods_of(FittedModel), _tables(), _results(), _errors()])
    return page.replace("\n\n\n", "\n\n")


def _group(title: str, names: tuple[str, ...]) -> str:
    """One group of functions and methods."""
    from tiltyard.project import opening
    from tiltyard.project.project import Project

    owners = [(f"tiltyard.{name}", getattr(opening, name)) if hasattr(opening, name) else
              (f"project.{name}", inspect.getattr_static(Project, name)) for name in names]  # fmt: skip
    return f"\n## {title}\n" + "".join(_section(*one) for one in owners)


def _methods_of(model: type) -> str:
    """The public members of a fitted model."""
    members = [(name, one) for name, one in vars(model).items() if not name.startswith("_") and _is_documented(one)]
    about = _paragraphs((inspect.getdoc(model) or "").split("\n\nAttributes:")[0])
    return f"\n## A model\n\n{about}\n" + "".join(_section(f"model.{name}", one) for name, one in members)


def _is_documented(member: Any) -> bool:
    """Whether a class's member is a function or a property."""
    return inspect.isfunction(member) or isinstance(member, property)


def _section(name: str, member: Any) -> str:
    """One function, method or property: its signature, its text, its example."""
    function: Any = member.fget if isinstance(member, property) else member
    text = inspect.getdoc(function) or ""
    about, example = _apart(text)
    call = "" if isinstance(member, property) else _signature(function)
    code = f"\n```pycon\n{example}\n```\n" if example else ""
    return f"\n### `{name}{call}`\n\n{_paragraphs(about)}\n{code}"


def _signature(function: Callable[..., Any]) -> str:
    """The parameters without their types, as one calls the function."""
    own = inspect.signature(function)
    plain = [one.replace(annotation=inspect.Parameter.empty) for one in own.parameters.values() if one.name != "self"]
    return str(own.replace(parameters=plain, return_annotation=inspect.Signature.empty))


def _apart(text: str) -> tuple[str, str]:
    """A docstring's prose and its example."""
    start = text.find(">>> ")
    return (text, "") if start < 0 else (text[:start].rstrip(), text[start:].rstrip())


def _paragraphs(text: str) -> str:
    """A docstring's prose as Markdown: code in backticks, arguments and errors as lists."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text).replace("``", "`")
    return "\n\n".join(_listed(part) if part.startswith(("Args:", "Raises:")) else _unwrapped(part)
                       for part in text.split("\n\n"))  # fmt: skip


def _unwrapped(paragraph: str) -> str:
    """A paragraph on lines as they are."""
    return paragraph.strip()


def _listed(part: str) -> str:
    """A section of arguments or errors as a list; lines that go on are joined to the one before."""
    items = re.findall(r"^ {4}(\w+): ((?:.*\n?(?: {8}.*\n?)*))", part.partition("\n")[2], flags=re.MULTILINE)
    title = "Arguments:" if part.startswith("Args:") else "Errors:"
    return "\n".join([f"{title}\n", *(f"- `{name}`: {' '.join(meaning.split())}" for name, meaning in items)])


def _tables() -> str:
    """The columns of every table."""
    from tiltyard.project.tables import TABLES

    head = (
        "\n## Columns of the tables\n\n"
        "Types are those of polars. In pandas 3, text is `str`, whole numbers are `int64` (`float64` where values are "
        "missing), numbers\n`float64`, flags `bool` and moments `datetime64[us, UTC]`. The columns of the project file "
        "follow those of `pool`, `labels` and\n`queue`: numbers as `Float64`, integers as `Int64`, booleans as "
        "`Boolean`, moments as `Datetime`, categories, texts, id and\nreferences as `String`. A column of yours that "
        "has one of our names comes with `␟` before its name.\n"
    )
    return head + "".join(f"\n### `{name}`\n\n" + _columns(fields) for name, fields in TABLES.items())


def _columns(table: Any) -> str:
    """One table's columns."""
    rows = [f"| `{name}` | {_type_name(field.dtype)} | {field.meaning} |" for name, field in table.items()]
    return "\n".join(["| Column | Type | Meaning |", "|---|---|---|", *rows]) + "\n"


def _type_name(dtype: Any) -> str:
    """A polars type in a word."""
    return str(dtype.base_type())


def _results() -> str:
    """What the steps return."""
    from tiltyard.project import results
    from tiltyard.project.report import Report
    from tiltyard.project.status import Status

    own = [one for one in vars(results).values() if is_dataclass(one) and one.__module__ == results.__name__]
    kinds: Iterator[Any] = (one for one in [*own, Report, Status])
    head = "\n## Results\n\nEach has a short text form and a table for notebooks.\n"
    return head + "".join(_result(kind) for kind in kinds)


def _result(kind: Any) -> str:
    """One kind of result with its attributes."""
    about, _, attributes = (inspect.getdoc(kind) or "").partition("\n\nAttributes:\n")
    meanings = dict(re.findall(r"^ {4}(\w+): ((?:.*\n?(?: {8}.*\n?)*))", attributes, flags=re.MULTILINE))
    rows = [f"| `{one.name}` | {_in_line(meanings[one.name])} |" for one in fields(kind)]
    table = "\n".join(["| Attribute | Meaning |", "|---|---|", *rows])
    return f"\n### `{kind.__name__}`\n\n{_paragraphs(about)}\n\n{table}\n"


def _in_line(text: str) -> str:
    """A meaning in a table's cell."""
    return _paragraphs(" ".join(text.split())).replace("|", "\\|").rstrip(".")


def _errors() -> str:
    """The errors that a user can act on."""
    from tiltyard.schemas import errors

    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.TiltyardError)]
    rows = [f"| `{one.__name__}` | {_in_line(inspect.getdoc(one) or '')} |" for one in kinds]
    return (
        "\n## Errors\n\nEach is a `tiltyard.TiltyardError`; its message names the fault, the value, the place and the "
        "remedy. Its traceback ends at\nyour line; `TILTYARD_DEBUG=1` in the environment shows the rest.\n\n"
        + "\n".join(["| Error | Meaning |", "|---|---|", *rows])
        + "\n"
    )
