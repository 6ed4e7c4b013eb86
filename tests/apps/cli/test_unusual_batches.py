"""A batch that differs from those before it: said by ingest, status, the report and the notice."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.clients.commands import done
from tests.projects.small_project import a_day, deliver, make_project
from tiltyard.tasks.models import publish_artifacts
from tiltyard.workspace.workspace import Workspace

MOVED = "moved.csv"


def moved(day: int, rows: int = 200) -> str:
    """A day on which y lies higher than usual and every colour is blue."""
    frame = pl.read_csv(a_day(day, rows=rows).encode())
    return frame.with_columns(pl.col("y") + 5, colour=pl.lit("blue")).write_csv()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Three usual batches are in the pool, and one that is not usual arrived."""
    made = make_project(tmp_path / "small")
    for day in range(3):
        deliver(made, f"day-{day}.csv", a_day(day, rows=200))
    done("ingest", "-p", made.project_file.parent)
    deliver(made, MOVED, moved(3))
    return made


def test_ingest_status_and_report_name_the_columns_that_are_unusual(workspace: Workspace) -> None:
    project = workspace.project_file.parent
    told = done("ingest", "-p", project).out
    assert f"{MOVED}: unusual compared with earlier batches:" in told
    assert "'y': its values moved" in told
    assert "'colour': 'blue' is 100.0% of the cells" in told
    rows = {row["object"]: row["unusual"] for row in done("status", "-p", project, "--json").data["batches"]}
    assert set(rows.pop(MOVED).split(", ")) == {"y", "colour"}
    assert set(rows.values()) == {""}
    assert f"{MOVED}: unusual compared with earlier batches:" in done("status", "-p", project).out
    page = Path(done("report", "-p", project, "--json").data["report"]).read_text("utf-8")
    assert page.count("unusual compared with earlier batches:") == 1


def test_the_notice_of_a_checked_batch_names_them(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    project = str(workspace.project_file.parent)
    done("ingest", "-p", project)
    said: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(publish_artifacts, "create_table_artifact", lambda *_, **__: None)
    monkeypatch.setattr(publish_artifacts, "announce", lambda _w, _e, text, **facts: said.append((text, facts)))
    ids = [batch.batch_id for batch in workspace.ledger.batches.all()]
    publish_artifacts.publish_validation.fn(project, ids)
    ((text, facts),) = said
    assert f"{MOVED}: unusual in " in text
    assert set(facts["unusual"]) == {MOVED}


def test_what_lasts_is_usual_after_a_while(workspace: Workspace) -> None:
    project = workspace.project_file.parent
    for day in range(4, 14):
        deliver(workspace, f"then-{day:02}.csv", moved(day))
    done("ingest", "-p", project)
    rows = {row["object"]: row["unusual"] for row in done("status", "-p", project, "--json").data["batches"]}
    assert rows[MOVED]
    assert rows["then-13.csv"] == ""
