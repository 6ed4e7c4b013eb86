"""``tiltyard doctor``: check this machine and this project, and show how to fix what fails."""

from typing import TYPE_CHECKING

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, console, show_json
from tiltyard.apps.cli.console.output import escape

if TYPE_CHECKING:
    from tiltyard.apps.cli.console.findings import Finding

MARKS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "bold red")}


def doctor(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Check versions, folders, ledger, MLflow, Prefect and known traps; each problem comes with its fix.

    Exit code 1 if a check fails; warnings do not count.
    """
    from tiltyard.apps.cli.project.health_checks import run_checks

    findings = list(run_checks(project))
    healthy = all(finding.state != "fail" for finding in findings)
    if as_json:
        show_json({"healthy": healthy, "findings": findings})
    else:
        _show(findings)
    raise typer.Exit(0 if healthy else 1)


def _show(findings: "list[Finding]") -> None:
    """Show one line per finding, and its remedy below."""
    from rich.text import Text

    screen = console()
    for finding in findings:
        mark, style = MARKS[finding.state]
        screen.print(Text.assemble((mark, style), f"  {finding.name}: {escape(finding.said)}"))
        if finding.remedy:
            screen.print(Text(f"      {escape(finding.remedy)}", style="dim"))
