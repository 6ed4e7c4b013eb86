"""Notifications: events for Prefect and webhooks, delivered from the outbox."""
