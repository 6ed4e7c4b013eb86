"""Annotation: why a sample is shown, what the page needs to show it, and how annotations are stored.

Belongs here: what an annotator's page sends and gets. Does not belong here: HTTP (routes), the writer (service).
"""

from tiltyard.apps.labeling.annotation.assignment_reason import (
    deciding_features,
    reveal_suggestion,
    selection_reason,
)
from tiltyard.apps.labeling.annotation.project_view import project_response
from tiltyard.apps.labeling.annotation.submission import submit

__all__ = ["deciding_features", "project_response", "reveal_suggestion", "selection_reason", "submit"]
