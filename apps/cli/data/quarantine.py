"""``tiltyard quarantine``: the rows that were not accepted, the reasons, and a retry after a fix."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, say, show_json, show_table
from tiltyard.apps.cli.data.ingest import show_batches

if TYPE_CHECKING:
    from tiltyard.schemas.records import Batch
    from tiltyard.workspace.workspace import Workspace

SHOWN_REASONS, SHOWN_PER_ROW = 15, 3

quarantine = typer.Typer(no_args_is_help=True, help="Rows that were not accepted: list, show, retry.")

BatchName = Annotated[str, typer.Argument(metavar="BATCH", help="A batch's id, or the beginning of it.")]
Batches = Annotated[list[str] | None, typer.Argument(metavar="BATCH", help="Batches, by the beginning of their ids.")]
All = Annotated[bool, typer.Option("--all", help="Every batch that has rows in quarantine.")]
Limit = Annotated[int, typer.Option("--rows", min=1, help="How many rows to show.")]


@quarantine.command("list")
def list_batches(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """List the batches that have rows in quarantine, or that could not be read."""
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    rows = _rows(workspace, _quarantined(workspace))
    if as_json:
        show_json({"batches": rows})
    elif rows:
        show_batches(rows)
        say("Next: tiltyard quarantine show BATCH")
    else:
        say("No rows are in quarantine.")


@quarantine.command("show")
def show_batch(batch: BatchName, project: ProjectPath = HERE, rows: Limit = 20, as_json: AsJson = False) -> None:
    """Show a batch's quarantined rows: their lines, every reason, and the cells as they arrived."""
    from tiltyard.schemas.records import BatchId
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    found = workspace.ledger.batches.get(BatchId(batch))
    bad = _bad_rows(workspace, found)
    if as_json:
        show_json({"batch": _rows(workspace, [found])[0], "reasons": _count_reasons(bad), "rows": bad[:rows]})
    else:
        _show_batch(workspace, found, bad, rows)


@quarantine.command("retry")
def retry(batches: Batches = None, project: ProjectPath = HERE, every: All = False, as_json: AsJson = False) -> None:
    """Check quarantined rows again, after a fix in the project file or its Pandera schema.

    Only the quarantined rows are read again; the batch's first result stays on record.
    """
    from tiltyard.workspace.workspace import open_workspace

    if every == bool(batches):
        raise typer.BadParameter("name the batches to retry, or use --all")
    workspace = open_workspace(project)
    wanted = _quarantined(workspace) if every else _named(workspace, batches or [])
    waiting = [batch for batch in wanted if batch.contract_hash == workspace.contract_hash]
    checked = _check_again(workspace, str(project), [batch for batch in wanted if batch not in waiting])
    if as_json:
        show_json({"retried": _rows(workspace, checked), "unchanged": [batch.batch_id for batch in waiting]})
        return
    show_batches(_rows(workspace, checked))
    for batch in waiting:
        say(f"Batch {batch.batch_id[:8]} was already checked under the current contract; fix the project file first.")
    if not wanted:
        say("No rows are in quarantine.")


def _rows(workspace: "Workspace", batches: list["Batch"]) -> list[dict[str, Any]]:
    """A row for each batch: its object, and where its rows went."""
    from tiltyard.project.status import rows_of_batches

    return rows_of_batches(workspace, batches)


def _quarantined(workspace: "Workspace") -> list["Batch"]:
    """Each object's last batch, if it has rows in quarantine or could not be read."""
    return [batch for batch in workspace.ledger.batches.latest() if batch.quarantined or batch.state == "unreadable"]


def _named(workspace: "Workspace", names: list[str]) -> list["Batch"]:
    """The last attempts at the objects of the named batches."""
    from tiltyard.schemas.records import BatchId

    found = [workspace.ledger.batches.get(BatchId(name)) for name in names]
    return [workspace.ledger.batches.of_object(batch.object_id)[-1] for batch in found]


def _check_again(workspace: "Workspace", project: str, batches: list["Batch"]) -> list["Batch"]:
    """The new batches from checking some objects again."""
    if not batches:
        return []
    from tiltyard.tasks.ingest.check_batch import check_batch
    from tiltyard.tasks.maintenance.seal_ledger import seal_ledger

    made = [check_batch.fn(project, batch.object_id) for batch in batches]
    seal_ledger.fn(project)
    return [workspace.ledger.batches.get(batch_id) for batch_id in made]


def _bad_rows(workspace: "Workspace", batch: "Batch") -> list[dict[str, Any]]:
    """A batch's quarantined rows, with reasons and cells parsed."""
    if batch.quarantine_file is None:
        return []
    stored = workspace.quarantine.read(batch.quarantine_file).to_dicts()
    return [{**row, "reasons": json.loads(row["reasons"]), "raw": _cells(row["raw"])} for row in stored]


def _cells(raw: str) -> Any:
    """A row's cells by column if it could be parsed, else its text."""
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def _count_reasons(bad: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The number of rows for each reason, most frequent first, with the first value found."""
    counts: dict[tuple[str, str], dict[str, Any]] = {}
    for row in bad:
        for reason in row["reasons"]:
            place = (reason["column"], reason["check"])
            fresh = {"column": place[0], "must be": place[1], "rows": 0, "for example": reason["value"]}
            counts.setdefault(place, fresh)["rows"] += 1
    return sorted(counts.values(), key=lambda row: -int(row["rows"]))


def _show_batch(workspace: "Workspace", batch: "Batch", bad: list[dict[str, Any]], limit: int) -> None:
    """Show a batch's reasons by frequency, then its first rows."""
    show_batches(_rows(workspace, [batch]))
    if not bad:
        say("None of its rows are in quarantine.")
        return
    reasons = _count_reasons(bad)
    show_table(reasons[:SHOWN_REASONS], "Reasons", hide=["column"])
    if len(reasons) > SHOWN_REASONS:
        say(f"... and {len(reasons) - SHOWN_REASONS} more reasons")
    show_table([_row_line(row) for row in bad[:limit]], f"The first {min(limit, len(bad))} of {len(bad):,} rows")
    say(f"Fix the project file, then: tiltyard quarantine retry {batch.batch_id[:8]}")


def _row_line(row: dict[str, Any]) -> dict[str, Any]:
    """One bad row as a line of a table."""
    from tiltyard.project.tables import reason_sentence

    told = [reason_sentence(**reason) for reason in row["reasons"]]
    more = f"; and {len(told) - SHOWN_PER_ROW} more" if len(told) > SHOWN_PER_ROW else ""
    place = row["line"] if row["line"] is not None else row["row"]
    return {"line": place, "why": "; ".join(told[:SHOWN_PER_ROW]) + more}
