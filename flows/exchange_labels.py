"""Exchange: labels made elsewhere come in from a file, every annotation goes out to one."""

from prefect import flow

from tasks import exchange_labels as labels
from tasks.seal_ledger import seal_ledger
from tiltyard.rules.label_files import Imported


@flow(name="exchange-labels", flow_run_name="exchange-labels {project}")
def exchange_labels(
    project: str = ".", incoming: str | None = None, outgoing: str | None = None, by: str = "sample_id"
) -> Imported | None:
    """Import the labels of one file, then export every annotation to another; what became of the import's lines.

    Either may be left out. The same file again brings nothing new.
    """
    imported = labels.import_labels(project, incoming, by) if incoming else None
    if outgoing:
        labels.export_labels(project, outgoing)
    seal_ledger(project)
    return imported
