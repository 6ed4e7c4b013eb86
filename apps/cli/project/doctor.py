"""``tiltyard doctor``: whether this machine and this project are fit to work, and what to do where they are not."""

from typing import TYPE_CHECKING

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import console, show_json, shown

if TYPE_CHECKING:
    from tiltyard.apps.cli.console.findings import Finding

MARKS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "bold red")}


def doctor(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Check versions, folders, ledger, MLflow, Prefect and known traps; each finding says what to do.

    Exit code 1 when something fails; a warning is none.
    """
    from tiltyard.apps.cli.project.health_checks import findings_of

    findings = list(findings_of(project))
    healthy = all(finding.state != "fail" for finding in findings)
    if as_json:
        show_json({"healthy": healthy, "findings": findings})
    else:
        _tell(findings)
    raise typer.Exit(0 if healthy else 1)


def _tell(findings: "list[Finding]") -> None:
    """One line a finding, and below it what to do."""
    from rich.text import Text

    screen = console()
    for finding in findings:
        mark, style = MARKS[finding.state]
        screen.print(Text.assemble((mark, style), f"  {finding.name}: {shown(finding.said)}"))
        if finding.remedy:
            screen.print(Text(f"      {shown(finding.remedy)}", style="dim"))
