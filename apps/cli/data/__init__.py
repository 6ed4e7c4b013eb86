"""Data commands: ingest new objects, show and retry quarantined rows, watch a bucket for objects."""

from tiltyard.apps.cli.data.ingest import ingest, show_batches
from tiltyard.apps.cli.data.quarantine import quarantine
from tiltyard.apps.cli.data.watch import watch

__all__ = ["ingest", "quarantine", "show_batches", "watch"]
