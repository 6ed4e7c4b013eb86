"""Monitoring tasks: watch the champion, compare new data with training data."""
