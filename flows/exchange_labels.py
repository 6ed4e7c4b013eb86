"""Exchange: import labels from a file, export every annotation to one."""

from typing import Annotated

from pydantic import Field

from tiltyard.labels.files.file_format import Imported
from tiltyard.tasks.labels import exchange_labels as labels
from tiltyard.tasks.loop_flow import loop_flow
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.training_due import announce_labels_ready


@loop_flow("exchange-labels")
def exchange_labels(
    project: str = ".",
    incoming: str | None = None,
    outgoing: str | None = None,
    by: Annotated[str, Field(min_length=1)] = "sample_id",
) -> Imported | None:
    """Import the labels of one file, then export every annotation to another.

    Either may be left out. Importing the same file again adds nothing.

    Args:
        project: Folder or file of the project.
        incoming: File with labels to import, at its path on the worker.
        outgoing: File to export every annotation to, at its path on the worker.
        by: Column of the incoming file that identifies the sample: sample_id, the project's id or a reference.

    Returns:
        The outcome of the imported lines, or none without an import.
    """
    imported = labels.import_labels(project, incoming, by) if incoming else None
    if outgoing:
        labels.export_labels(project, outgoing)
    announce_labels_ready(project)
    seal_ledger(project)
    return imported
