"""``prefect.yaml`` and ``automations.yaml``: read, and filled in for one project."""

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
"""How both files name a variable of the environment; Prefect fills its own file in by the same rule."""

VARIABLES: Final[Mapping[str, str]] = {
    "TILTYARD_PROJECT": "folder of the project, as workers find it: the parameter of every run",
    "TILTYARD_PROJECT_NAME": "the project's name, which its deployments bear",
    "TILTYARD_OBJECTS": "what events of new objects are about: s3://BUCKET/PREFIX* of the project's source",
    "TILTYARD_WORK_POOL": "work pool of the deployments",
}
"""What ``prefect.yaml`` takes from the environment; ``tiltyard deploy`` sets all of it."""


def variables_of(workspace: "Workspace", pool: str, place: str) -> dict[str, str]:
    """The variables of one project. ``place`` is where workers find it."""
    name, source = workspace.project.name, workspace.source.name
    objects = source.removeprefix("s3:") if source.startswith("s3:") else ""
    return {
        "TILTYARD_PROJECT": place,
        "TILTYARD_PROJECT_NAME": name,
        # Prefect matches by shell patterns, so that a bracket in a prefix must not be one.
        "TILTYARD_OBJECTS": f"{escape(f's3://{objects}')}/*" if objects else f"tiltyard.project.{name}",
        "TILTYARD_WORK_POOL": pool,
    }


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a file holds; SettingsError when there is no such file or it holds no mapping."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"there is no {str(path)!r}; run it in Tiltyard's folder, or name it with --file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{str(path)!r} is no YAML: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{str(path)!r} holds no mapping; compare it with the one that came with Tiltyard")
    return content


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """A value with its variables filled in; SettingsError for one that is not known.

    >>> filled({"name": "{{ $NAME }} wakes", "within": 5}, {"NAME": "bank"})
    {'name': 'bank wakes', 'within': 5}
    """
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: _variable(found[1], variables), value)
    if isinstance(value, dict):
        return {key: filled(item, variables) for key, item in value.items()}
    return [filled(item, variables) for item in value] if isinstance(value, list) else value


def _variable(name: str, variables: Mapping[str, str]) -> str:
    """A variable's value."""
    if name not in variables:
        raise SettingsError(f"variable {name!r} is not one that 'tiltyard deploy' sets; {nearest(name, variables)}")
    return variables[name]
