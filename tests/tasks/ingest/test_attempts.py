"""Another attempt at an object, rows that are sent again: no row vanishes, and no mark is drawn twice."""

from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.projects.small_project import deliver, make_project
from tiltyard.ingest.attempts import conservation, row_numbering
from tiltyard.schemas.records import Batch
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.workspace.workspace import Workspace, open_workspace

COLUMNS = {"features": {"x": {"kind": "number"}, "t": {"kind": "text"}}}
READERS: dict[str, dict[str, Any]] = {
    "csv": {"format": "csv"},
    "semicolon": {"format": "csv", "csv": {"delimiter": ";"}},
    "quote": {"format": "csv", "csv": {"quote": "'"}},
    "jsonl": {"format": "jsonl"},
    "json": {"format": "json"},
    "missing": {"format": "csv", "csv": {"missing": ["", "NA"]}},
}
CONTENTS = {
    "commas": 'x,t\n1,"a\nb"\nbad,c\nNA,d\n4,e\n',
    "quotes": "x,t\n1,'a\nb'\nbad,\"c\n2,d\"\n",
    "semicolons": "x;t\n1;a,b\nbad;c\n3;d\n",
    "lines": '{"x": 1, "t": "a"}\n{"x": "bad", "t": "b"}\n\n{"x": 3, "t": "c"}\n',
}


def project_with(folder: Path, **changes: Any) -> Workspace:
    return make_project(folder, **{"columns": COLUMNS, "limits": {"bad_rows": 1.0}, **changes})


def ingest(workspace: Workspace) -> list[Batch]:
    place = str(workspace.project_file.parent)
    land_objects.fn(place)
    return [workspace.ledger.batches.get(check_batch.fn(place, one)) for one in objects_to_check.fn(place)]


def again(workspace: Workspace, **changes: Any) -> tuple[Workspace, Batch]:
    """The project file is edited, and the one object is checked again."""
    content = yaml.safe_load(workspace.project_file.read_text("utf-8"))
    workspace.project_file.write_text(yaml.safe_dump({**content, **changes}), "utf-8")
    opened = open_workspace(workspace.project_file)
    (landed,) = opened.ledger.batches.objects()
    return opened, opened.ledger.batches.get(check_batch.fn(str(opened.project_file.parent), landed.object_id))


def places(workspace: Workspace, last: Batch) -> int:
    """How many rows of the object are in the pool or in quarantine now."""
    held = workspace.quarantine.read(last.quarantine_file).height if last.quarantine_file else 0
    return held + sum(chunk.height for chunk in workspace.pool.scan(workspace.pool_files()))


OWN = {"commas": "csv", "quotes": "quote", "semicolons": "semicolon", "lines": "jsonl"}
"""The reader that each content was written for."""

PAIRS = [
    (content, *(pair if place % 2 else pair[::-1]))
    for place, (content, other) in enumerate(product(CONTENTS, READERS))
    if (pair := (OWN[content], other))
]


@pytest.mark.parametrize(("content", "first", "second"), PAIRS)
def test_no_row_vanishes_when_the_reader_changes_between_two_attempts(
    tmp_path: Path, content: str, first: str, second: str
) -> None:
    workspace = project_with(tmp_path / "two", source=READERS[first])
    deliver(workspace, "rows", CONTENTS[content])
    ingest(workspace)
    # Another column limit makes it another contract, so that the object is checked again whatever the reader.
    changed = {"features": {**COLUMNS["features"], "t": {"kind": "text", "max_length": 999}}}
    workspace, last = again(workspace, source=READERS[second], columns=changed)
    assert workspace.ledger.batches.conservation().holds
    fresh = project_with(tmp_path / "one", source=READERS[second], columns=changed)
    deliver(fresh, "rows", CONTENTS[content])
    (alone,) = ingest(fresh)
    if alone.state != "unreadable":
        ids = {row for chunk in workspace.pool.scan(workspace.pool_files()) for row in chunk["sample_id"]}
        wanted = {row for chunk in fresh.pool.scan(fresh.pool_files()) for row in chunk["sample_id"]}
        assert wanted <= ids
        assert last.quarantined <= alone.quarantined  # what was accepted once is not asked again
    assert places(workspace, last) >= places(fresh, alone)


def test_rows_in_quarantine_stay_when_a_later_attempt_cannot_read_the_object(tmp_path: Path) -> None:
    workspace = project_with(tmp_path, source=READERS["csv"])
    deliver(workspace, "rows", CONTENTS["commas"])
    (first,) = ingest(workspace)
    assert (first.accepted, first.quarantined) == (2, 2)
    workspace, broken = again(workspace, source={"format": "parquet"})
    assert (broken.state, broken.read, broken.quarantined) == ("unreadable", 2, 2)
    assert workspace.ledger.batches.conservation().holds
    workspace, last = again(workspace, source=READERS["missing"])
    assert (last.read, last.accepted, last.quarantined) == (2, 1, 1)
    assert workspace.ledger.batches.conservation() == conservation([workspace.ledger.batches.all()])
    assert workspace.ledger.batches.conservation().holds


def test_only_what_numbers_rows_makes_another_reading(tmp_path: Path) -> None:
    numbers = {
        name: row_numbering("rows", project_with(tmp_path / name, source=READERS[name]).project) for name in READERS
    }
    assert numbers["csv"] == numbers["missing"]
    assert len(set(numbers.values())) == len(numbers) - 1


LABELED = {"features": {"x": {"kind": "number"}}, "context": {"who": {"kind": "category"}}, "label": "y"}
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(0, 3),
        "share": st.sampled_from([0.05, 0.2, 0.5, 0.95]),
        "entity": st.sampled_from([None, "who"]),
        "again": st.booleans(),
    },
)


def marks(workspace: Workspace) -> dict[str, bool]:
    chunks = list(workspace.pool.scan(workspace.pool_files()))
    assert len(pl.concat(chunks)["sample_id"].unique()) == sum(chunk.height for chunk in chunks)
    return {row: mark for chunk in chunks for row, mark in chunk.select("sample_id", "evaluation").iter_rows()}


@settings(max_examples=8, deadline=None, phases=[Phase.generate])
@given(history=st.lists(CHANGES, min_size=2, max_size=4), data=st.data())
def test_a_mark_that_was_drawn_is_never_drawn_again(
    tmp_path_factory: pytest.TempPathFactory, history: list[dict[str, Any]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("marks")
    drawn: dict[str, bool] = {}
    sent: list[str] = []
    columns, share, seed = dict(LABELED), 0.5, 0
    for number, change in enumerate(history):
        seed, share = change.get("seed", seed), change.get("share", share)
        if "entity" in change:
            columns = {**LABELED, **({"entity": change["entity"]} if change["entity"] else {})}
        workspace = project_with(folder, columns=columns, seed=seed, evaluation={"share": share})
        rows = sent if change.get("again") else []
        fresh = [f"{number}.{row},e{row % 5},{'yes' if row % 2 else 'no'}" for row in range(8)]
        sent += fresh
        deliver(workspace, f"{number}.csv", "\n".join(["x,who,y", *rows, *fresh]))
        ingest(workspace)
        now = marks(workspace)
        assert {sample: now[sample] for sample in drawn} == drawn
        drawn = now
        said = workspace.ledger.annotations.until()
        assert all((one.purpose == "evaluation") == drawn[one.sample_id] for one in said)


def test_new_rows_of_a_known_entity_stay_on_its_side(tmp_path: Path) -> None:
    columns = {**LABELED, "entity": "who"}
    workspace = project_with(tmp_path, columns=columns, evaluation={"share": 0.5})
    deliver(workspace, "0.csv", "\n".join(["x,who,y", *[f"{row},e{row % 20},no" for row in range(100)]]))
    ingest(workspace)
    for number, (seed, share) in enumerate([(1, 0.5), (7, 0.9), (7, 0.1)], start=1):
        workspace = project_with(tmp_path, columns=columns, seed=seed, evaluation={"share": share})
        rows = [f"{number * 1000 + row},e{row % 25},no" for row in range(100)]
        deliver(workspace, f"{number}.csv", "\n".join(["x,who,y", *rows]))
        ingest(workspace)
    pooled = pl.concat(list(workspace.pool.scan(workspace.pool_files())))
    assert pooled.height == 400
    assert pooled.group_by("who").agg(pl.col("evaluation").n_unique())["evaluation"].to_list() == [1] * 25
