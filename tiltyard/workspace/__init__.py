"""Workspace: an open project with its stores, and everything that needs the whole of it."""
