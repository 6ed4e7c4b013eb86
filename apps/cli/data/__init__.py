"""Data commands: ingest, quarantine, watch."""
