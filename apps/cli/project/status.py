"""``tiltyard status`` and ``tiltyard history``: where the project stands, and how it came there."""

from typing import TYPE_CHECKING, Any

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import minute, say, show_json, show_table
from tiltyard.apps.cli.data.ingest import rows_of, samples, tell_batches
from tiltyard.apps.cli.models.train import model_row
from tiltyard.apps.cli.project.standing import disputes_of, labels_read, standing_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tiltyard.schemas.records import ModelId
    from tiltyard.training.versioning import ModelVersion
    from tiltyard.workspace.workspace import Workspace

SHOWN_BATCHES = 12
SHOWN_CLASSES = 15
SHOWN_REASONS = 12


def status(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Show batches, pool, quarantine, queue, labels and champion, and what to do next."""
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    data = _status(workspace)
    if as_json:
        show_json(data)
    else:
        _tell_status(workspace, data)


def history(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """Show every model, verdict and move of the champion, first to last."""
    from tiltyard.reports.tables import promotion_rows, verdict_row
    from tiltyard.workspace.lookup import versions_of_all
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    ledger, versions = workspace.ledger, versions_of_all(workspace)
    labels = ledger.models.rows_by_set()
    models, verdicts, moves = ledger.models.all(), ledger.champions.verdicts(), ledger.champions.history()
    approvals = list(ledger.champions.approvals().values())
    if as_json:
        told = {"models": models, "versions": _as_data(versions), "verdicts": verdicts}
        show_json({**told, "approvals": approvals, "promotions": moves})
        return
    if not models:
        say("No model was trained yet. Next: tiltyard status")
        return
    told_models = [model_row(model, labels[model.training_id], versions[model.model_id]) for model in models]
    show_table(told_models, "Models", hide=["threshold"])
    for version in list(versions.values())[-SHOWN_REASONS:]:
        say(f"Version {version.number}, {version.step}: {version.why}")
    say("")
    rows = [{"verdict": one.verdict_id[:8], **verdict_row(one)} for one in verdicts]
    shown = ("verdict", "challenger", "champion", "rows", "gain", "decision")
    show_table([{name: row[name] for name in shown} for row in rows], "Verdicts")
    show_table([_move_row(row) for row in promotion_rows(moves)], "Champions")
    for one in approvals:
        say(
            f"Verdict {one.verdict_id[:8]} {'approved' if one.approved else 'declined'} by {one.reviewer}: {one.reason}"
        )
    for move in moves:
        say(f"Move {move.number}, {move.kind.replace('_', '-')}: {move.reason}")


def _as_data(versions: "Mapping[ModelId, ModelVersion]") -> list[dict[str, Any]]:
    """The versions of all models, for programs."""
    return [
        {"model": one.model_id, "number": one.number, "step": one.step, "why": one.why} for one in versions.values()
    ]


def _move_row(row: dict[str, Any]) -> dict[str, Any]:
    """A move of the champion, short enough for a line; its reason is told below the table."""
    return {name: value for name, value in row.items() if name not in {"at", "reason"}} | {"at": minute(row["at"])}


def _status(workspace: "Workspace") -> dict[str, Any]:
    """Everything that status tells."""
    from tiltyard.reports.next_step import next_step
    from tiltyard.workspace.checks.disk_usage import weights
    from tiltyard.workspace.lookup import labels_by_class
    from tiltyard.workspace.stopping import stopping_of

    ledger = workspace.ledger
    read = labels_read(workspace)
    labels = read.labels
    standing = standing_of(workspace, labels)
    rows = ledger.batches.conservation()
    return {
        "project": workspace.project.name,
        "batches": rows_of(workspace, ledger.batches.latest()),
        "rows": {**_as_dict(rows), "holds": rows.holds},
        "samples": samples(workspace),
        "queue": {purpose: ledger.assignments.waiting_count(purpose) for purpose in ("query", "random", "evaluation")},
        "annotations": ledger.annotations.count(),
        "disputes": disputes_of(workspace),
        "set_aside": [str(one) for one in ledger.annotations.set_aside()],
        "labels": labels_by_class(labels, workspace.project.class_names),
        "left_out": {"retired": read.retired, "unknown": read.unknown, "told": read.told},
        "champion": ledger.champions.current(),
        "training": standing.training,
        "question": standing.question,
        "stopping": stopping_of(workspace),
        "weights": weights(workspace),
        "arrived": standing.arrived,
        "left_alone": [{"object": one.key, "why": one.why} for one in workspace.left.all()],
        "refused": list(standing.refused),
        "next": next_step(standing),
    }


def _as_dict(record: Any) -> dict[str, Any]:
    """A record's fields by name."""
    from dataclasses import asdict

    return asdict(record)


def _tell_status(workspace: "Workspace", data: dict[str, Any]) -> None:
    """Show the status, the next step last, where the eye ends."""
    batches = data["batches"]
    older = len(batches) - SHOWN_BATCHES
    tell_batches(batches[-SHOWN_BATCHES:], f"Batches ({older} older ones not shown)" if older > 0 else "Batches")
    show_table(_facts(workspace, data))
    labeled = [row for row in data["labels"] if row["training"] or row["evaluation"]]
    show_table(sorted(labeled, key=_most_first)[:SHOWN_CLASSES], "Effective labels")
    if len(labeled) > SHOWN_CLASSES:
        say(f"... and {len(labeled) - SHOWN_CLASSES} more classes")
    if workspace.project.trusted:
        from tiltyard.apps.cli.project.health_checks import trust_warning

        say(f"Beware: {trust_warning(workspace.project.trusted)}.")
    for sentence in data["set_aside"][:SHOWN_REASONS]:
        say(f"Note: {sentence}.")
    say(f"Next: {data['next'].command} ({data['next'].why})")


def _most_first(row: dict[str, Any]) -> int:
    """Where a class stands in the table: those with most labels first."""
    return -int(row["training"] + row["evaluation"])


def _facts(workspace: "Workspace", data: dict[str, Any]) -> list[dict[str, Any]]:
    """The project's numbers as rows of a name and a sentence."""
    from tiltyard.workspace.checks.disk_usage import told_weights

    rows, queue, champion = data["rows"], data["queue"], data["champion"]
    kept = f"{rows['accepted']:,} accepted + {rows['quarantined']:,} quarantined + {rows['duplicate']:,} duplicate"
    sign = "=" if rows["holds"] else "IS NOT"
    training = sum(row["training"] for row in data["labels"])
    judging = sum(row["evaluation"] for row in data["labels"])
    said = {
        "rows": f"{rows['read']:,} read {sign} {kept}",
        "pool": f"{data['samples']:,} samples",
        "queue": f"{sum(queue.values())} wait: {queue['query']} by strategy, {queue['random']} by chance, "
        f"{queue['evaluation']} to judge on",
        "labels": f"{data['annotations']:,} annotations; effective: {training:,} to train on, {judging:,} to judge on",
        "disputes": f"{data['disputes']:,} samples wait for a ruling" if data["disputes"] else "none",
        "left out": data["left_out"]["told"],
        "training": ("due: " if data["training"] else "not due: ") + data["training"].why,
        "open question": data["question"] or "none",
        "champion": f"{champion.model_id[:8]}, move {champion.number}" if champion else "none yet",
        "stopping": data["stopping"].sentence,
        "weighs": told_weights(data["weights"]),
    }
    return [{workspace.project.name: name, "": sentence} for name, sentence in said.items() if sentence]
