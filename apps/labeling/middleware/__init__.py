"""Middleware: limits of bodies and connections, security headers, the origin check and trusted proxies.

Belongs here: what applies to every request before a route sees it. Does not belong here: sessions and roles.
"""

from tiltyard.apps.labeling.middleware.body_limit import ON_REQUEST_END, BodyLimit, body_allowances
from tiltyard.apps.labeling.middleware.origins import SameOrigin
from tiltyard.apps.labeling.middleware.proxy import RecordPeer, annotator_from_proxy
from tiltyard.apps.labeling.middleware.security_headers import RESPONSE_COOKIES, SecurityHeaders

__all__ = [
    "ON_REQUEST_END",
    "RESPONSE_COOKIES",
    "BodyLimit",
    "RecordPeer",
    "SameOrigin",
    "SecurityHeaders",
    "annotator_from_proxy",
    "body_allowances",
]
