"""Project commands: create a project, show its status and history, report on it, verify and restore its stores."""

from tiltyard.apps.cli.project.doctor import doctor
from tiltyard.apps.cli.project.init import example, init, schema
from tiltyard.apps.cli.project.report import report
from tiltyard.apps.cli.project.status import history, status
from tiltyard.apps.cli.project.verify import restore, verify

__all__ = ["doctor", "example", "history", "init", "report", "restore", "schema", "status", "verify"]
