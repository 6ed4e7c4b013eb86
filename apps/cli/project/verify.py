"""``tiltyard verify`` and ``restore``: check all stored data against the ledger, and rebuild a lost ledger."""

from typing import TYPE_CHECKING

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, console, format_count, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.project.results import VerifyResult


def verify(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Read every byte and compare it with the ledger: facts, hash chain, objects, pool, labeled sets, models, counts.

    Exit code 1 if anything is wrong, with a sentence for each problem.
    """
    from tiltyard.project.opening import open as open_project

    with console(to_stderr=True).status("reading all stored data ..."):
        findings = open_project(project).verify()
    if as_json:
        found = {"checked": findings.checked, "problems": findings.problems, "notes": findings.notes}
        show_json({"sound": findings.sound, **found})
    else:
        _show(findings)
    raise typer.Exit(0 if findings.sound else 1)


def restore(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Restore a lost ledger from its sealed segments into an empty one.

    Every fact gets its original position and is compared with its digest. A missing or changed segment stops the
    restore before anything is written. A ledger that contains facts is refused. Segments do not contain facts recorded
    after the last seal, leases and unsent notices.
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
    facts = format_count(sum(replayed.facts.values()), "fact")
    say(f"Restored {facts} from {format_count(replayed.segments, 'segment')}.")
    for lost in replayed.lost:
        say(f"Not restored: {lost}.")
    say("Next: tiltyard verify")


def _show(findings: "VerifyResult") -> None:
    """Show what was checked, then the problems."""
    show_table([{"checked": what, "number": count} for what, count in findings.checked.items()])
    for note in findings.notes:
        say(f"Note: {note}")
    for problem in findings.problems:
        say(f"WRONG: {problem}")
    say(
        f"Found {format_count(len(findings.problems), 'problem')}."
        if findings.problems
        else "All stored data is intact."
    )
