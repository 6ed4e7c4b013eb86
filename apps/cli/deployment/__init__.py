"""Deployment commands: deploy flows to Prefect, sync automations; checks of Prefect's files and server are inside."""

from tiltyard.apps.cli.deployment.automations import automations
from tiltyard.apps.cli.deployment.deploy import deploy

__all__ = ["automations", "deploy"]
