"""``tiltyard verify``: whether everything is still what was written."""

from typing import TYPE_CHECKING

import typer

from apps.cli.options import HERE, AsJson, ProjectPath
from apps.cli.screen import console, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.stores.verification import Findings


def verify(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Read every byte and compare it with the ledger: facts, hash chain, objects, pool, labeled sets, models, counts.

    Exit code 1 when anything is wrong, with a sentence for each finding.
    """
    from tiltyard.stores.verification import verify_workspace
    from tiltyard.stores.workspace import open_workspace

    with console(to_stderr=True).status("reading everything ..."):
        findings = verify_workspace(open_workspace(project))
    if as_json:
        found = {"checked": findings.checked, "problems": findings.problems, "notes": findings.notes}
        show_json({"sound": findings.sound, **found})
    else:
        _tell(findings)
    raise typer.Exit(0 if findings.sound else 1)


def _tell(findings: "Findings") -> None:
    """Show what was looked at, then what is wrong."""
    show_table([{"looked at": what, "number": count} for what, count in findings.checked.items()])
    for note in findings.notes:
        say(f"Note: {note}")
    for problem in findings.problems:
        say(f"WRONG: {problem}")
    say(f"{len(findings.problems)} things are wrong." if findings.problems else "Everything is what was written.")
