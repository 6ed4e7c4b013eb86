"""Beginning an example: its project file, and everything its producer delivers."""

from pathlib import Path
from typing import Any

from tiltyard.schemas.errors import ProjectFileError


def begin_example(name: str, folder: Path, file: Path | None = None) -> dict[str, Any]:
    """Write an example's project file and its deliveries into a folder; what was made.

    ``file`` is the publisher's file, where it is not to be looked for or downloaded. Raises ProjectFileError when a
    project is there already, NotFound when there is no such example or its data cannot be had, ObjectError when
    ``file`` is not the expected one.
    """
    from tiltyard.examples.catalogue import example_named, write_project
    from tiltyard.stores.files import FileStore
    from tiltyard.workspace.workspace import PROJECT_FILE, read_project

    found = example_named(name)
    if (folder / PROJECT_FILE).exists():
        raise ProjectFileError(f"{str(folder / PROJECT_FILE)!r} is there already; nothing is overwritten")
    deal = found.deal(file=file)
    project = read_project(write_project(found, folder))
    incoming = FileStore(folder / project.source.folder)
    for delivery in deal.deliveries:
        incoming.write(delivery.key, delivery.content)
    return {
        "name": name,
        "title": found.title.capitalize(),
        "project": folder,
        "objects": len(deal.deliveries),
        "rows": found.rows,
    }
