"""``tiltyard judge``: compare the challenger with the champion, or show what other gate settings would decide."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, format_cell, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.schemas.records import Model, Verdict
    from tiltyard.workspace.gate_evaluation import DryRun
    from tiltyard.workspace.workspace import Workspace

CAUTION: Final = (
    "Dry run: nothing was recorded, and no look was counted. Try settings before labels arrive: choosing the "
    "settings under which a model passes promotes it at random."
)

WhatIf = Annotated[bool, typer.Option("--what-if", help="Dry run: records nothing, counts no look.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="GATE.KEY=VALUE", help="With --what-if: use another gate setting."),
]
OfModel = Annotated[
    str | None,
    typer.Argument(metavar="MODEL", help="With --what-if: a model; default: the last trained.", show_default=False),
]


def judge(
    model: OfModel = None,
    what_if: WhatIf = False,
    settings: Settings = None,
    project: ProjectPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Compare the challenger with the champion on the same evaluation rows, and record the verdict.

    Each look at a challenger is counted and needs stronger evidence than the one before. A challenger is judged again
    only when labels that its verdict requested have arrived. Only 'tiltyard promote' changes the champion. With
    --what-if a model is judged again under other settings, and the differences are shown.
    """
    if model and "=" in model:
        setting = f"gate.{model.removeprefix('gate.')}"
        raise typer.BadParameter(f"{model!r} is a setting; use --what-if --set {setting!r}", param_hint="judge")
    if what_if:
        judge_what_if(project, model, settings or [], as_json)
    elif model or settings:
        raise typer.BadParameter("only a dry run takes a model or settings; use --what-if", param_hint="judge")
    else:
        _judge(str(project), as_json)


def _judge(where: str, as_json: bool) -> None:
    """Judge the challenger that awaits a verdict, and show the verdict."""
    from tiltyard.project.opening import open as open_project

    verdict = open_project(where).judge().verdict
    if as_json:
        show_json({"judged": verdict is not None, "verdict": verdict})
    elif verdict is None:
        say("No challenger awaits a verdict. Next: tiltyard train")
    else:
        show_verdict(verdict)
        say(f"With charts: tiltyard report {verdict.verdict_id[:8]}")
        say("Next: tiltyard promote" if verdict.decision == "promote" else "The champion stays. Next: tiltyard ask")


def show_verdict(verdict: "Verdict") -> None:
    """Show a verdict: the decision, then both models' scores, then every check."""
    from tiltyard.reports.tables import check_rows

    say(f"Verdict {verdict.verdict_id[:8]}: {verdict.decision}. {verdict.reason}")
    show_table(_compared(verdict))
    show_table([{**row, "why": format_cell(row["why"])} for row in check_rows(verdict.checks)])


def _compared(verdict: "Verdict") -> list[dict[str, Any]]:
    """Challenger, champion and gain as rows."""
    from tiltyard.reports.tables import interval_text

    rows = [
        ("challenger", verdict.challenger_id[:8], interval_text(verdict.challenger)),
        ("champion", (verdict.champion_id or "none")[:8], interval_text(verdict.champion)),
        ("gain", "", interval_text(verdict.gain, signed=True)),
    ]
    return [{f"on {verdict.rows} rows": who, "model": model, verdict.metric: text} for who, model, text in rows]


def judge_what_if(project: Path, model: str | None, settings: list[str], as_json: bool) -> None:
    """Judge a model again without recording anything, and show the differences from its recorded verdict."""
    from tiltyard.gate.what_if import changed_checks, changed_settings, with_settings
    from tiltyard.workspace.gate_evaluation import dry_run
    from tiltyard.workspace.lookup import find_model
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    tried, chosen = with_settings(workspace.project, settings), find_model(workspace, model or "challenger")
    found = dry_run(workspace, chosen, tried, _evaluation_set(workspace, chosen, str(project)))
    policy, recorded = tried.gate.model_dump(mode="json"), found.recorded
    data = {
        "dry_run": True,
        "model": found.model.model_id,
        "recorded": recorded,
        "tried": found.judgement,
        "settings": changed_settings(recorded.policy, policy) if recorded else [],
        "checks": changed_checks(recorded.checks if recorded else (), found.judgement.checks),
    }
    if as_json:
        show_json(data)
    else:
        _show_what_if(found, data["settings"], data["checks"])


def _evaluation_set(workspace: "Workspace", model: "Model", where: str) -> str:
    """The evaluation set for a model without a verdict: the current labels, pinned as for any judgement."""
    from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
    from tiltyard.workspace.gate_evaluation import recorded_verdict

    return "" if recorded_verdict(workspace, model) else snapshot_labels.fn(where, "evaluation")


def _show_what_if(found: "DryRun", settings: Any, checks: Any) -> None:
    """Show both decisions, the changed settings and the changed checks."""
    recorded, judgement, model = found.recorded, found.judgement, found.model.model_id[:8]
    if recorded is None:
        say(f"Model {model} has no verdict yet; the gate would decide {judgement.decision}. {judgement.reason}")
    else:
        say(f"Verdict {recorded.verdict_id[:8]} on {model} decided {recorded.decision}. {recorded.reason}")
        say(f"It would decide {judgement.decision}. {judgement.reason}")
        show_table([{name: str(value) for name, value in row.items()} for row in settings], "Changed settings")
    show_table(checks, "Changed checks" if recorded else "Checks")
    if recorded and not checks:
        say("No check has a different outcome.")
    say(CAUTION)
