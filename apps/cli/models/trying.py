"""``tiltyard judge --what-if``: what the gate would say under other settings, beside what it said."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tiltyard.apps.cli.console.output import say, show_json, show_table

if TYPE_CHECKING:
    from tiltyard.schemas.records import Model
    from tiltyard.workspace.gate_evaluation import DryRun
    from tiltyard.workspace.workspace import Workspace

CAUTION: Final = (
    "Dry run: nothing was recorded, and it counts as no look. Try settings before labels are in: to choose those "
    "under which a model passes is to promote it by chance."
)


def try_out(project: Path, model: str | None, settings: list[str], as_json: bool) -> None:
    """Judge a model again without recording anything, and tell what would differ from its recorded verdict."""
    from tiltyard.gate.what_if import changed_checks, changed_settings, with_settings
    from tiltyard.workspace.gate_evaluation import dry_run
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
        _tell(found, data["settings"], data["checks"])


def _rows(workspace: "Workspace", model: "Model", where: str) -> str:
    """The evaluation set for a model that has no verdict: today's labels. They are pinned, as any judging pins them."""
    from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
    from tiltyard.workspace.gate_evaluation import recorded_verdict

    return "" if recorded_verdict(workspace, model) else snapshot_labels.fn(where, "evaluation")


def _tell(found: "DryRun", settings: Any, checks: Any) -> None:
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
