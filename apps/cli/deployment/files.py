"""Read ``prefect.yaml`` and ``automations.yaml``, and fill in their variables for one project."""

import re
from collections.abc import Mapping
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from tiltyard.schemas.errors import SettingsError, nearest

if TYPE_CHECKING:
    from tiltyard.workspace.workspace import Workspace

VARIABLE: Final = re.compile(r"{{\s*\$(\w+)\s*}}")
"""The syntax of an environment variable in both files; Prefect fills in its own file by the same rule."""

VARIABLES: Final[Mapping[str, str]] = {
    "TILTYARD_PROJECT": "folder of the project, as workers find it: the parameter of every run",
    "TILTYARD_PROJECT_NAME": "the project's name, which is also the name of its deployments",
    "TILTYARD_OBJECTS": "resource of the events of new objects: s3://BUCKET/PREFIX* of the project's source",
    "TILTYARD_WORK_POOL": "work pool of the deployments",
}
"""The variables that ``prefect.yaml`` reads from the environment; ``tiltyard deploy`` sets all of them."""


def variables_of(workspace: "Workspace", pool: str, place: str) -> dict[str, str]:
    """The variables of one project. ``place`` is where workers find it."""
    name, source = workspace.project.name, workspace.source.name
    objects = source.removeprefix("s3:") if source.startswith("s3:") else ""
    return {
        "TILTYARD_PROJECT": place,
        "TILTYARD_PROJECT_NAME": name,
        # Prefect matches by shell patterns, so a bracket in a prefix is escaped.
        "TILTYARD_OBJECTS": f"{escape(f's3://{objects}')}/*" if objects else f"tiltyard.project.{name}",
        "TILTYARD_WORK_POOL": pool,
    }


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; SettingsError when the file is missing or does not contain a mapping."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"no file {str(path)!r}; run the command in Tiltyard's folder, or name the file with --file"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{str(path)!r} is not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{str(path)!r} does not contain a mapping; compare it with the file that Tiltyard ships")
    return content


def fill_variables(value: Any, variables: Mapping[str, str]) -> Any:
    """A value with its variables filled in; SettingsError for an unknown variable.

    >>> fill_variables({"name": "{{ $NAME }} wakes", "within": 5}, {"NAME": "bank"})
    {'name': 'bank wakes', 'within': 5}
    """
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: _variable(found[1], variables), value)
    if isinstance(value, dict):
        return {key: fill_variables(item, variables) for key, item in value.items()}
    return [fill_variables(item, variables) for item in value] if isinstance(value, list) else value


def _variable(name: str, variables: Mapping[str, str]) -> str:
    """A variable's value."""
    if name not in variables:
        raise SettingsError(f"variable {name!r} is not one that 'tiltyard deploy' sets; {nearest(name, variables)}")
    return variables[name]
