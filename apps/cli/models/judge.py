"""``tiltyard judge``: challenger against champion."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import cell, say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.schemas.records import Verdict

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
        from tiltyard.apps.cli.models.trying import try_out

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
