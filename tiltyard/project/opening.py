"""Open a project, or make one from a data file."""

import os
from collections.abc import Sequence
from pathlib import Path

from tiltyard.project.errors import plain_errors
from tiltyard.project.project import Project


@plain_errors
def open(path: str | Path = ".") -> Project:
    """The project in a folder, or of a project file.

    The environment says where its stores are (``TILTYARD_...``); without it they are in ``workspace/`` beside the
    project file. MLflow and Prefect send no usage data from this process, unless the environment says otherwise.

    Raises:
        TiltyardError: There is no project file, or it breaks its contract; the message names the line's key.

    >>> import tiltyard
    >>> tiltyard.open("my-project").name
    'small'
    """
    send_no_usage_data()
    return Project(path)


@plain_errors
def init(data: str | Path, into: str | Path = ".", *, label: str | None = None, classes: Sequence[str] = ()) -> Project:
    """Make a project from a CSV, JSON, JSON Lines or Parquet file by looking at it.

    Writes ``project.yaml`` with inferred kinds, ranges, keys and classes, each with a comment, and copies the file into
    ``incoming/``. Read it before you go on. Nothing is overwritten.

    Args:
        data: The file.
        into: The project's folder; made where it is missing.
        label: The column with labels, where the file has one.
        classes: The names of the classes; inferred from the label column by default.

    Raises:
        TiltyardError: There is no such file, it cannot be read, or a project already exists there.

    >>> import tiltyard
    >>> tiltyard.init("my-project/incoming/day-1.csv", into="another", classes=["no", "yes"]).config.class_names
    ['no', 'yes']
    """
    from tiltyard.workspace.new_project import begin_project

    send_no_usage_data()
    begun = begin_project(Path(data), Path(into), label, tuple(classes))
    return Project(begun.project_file.parent)


def send_no_usage_data() -> None:
    """Switch off usage reports of MLflow and Prefect in this process and its children, where nobody said otherwise."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
