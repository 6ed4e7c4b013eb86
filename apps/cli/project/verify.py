"""``tiltyard verify`` and ``restore``: whether everything is still what was written, and a lost ledger told again."""

from typing import TYPE_CHECKING

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import console, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.project.results import VerifyResult


def verify(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Read every byte and compare it with the ledger: facts, hash chain, objects, pool, labeled sets, models, counts.

    Exit code 1 when anything is wrong, with a sentence for each finding.
    """
    from tiltyard.project.opening import open as open_project

    with console(to_stderr=True).status("reading everything ..."):
        findings = open_project(project).verify()
    if as_json:
        found = {"checked": findings.checked, "problems": findings.problems, "notes": findings.notes}
        show_json({"sound": findings.sound, **found})
    else:
        _tell(findings)
    raise typer.Exit(0 if findings.sound else 1)


def restore(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Bring a ledger that was lost back from its sealed segments, into an empty one.

    Every fact gets its own position again, and is compared with its digest; a segment that is missing or was changed
    ends the search before anything is written. A ledger that holds facts is refused. What came after the last seal,
    leases and waiting notices are no part of the segments.
    """
    from tiltyard.stores.ledger.chain.replay import replay
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    with console(to_stderr=True).status("reading segments ..."):
        replayed = replay(workspace.ledger, workspace.project.labeling.skips, workspace.clock())
    if as_json:
        show_json(replayed)
        return
    show_table([{"restored": kind, "facts": count} for kind, count in replayed.facts.items()])
    say(f"Restored {sum(replayed.facts.values()):,} facts from {replayed.segments:,} segments.")
    for lost in replayed.lost:
        say(f"Not restored: {lost}.")
    say("Next: tiltyard verify")


def _tell(findings: "VerifyResult") -> None:
    """Show what was looked at, then what is wrong."""
    show_table([{"looked at": what, "number": count} for what, count in findings.checked.items()])
    for note in findings.notes:
        say(f"Note: {note}")
    for problem in findings.problems:
        say(f"WRONG: {problem}")
    say(f"{len(findings.problems)} things are wrong." if findings.problems else "Everything is what was written.")
