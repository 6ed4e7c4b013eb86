"""``tiltyard judge``: challenger against champion."""

from typing import TYPE_CHECKING, Any

from apps.cli.options import HERE, AsJson, ProjectPath
from apps.cli.screen import cell, say, show_json, show_table

if TYPE_CHECKING:
    from schemas.records import Verdict


def judge(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Compare the challenger with the champion on the same evaluation rows, and record the verdict.

    A challenger is looked at once; only where the evaluation labels were too few to look at all is it judged again,
    when there are more. The champion is moved by 'tiltyard promote', never here.
    """
    from tasks.judge_challenger import judge_challenger, unjudged_challenger
    from tasks.seal_ledger import seal_ledger
    from tasks.snapshot_labels import snapshot_labels
    from tiltyard.stores.workspace import open_workspace

    where, workspace = str(project), open_workspace(project)
    evaluation_id = snapshot_labels.fn(where, "evaluation")
    challenger, verdict = unjudged_challenger.fn(where, evaluation_id), None
    if challenger is not None:
        verdict = workspace.ledger.champions.verdict(judge_challenger.fn(where, challenger, evaluation_id))
        seal_ledger.fn(where)
    if as_json:
        show_json({"judged": verdict is not None, "verdict": verdict})
    elif verdict is None:
        say("No challenger awaits a verdict. Next: tiltyard train")
    else:
        tell_verdict(verdict)
        say("Next: tiltyard promote" if verdict.decision == "promote" else "Nothing moves. Next: tiltyard ask")


def tell_verdict(verdict: "Verdict") -> None:
    """Show a verdict: the decision first, then what was compared, then every check."""
    from tiltyard.rules.story import check_rows

    say(f"Verdict {verdict.verdict_id[:8]}: {verdict.decision}. {verdict.reason}")
    show_table(_compared(verdict))
    show_table([{**row, "why": cell(row["why"])} for row in check_rows(verdict.checks)])


def _compared(verdict: "Verdict") -> list[dict[str, Any]]:
    """Challenger, champion and gain as rows."""
    from tiltyard.rules.story import interval_text

    rows = [
        ("challenger", verdict.challenger_id[:8], interval_text(verdict.challenger)),
        ("champion", (verdict.champion_id or "none")[:8], interval_text(verdict.champion)),
        ("gain", "", interval_text(verdict.gain, signed=True)),
    ]
    return [{f"on {verdict.rows} rows": who, "model": model, verdict.metric: text} for who, model, text in rows]
