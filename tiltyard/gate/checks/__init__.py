"""Checks: what the gate tests besides the main metric, one module a check."""
