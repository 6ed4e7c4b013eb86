"""Ingest tasks: land new objects, check batches."""
