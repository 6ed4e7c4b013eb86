"""Notifications: webhooks and Prefect events when enough labels are ready, delivered from the ledger's outbox.

Belongs here: what is sent, to whom and when. Does not belong here: how many labels are enough (workspace).
"""

from tiltyard.apps.labeling.notifications.dispatcher import Dispatcher
from tiltyard.apps.labeling.notifications.notifier import Notifier
from tiltyard.apps.labeling.notifications.targets import WebhookTarget, configured_targets

__all__ = ["Dispatcher", "Notifier", "WebhookTarget", "configured_targets"]
