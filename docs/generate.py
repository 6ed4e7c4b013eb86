"""The pages of the reference that are written by the code they are about; run by ``make reference``.

A test generates them again and fails when a page on disk says something else.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import fill
from typing import Any, Final

from pydantic.fields import FieldInfo

from docs.python_page import python_page

REFERENCE: Final = Path(__file__).resolve().parent / "reference"
NOTICE: Final = "<!-- Written by docs/generate.py ('make reference'); change the code, not this page. -->\n"


def pages() -> dict[str, str]:
    """Each generated file's name and content."""
    return {
        "project-file.md": project_page(),
        "project.schema.json": json.dumps(_project_schema(), indent=2) + "\n",
        "settings.md": settings_page(),
        "cli.md": command_page(),
        "ledger.md": ledger_page(),
        "python.md": python_page(NOTICE),
    }


def main() -> None:
    """Write every generated file."""
    for name, content in pages().items():
        (REFERENCE / name).write_text(content, "utf-8")


def project_page() -> str:
    """The project file's keys, part by part, in the order of the file."""
    schema = _project_schema()
    head = (
        f"{NOTICE}\n# The project file\n\n"
        "One learning problem is one `project.yaml`. `tiltyard init DATA` infers a first version from a data file.\n"
        "A key that is not listed here is refused, and the error names the nearest known key.\n\n"
        "Editors complete and validate the file if its first line is\n"
        "`# yaml-language-server: $schema=project.schema.json` and [the JSON Schema](project.schema.json) is in the "
        "same folder.\n\n## Top level\n\n"
    )
    return head + _keys_table(schema, schema) + "".join(_parts(schema)) + _values()


def _values() -> str:
    """The rules by which values are read, as their modules tell them."""
    from tiltyard.ingest.casting import cells as casting
    from tiltyard.ingest.casting import lossless as widening
    from tiltyard.ingest.inference import project_yaml
    from tiltyard.schemas.project import class_names

    modules = (project_yaml, class_names, casting, widening)
    file, names, kinds, rule = (str(module.__doc__).replace("``", "`").strip() for module in modules)
    return (
        f"\n## How the file is read\n\n{file}\n\n{_limits_of_file()}\n\n### When two names are one class\n\n{names}\n"
        f"\n## How values are read\n\n{kinds}\n\n### Values of another type\n\n{rule}\n"
    )


def _limits_of_file() -> str:
    """The limits within which the file is read."""
    from tiltyard.ingest.inference.project_yaml import DEEPEST, MOST_BYTES, MOST_NODES
    from tiltyard.schemas.project.columns import MOST_COLUMNS
    from tiltyard.schemas.project.project_file import MOST_CLASSES

    return (
        f"A project file has at most {MOST_BYTES:,} bytes, {MOST_NODES:,} values (repetitions by an alias count), "
        f"{DEEPEST} levels, {MOST_COLUMNS:,} columns (with ranges expanded) and {MOST_CLASSES:,} classes."
    )


def _project_schema() -> dict[str, Any]:
    """The JSON Schema of the project file."""
    from tiltyard.schemas.project import Project

    return Project.model_json_schema()


def _parts(schema: dict[str, Any]) -> Iterator[str]:
    """A section per part of the file, each where it is first met."""
    seen: set[str] = set()
    waiting = [(name, node) for name, node in schema["properties"].items()]
    while waiting:
        place, node = waiting.pop(0)
        for reference, inner in _references(place, node):
            if reference in seen:
                continue
            seen.add(reference)
            part = schema["$defs"][reference]
            yield f"\n## `{inner}`\n\n{part['description']}\n\n{_keys_table(part, schema)}"
            waiting = [(f"{inner}.{name}", value) for name, value in part["properties"].items()] + waiting


def _references(place: str, node: Any) -> Iterator[tuple[str, str]]:
    """The parts that a key holds, each with how it is written in the file."""
    if "$ref" in node:
        yield node["$ref"].rsplit("/", 1)[-1], place
    for value in node.get("anyOf", []):
        yield from _references(place, value)
    if isinstance(node.get("items"), dict):
        yield from _references(f"{place}[]", node["items"])
    if isinstance(node.get("additionalProperties"), dict):
        yield from _references(f"{place}.NAME", node["additionalProperties"])


def _keys_table(part: dict[str, Any], schema: dict[str, Any]) -> str:
    """The keys of one part as a table."""
    fields = _fields_of(part["title"])
    rows = ["| Key | What it holds | Default | Meaning |", "|---|---|---|---|"]
    for name, node in part["properties"].items():
        default = _default(fields[name])
        about = node.get("description") or _about_part(node, schema)
        rows.append(f"| `{name}` | {_holds(node)} | {default} | {_cell(about)} |")
    return "\n".join(rows) + "\n"


def _about_part(node: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a key without a sentence of its own is about: the part that it holds."""
    references = [reference for reference, _ in _references("", node)]
    return str(schema["$defs"][references[0]]["description"]) if references else ""


def _fields_of(title: str) -> dict[str, FieldInfo]:
    """The fields of a part of the project file, by the part's name."""
    from tiltyard.schemas.project.columns import Part

    return next(part for part in Part.__subclasses__() if part.__name__ == title).model_fields


def _default(field: FieldInfo) -> str:
    """A default as the file would write it."""
    from tiltyard.schemas.project.columns import Part

    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Part):
        return "see below"
    return "none" if value in (None, {}, [], "") else f"`{json.dumps(value)}`"


def _holds(node: dict[str, Any]) -> str:
    """What a key may hold, with its limits, in words."""
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if "$ref" in node:
        return "a mapping, see below"
    if "anyOf" in node:
        return " or ".join(_holds(inner) for inner in node["anyOf"] if inner.get("type") != "null")
    if node.get("type") == "array":
        return f"a list: {_holds(node['items'])}"
    if node.get("type") == "object":
        inner = node.get("additionalProperties")
        return f"names, each with {_holds(inner)}" if isinstance(inner, dict) and inner else "a mapping"
    word = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}
    return word.get(node.get("type", ""), "anything") + _limits(node)


def _limits(node: dict[str, Any]) -> str:
    """A value's limits in words."""
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    told = [f"{sign} {node[name]:g}" for name, sign in signs.items() if name in node]
    told += [f"like `{_cell(node['pattern'])}`"] if "pattern" in node else []
    if node.get("minLength") == node.get("maxLength") == 1:
        told.append("one character")
    return f" ({', '.join(told)})" if told else ""


def settings_page() -> str:
    """The environment variables."""
    from tiltyard.apps.cli.deployment.files import VARIABLES
    from tiltyard.schemas.labeling_settings import LabelingSettings
    from tiltyard.schemas.settings import Settings
    from tiltyard.schemas.watch_settings import WatchSettings

    return (
        f"{NOTICE}\n# Settings\n\n"
        "Environment variables locate the stores. Every setting has a default that works without a server.\n\n"
        + _settings_table(Settings)
        + "\n## The labeling server\n\n"
        + "Of 'tiltyard label serve' and of the factory `tiltyard.apps.labeling.asgi:create`."
        + "\n\n"
        + _settings_table(LabelingSettings)
        + "\n## The watch\n\nFor 'tiltyard watch', which turns S3 notifications into runs.\n\n"
        + _settings_table(WatchSettings)
        + "\n## Deployments\n\n`prefect.yaml` uses these when a project is deployed; 'tiltyard deploy' sets them.\n\n"
        + _variables_table(VARIABLES)
        + "\n## Other variables\n\n"
        + _variables_table(OTHER_VARIABLES)
    )


OTHER_VARIABLES: Final[Mapping[str, str]] = {
    "TILTYARD_DEBUG": "if set, a failing command prints its traceback before the error message",
    "TILTYARD_DATA": "folder of the real data sets for tests and benchmarks; default: `../shared/data`",
    "PREFECT_API_URL": "the Prefect server for runs; without it Prefect is embedded in the process",
    "OMP_NUM_THREADS": "threads per fit; the command line and the Makefile set 1 by default",
    "MLFLOW_DISABLE_TELEMETRY": "the command line and the Makefile set `true` by default",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "the command line and the Makefile set `false` by default",
    "DO_NOT_TRACK": "the command line and the Makefile set `1` by default",
}


def _variables_table(variables: Mapping[str, str]) -> str:
    """Variables with their meanings as a table."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in variables.items()]
    return "\n".join(["| Variable | Meaning |", "|---|---|", *rows]) + "\n"


def _settings_table(settings: Any) -> str:
    """One class of settings as a table."""
    prefix = settings.model_config["env_prefix"]
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    rows += [_setting_row(f"{prefix}{name.upper()}", field) for name, field in settings.model_fields.items()]
    return "\n".join(rows) + "\n"


def _setting_row(variable: str, field: FieldInfo) -> str:
    """One setting as a row."""
    value = ",".join(map(str, field.default)) if isinstance(field.default, list) else field.default
    default = "none" if value in (None, "") else f"`{value}`"
    return f"| `{variable}` | {default} | {_cell(field.description or '')} |"


def command_page() -> str:
    """Every command with its arguments and options, as ``--help`` tells them."""
    os.environ.setdefault("COLUMNS", "200")
    import typer
    from typer.main import get_command

    from tiltyard.apps.cli.main import app

    root = get_command(app)
    context = typer.Context(root, info_name="tiltyard")
    head = (
        f"{NOTICE}\n# The command line\n\n"
        "Every command takes `--project` (a folder or a project file; default: the current folder) and `--json`.\n\n"
        "| Exit code | Meaning |\n|---|---|\n| 0 | success |\n"
        "| 1 | a store is damaged, or there is a bug in Tiltyard |\n"
        "| 2 | the request is invalid, or a store cannot be reached; one line on stderr states the problem, its place "
        "and the remedy |\n"
    )
    return head + "".join(_command(context, name, command) for name, command in sorted(_commands(root).items()))


def _commands(root: Any) -> dict[str, Any]:
    """Every command by what one types for it."""
    found: dict[str, Any] = {}
    for name, command in root.commands.items():
        inner = _commands(command) if hasattr(command, "commands") else {}
        found |= {f"{name} {word}": below for word, below in inner.items()}
        if not inner or command.invoke_without_command:
            found[name] = command
    return found


def _command(parent: Any, name: str, command: Any) -> str:
    """One command's section."""
    import typer

    context = typer.Context(command, info_name=name, parent=parent)
    usage = " ".join(["tiltyard", name, *command.collect_usage_pieces(context)])
    records = [parameter.get_help_record(context) for parameter in command.params]
    rows = [f"| `{_cell(spelled)}` | {_cell(about)} |" for spelled, about in filter(None, records)]
    table = "\n".join(["| Argument or option | Meaning |", "|---|---|", *rows]) + "\n" if rows else ""
    return f"\n## `tiltyard {name}`\n\n{_paragraphs(command.help)}\n\n```\n{usage}\n```\n\n{_example(command)}{table}"


def _example(command: Any) -> str:
    """A command's example as a line."""
    return f"{command.epilog.replace(': ', ': `', 1)}`\n\n" if command.epilog else ""


def _paragraphs(text: str | None) -> str:
    """A docstring as Markdown."""
    return "\n\n".join(fill(paragraph, 120, break_on_hyphens=False) for paragraph in (text or "").split("\n\n"))


def ledger_page() -> str:
    """The ledger's tables with their columns."""
    from tiltyard.stores.ledger.database import tables
    from tiltyard.stores.ledger.database.immutability import LEASE_COLUMNS
    from tiltyard.stores.ledger.database.records import TABLES

    about = {table.name: _first_paragraph(record.__doc__) for record, table in TABLES.items()}
    about |= {
        "journal": "One row per fact. `seq` is the ledger position, `digest` the SHA-256 of the fact's row.",
        "segment": "A sealed range of the journal, mirrored as a file that contains the hash of the previous segment.",
        "head": "Not a fact: the length of the chain of segments; a file next to the segments has a copy.",
        "sighting": "Not a fact: the listing's metadata of a known object, so that its bytes are not copied again.",
        "outbox": "Not a fact: messages that wait for delivery; see the how-to on the labeling server.",
    }
    head = (
        f"{NOTICE}\n# The ledger's tables\n\n"
        "SQLite in the workspace, or the database of `TILTYARD_LEDGER_URL`. Times are ISO 8601 text in UTC; nested "
        "values are canonical JSON.\nTriggers refuse UPDATE and DELETE on every table of facts. Only an `assignment` "
        "may change, and only in the columns of its lease\n"
        f"({', '.join(f'`{name}`' for name in sorted(LEASE_COLUMNS))}).\n"
    )
    return head + "".join(_table(table, about[table.name]) for table in tables.metadata.tables.values())


def _table(table: Any, about: str) -> str:
    """One table's section."""
    rows = [
        f"| `{column.name}` | {str(column.type).lower()} | {_key(column)} | {'yes' if column.nullable else ''} |"
        for column in table.columns
    ]
    lines = ["| Column | Type | Key | May be null |", "|---|---|---|---|", *rows]
    return f"\n## `{table.name}`\n\n{about}\n\n" + "\n".join(lines) + "\n"


def _key(column: Any) -> str:
    """Whether a column is a key, or points at one."""
    points = [f"to `{key.target_fullname}`" for key in column.foreign_keys]
    own = ["primary"] if column.primary_key else ["unique"] if column.unique else []
    return ", ".join([*own, *points])


def _first_paragraph(text: str | None) -> str:
    """A docstring's first paragraph, code in Markdown's quotes."""
    return " ".join((text or "").split("\n\n")[0].split()).replace("``", "`")


def _cell(text: str) -> str:
    """Text that does not break its table."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("``", "`")


if __name__ == "__main__":
    main()
