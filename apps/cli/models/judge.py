"""``tiltyard judge``: challenger against champion."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import cell, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.schemas.records import Model, Verdict
    from tiltyard.workspace.dry_run import DryRun
    from tiltyard.workspace.workspace import Workspace

CAUTION: Final = (
    "Dry run: nothing was recorded, and it counts as no look. Try settings before labels are in: to choose those "
    "under which a model passes is to promote it by chance."
)

WhatIf = Annotated[bool, typer.Option("--what-if", help="A dry run: nothing is recorded, no look is counted.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="GATE.KEY=VALUE", help="With --what-if: judge under another setting of the gate."),
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

    Each look at a challenger is counted and must convince more than the one before; it is looked at again only when
    labels that its verdict asked for have come. The champion is moved by 'tiltyard promote', never here. With
    --what-if a model is judged as it was, under other settings, and what would differ is shown.
    """
    if model and "=" in model:
        setting = f"gate.{model.removeprefix('gate.')}"
        raise typer.BadParameter(f"{model!r} is a setting; say --what-if --set {setting!r}", param_hint="judge")
    if what_if:
        try_out(project, model, settings or [], as_json)
    elif model or settings:
        raise typer.BadParameter("only a dry run takes a model or settings; say --what-if", param_hint="judge")
    else:
        _judge(str(project), as_json)


def _judge(where: str, as_json: bool) -> None:
    """Judge the challenger that awaits a verdict, and tell it."""
    from tiltyard.project.opening import open as open_project

    verdict = open_project(where).judge().verdict
    if as_json:
        show_json({"judged": verdict is not None, "verdict": verdict})
    elif verdict is None:
        say("No challenger awaits a verdict. Next: tiltyard train")
    else:
        tell_verdict(verdict)
        say(f"With pictures: tiltyard report {verdict.verdict_id[:8]}")
        say("Next: tiltyard promote" if verdict.decision == "promote" else "Nothing moves. Next: tiltyard ask")


def tell_verdict(verdict: "Verdict") -> None:
    """Show a verdict: the decision first, then what was compared, then every check."""
    from tiltyard.reports.tables import check_rows

    say(f"Verdict {verdict.verdict_id[:8]}: {verdict.decision}. {verdict.reason}")
    show_table(_compared(verdict))
    show_table([{**row, "why": cell(row["why"])} for row in check_rows(verdict.checks)])


def _compared(verdict: "Verdict") -> list[dict[str, Any]]:
    """Challenger, champion and gain as rows."""
    from tiltyard.reports.tables import interval_text

    rows = [
        ("challenger", verdict.challenger_id[:8], interval_text(verdict.challenger)),
        ("champion", (verdict.champion_id or "none")[:8], interval_text(verdict.champion)),
        ("gain", "", interval_text(verdict.gain, signed=True)),
    ]
    return [{f"on {verdict.rows} rows": who, "model": model, verdict.metric: text} for who, model, text in rows]


def try_out(project: Path, model: str | None, settings: list[str], as_json: bool) -> None:
    """Judge a model again without recording anything, and tell what would differ from its recorded verdict."""
    from tiltyard.gate.what_if import changed_checks, changed_settings, with_settings
    from tiltyard.workspace.dry_run import dry_run
    from tiltyard.workspace.lookup import find_model
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    tried, meant = with_settings(workspace.project, settings), find_model(workspace, model or "challenger")
    found = dry_run(workspace, meant, tried, _rows(workspace, meant, str(project)))
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
        _tell_what_if(found, data["settings"], data["checks"])


def _rows(workspace: "Workspace", model: "Model", where: str) -> str:
    """The evaluation set for a model that has no verdict: today's labels. They are pinned, as any judging pins them."""
    from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
    from tiltyard.workspace.dry_run import recorded_verdict

    return "" if recorded_verdict(workspace, model) else snapshot_labels.fn(where, "evaluation")


def _tell_what_if(found: "DryRun", settings: Any, checks: Any) -> None:
    """Both decisions, the settings that differ, and the checks that do."""
    recorded, judgement, model = found.recorded, found.judgement, found.model.model_id[:8]
    if recorded is None:
        say(f"Model {model} has no verdict yet; the gate would say {judgement.decision}. {judgement.reason}")
    else:
        say(f"Verdict {recorded.verdict_id[:8]} on {model} said {recorded.decision}. {recorded.reason}")
        say(f"It would say {judgement.decision}. {judgement.reason}")
        show_table([{name: str(value) for name, value in row.items()} for row in settings], "Settings that differ")
    show_table(checks, "Checks that differ" if recorded else "Checks")
    if recorded and not checks:
        say("No check comes to another outcome.")
    say(CAUTION)
