"""The console: the options and the output that all commands share; help texts and errors are inside.

Import-light: Rich is imported by the functions that draw with it.
"""

from tiltyard.apps.cli.console.options import HERE, AsJson, By, ProjectPath
from tiltyard.apps.cli.console.output import (
    console,
    format_cell,
    format_minute,
    say,
    show_json,
    show_table,
)
from tiltyard.reports.formatting import format_count

__all__ = [
    "HERE",
    "AsJson",
    "By",
    "ProjectPath",
    "console",
    "format_cell",
    "format_count",
    "format_minute",
    "say",
    "show_json",
    "show_table",
]
