"""What-if: the gate's decision under other settings, compared with the recorded one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tiltyard.ingest.inference.project_yaml import parse_yaml
from tiltyard.schemas.errors import ProjectFileError, SettingsError
from tiltyard.schemas.project import Project, parse_project
from tiltyard.schemas.records import Check

PART: Final = "gate."
Row = dict[str, Any]


def with_settings(project: Project, settings: Sequence[str]) -> Project:
    """The project with settings of its gate replaced; each is ``gate.key=value``, the value as YAML writes it.

    SettingsError for a setting of another form; ProjectFileError for an unknown key or an invalid value.

    >>> from tiltyard.schemas.project.project_file import parse_project
    >>> project = parse_project(
    ...     {"name": "p", "classes": ["a", "b"], "columns": {"features": {"x": {"kind": "number"}}}}, "p.yaml"
    ... )
    >>> with_settings(project, ["gate.confidence=0.9", "gate.slices.columns=[x]"]).gate.slices.columns
    ['x']
    """
    body = project.model_dump(mode="json")
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals or not path.startswith(PART):
            raise SettingsError(f"--set {setting!r} is not of the form gate.key=value, for example gate.confidence=0.9")
        _put(body["gate"], path.removeprefix(PART).split("."), _value(setting, value, path))
    return parse_project(body, "--set")


def _value(setting: str, text: str, path: str) -> Any:
    """A value as YAML writes it."""
    try:
        return parse_yaml(text, "--set", tuple(path.split(".")))
    except ProjectFileError as error:
        raise SettingsError(f"--set {setting!r}: the value is not YAML; quote what has colons or brackets") from error


def _put(part: dict[str, Any], path: list[str], value: Any) -> None:
    """Put a value at its place; places that are not there are made, and refused when the file is checked."""
    for name in path[:-1]:
        inner = part.get(name)
        part[name] = inner if isinstance(inner, dict) else {}
        part = part[name]
    part[path[-1]] = value


def changed_settings(recorded: Mapping[str, Any], tried: Mapping[str, Any], path: str = "gate") -> list[Row]:
    """The settings of the gate that differ, by their full names; those that one side does not know are none there.

    >>> changed_settings({"churn": None, "slices": {"margin": 0.05}}, {"churn": None, "slices": {"margin": 0}})
    [{'setting': 'gate.slices.margin', 'recorded': 0.05, 'tried': 0}]
    """
    found: list[Row] = []
    for name in sorted({*recorded, *tried}):
        before, after, place = recorded.get(name), tried.get(name), f"{path}.{name}"
        if isinstance(before, Mapping) and isinstance(after, Mapping) and path == "gate" and name != "floors":
            found += changed_settings(before, after, place)
        elif before != after:
            found.append({"setting": place, "recorded": before, "tried": after})
    return found


def changed_checks(recorded: Iterable[Check], tried: Iterable[Check]) -> list[Row]:
    """The checks that come to another outcome, or that only one side made, in the order of what is tried."""
    before, after = ({check.name: check for check in checks} for checks in (recorded, tried))
    names = [*after, *(name for name in before if name not in after)]
    rows = [_row(name, before.get(name), after.get(name)) for name in names]
    return [row for row in rows if row["recorded"] != row["tried"]]


def _row(name: str, before: Check | None, after: Check | None) -> Row:
    """One check before and after."""
    return {
        "check": name,
        "recorded": before.outcome if before else None,
        "tried": after.outcome if after else None,
        "why": (after or before or Check(name, "pass", None, None, "")).why,
    }
