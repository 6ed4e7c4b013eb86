"""Ingest: raw rows of a batch are cast, validated and partitioned into pool rows and quarantined rows."""
