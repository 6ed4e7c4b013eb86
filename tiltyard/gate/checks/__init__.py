"""Checks: what the gate tests besides the main metric, one module a check.

:func:`tiltyard.gate.checks.suite.run_checks` runs them all; a new check is added to its ``FAMILIES``.
"""
