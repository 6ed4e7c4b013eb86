"""Service: the open projects, who sends a request, what their role allows, and the one writer of each ledger.

Belongs here: state that requests share. Does not belong here: routes and HTML (routes), annotations (annotation).
"""

from tiltyard.apps.labeling.service.callers import Caller, Visitor, caller_in, visitor_of
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.apps.labeling.service.service import LabelingService, service_of

__all__ = ["Caller", "LabelingService", "ServedProject", "Visitor", "caller_in", "service_of", "visitor_of"]
