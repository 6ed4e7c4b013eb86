"""Integrations: SQS, its dead letters, and Label Studio."""
