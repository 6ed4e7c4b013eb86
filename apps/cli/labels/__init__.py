"""Label commands: query samples, label them here or in the browser, exchange labels with files and Label Studio."""

from tiltyard.apps.cli.labels.annotators import annotators
from tiltyard.apps.cli.labels.ask import ask
from tiltyard.apps.cli.labels.grant import grant
from tiltyard.apps.cli.labels.import_export import export_labels, import_labels
from tiltyard.apps.cli.labels.label import label
from tiltyard.apps.cli.labels.label_studio import label_studio

__all__ = ["annotators", "ask", "export_labels", "grant", "import_labels", "label", "label_studio"]
