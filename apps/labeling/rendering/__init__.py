"""Rendering: templates, Markdown guidelines and pictures."""
