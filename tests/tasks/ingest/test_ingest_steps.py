"""The steps that take data in and ask for labels, on real stores."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.projects.small_project import CONTENT, a_day, answer_queue, deliver, make_project
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.schemas.records import Batch
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.training_due import training_due
from tiltyard.workspace.workspace import Workspace, open_workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_project(tmp_path)


def ingest(workspace: Workspace) -> list[Batch]:
    project = str(workspace.project_file.parent)
    land_objects.fn(project)
    return [workspace.ledger.batches.get(check_batch.fn(project, one)) for one in objects_to_check.fn(project)]


def project_of(workspace: Workspace) -> str:
    return str(workspace.project_file.parent)


def with_changes(workspace: Workspace, **changes: object) -> Workspace:
    """The workspace after the user edited the project file."""
    workspace.project_file.write_text(yaml.safe_dump({**CONTENT, **changes}), "utf-8")
    return open_workspace(workspace.project_file)


def test_all_rows_of_an_entity_evaluate_or_none_does(tmp_path: Path) -> None:
    columns = {**CONTENT["columns"], "context": {"branch": {"kind": "integer"}}, "entity": "branch"}  # type: ignore[dict-item]  # a mapping, as written there
    workspace = make_project(tmp_path, columns=columns)
    for day in range(2):
        head, *rows = a_day(day, rows=200).splitlines()
        deliver(
            workspace,
            f"day-{day}.csv",
            "\n".join([f"{head},branch", *[f"{row},{n % 40}" for n, row in enumerate(rows)]]),
        )
        ingest(workspace)
    pooled = pl.concat(workspace.pool.scan(workspace.pool_files(), 1000))
    sides = pooled.group_by("branch").agg(pl.col("evaluation").n_unique(), pl.len())
    assert sides["evaluation"].to_list() == [1] * 40
    assert pooled.height == 400
    assert 0 < pooled["evaluation"].sum() < 400


def test_each_row_ends_in_one_place(workspace: Workspace) -> None:
    day = a_day(0, rows=50)
    repeated = day + day.splitlines()[1].rsplit(",", 1)[0] + ",another-id\n"
    bad = repeated + "250,1,red,x1\n" + "1,one,red,x2\n" + "1,1,mauve,x3\n" + "1,1,red\n"
    deliver(workspace, "day.csv", bad)
    (batch,) = ingest(workspace)
    assert (batch.state, batch.read) == ("accepted", 55)
    assert (batch.accepted, batch.quarantined, batch.duplicate) == (50, 4, 1)
    assert batch.quarantine_file is not None
    reasons = workspace.quarantine.read(batch.quarantine_file)["reasons"].to_list()
    for word, reason in zip(("x", "y", "colour", "4"), reasons, strict=True):
        assert word in reason
    assert workspace.ledger.batches.conservation().holds


def test_a_redelivered_object_and_one_seen_again_change_nothing(workspace: Workspace) -> None:
    deliver(workspace, "day.csv", a_day(0))
    ingest(workspace)
    position = workspace.ledger.position()
    deliver(workspace, "day.csv", a_day(0))
    assert ingest(workspace) == []
    assert ingest(workspace) == []
    assert workspace.ledger.position() == position


def test_the_same_rows_under_another_key_are_all_duplicates(workspace: Workspace) -> None:
    deliver(workspace, "day.csv", a_day(0))
    ingest(workspace)
    deliver(workspace, "again.csv", a_day(0))
    (batch,) = ingest(workspace)
    assert (batch.read, batch.accepted, batch.duplicate, batch.pool_file) == (60, 0, 60, None)


def test_a_new_content_under_an_old_key_is_a_new_object(workspace: Workspace) -> None:
    deliver(workspace, "day.csv", a_day(0))
    ingest(workspace)
    deliver(workspace, "day.csv", a_day(0) + "0.5,0.5,red,new\n")
    (batch,) = ingest(workspace)
    assert (batch.read, batch.accepted, batch.duplicate) == (61, 1, 60)


def test_a_batch_past_the_limit_is_refused_kept_and_taken_after_the_schema_is_mended(workspace: Workspace) -> None:
    content = a_day(0).replace("red", "crimson")
    deliver(workspace, "day.csv", content)
    (refused,) = ingest(workspace)
    assert (refused.state, refused.accepted, refused.quarantined) == ("refused", 0, 60)
    assert "the limit is 20.0%" in refused.reason
    assert ingest(workspace) == []  # it waits for a person
    same = check_batch.fn(project_of(workspace), refused.object_id)
    assert same == refused.batch_id  # under the same contract nothing changed

    columns = CONTENT["columns"]
    assert isinstance(columns, dict)
    features = {**columns["features"], "colour": {"kind": "category"}}
    mended = with_changes(workspace, columns={**columns, "features": features})
    retried = mended.ledger.batches.get(check_batch.fn(project_of(mended), refused.object_id))
    assert (retried.state, retried.attempt, retried.accepted, retried.quarantined) == ("accepted", 2, 60, 0)
    assert mended.ledger.batches.of_object(refused.object_id) == [refused, retried]
    assert mended.ledger.batches.conservation().holds


def test_a_retry_reads_only_what_quarantine_holds(workspace: Workspace) -> None:
    deliver(workspace, "day.csv", a_day(0) + "250,1,red,x1\n" + "350,1,red,x2\n")
    (first,) = ingest(workspace)
    columns = CONTENT["columns"]
    assert isinstance(columns, dict)
    features = {**columns["features"], "x": {"kind": "number", "max": 300}}
    mended = with_changes(workspace, columns={**columns, "features": features})
    second = mended.ledger.batches.get(check_batch.fn(project_of(mended), first.object_id))
    assert (first.accepted, first.quarantined) == (60, 2)
    assert (second.read, second.accepted, second.quarantined, second.duplicate) == (2, 1, 1, 0)
    conservation = mended.ledger.batches.conservation()
    assert (conservation.read, conservation.accepted, conservation.quarantined) == (62, 61, 1)
    assert conservation.holds


def test_an_object_that_cannot_be_read_is_a_batch_with_a_reason(workspace: Workspace) -> None:
    deliver(workspace, "broken.parquet", "PAR1 this is no parquet")
    deliver(workspace, "good.csv", a_day(0))
    broken, good = ingest(workspace)
    assert (broken.state, broken.read, good.accepted) == ("unreadable", 0, 60)
    assert "broken.parquet" in broken.reason or "parquet" in broken.reason
    assert "Traceback" not in broken.reason


def test_other_columns_refuse_the_whole_object_with_every_row_kept(workspace: Workspace) -> None:
    deliver(workspace, "day.csv", a_day(0).replace("colour", "color", 1))
    (batch,) = ingest(workspace)
    assert (batch.state, batch.read, batch.quarantined) == ("refused", 60, 60)
    assert "colour" in batch.reason


def test_labels_that_arrive_with_rows_are_kept_even_of_duplicates(tmp_path: Path) -> None:
    columns = CONTENT["columns"]
    assert isinstance(columns, dict)
    workspace = make_project(tmp_path, columns={**columns, "label": "answer"})
    head, *rows = a_day(0, rows=4).splitlines()
    first = [f"{head},answer", f"{rows[0]},yes", f"{rows[1]},", f"{rows[2]},no"]
    deliver(workspace, "a.csv", "\n".join(first) + "\n")
    deliver(workspace, "b.csv", "\n".join([f"{head},answer", f"{rows[1]},yes", f"{rows[3]},no"]) + "\n")
    one, two = ingest(workspace)
    assert (one.accepted, two.accepted, two.duplicate) == (3, 1, 1)
    annotations = workspace.ledger.annotations.until()
    assert sorted(str(a.label) for a in annotations) == ["no", "no", "yes", "yes"]
    assert {a.origin for a in annotations} == {"arrived"}


def test_a_label_that_arrives_again_in_another_object_is_kept_once(tmp_path: Path) -> None:
    columns = CONTENT["columns"]
    assert isinstance(columns, dict)
    workspace = make_project(tmp_path, columns={**columns, "label": "answer"})
    head, *rows = a_day(0, rows=3).splitlines()
    whole = "\n".join([f"{head},answer", *(f"{row},yes" for row in rows)]) + "\n"
    deliver(workspace, "january.csv", whole)
    ingest(workspace)
    first = workspace.ledger.annotations.until()
    deliver(workspace, "export.csv", whole)
    batch = ingest(workspace)[-1]
    assert (batch.state, batch.duplicate) == ("accepted", 3)
    assert workspace.ledger.annotations.until() == first


def test_the_label_that_arrived_last_holds_also_when_it_was_said_before(tmp_path: Path) -> None:
    columns = CONTENT["columns"]
    assert isinstance(columns, dict)
    workspace = make_project(tmp_path, columns={**columns, "label": "answer"})
    head, row = a_day(0, rows=1).splitlines()
    for number, label in enumerate(["yes", "no", "yes", "yes", "no"]):
        deliver(workspace, f"{number}.csv", f"{head},answer\n{row},{label}\n")
        ingest(workspace)
        (effective,) = effective_labels(workspace.ledger.annotations.until())
        assert effective.label == label
    assert [one.label for one in workspace.ledger.annotations.until()] == ["yes", "no", "yes", "no"]


def test_the_queue_is_filled_to_the_budget_and_not_beyond(workspace: Workspace) -> None:
    deliver(workspace, "day.csv", a_day(0))
    ingest(workspace)
    assert choose_samples.fn(project_of(workspace), 10)
    assert workspace.ledger.assignments.waiting_count() == 10
    assert choose_samples.fn(project_of(workspace), 10) is None
    assert choose_samples.fn(project_of(workspace), 14)
    assert workspace.ledger.assignments.waiting_count() == 14


def test_the_evaluation_set_is_asked_by_chance_and_never_queried(workspace: Workspace) -> None:
    deliver(workspace, "day.csv", a_day(0))
    ingest(workspace)
    choose_samples.fn(project_of(workspace), 1000)
    (chunk,) = workspace.pool.scan(workspace.pool_files(), 1000)
    marked = set(chunk.filter("evaluation")["sample_id"])
    waiting = workspace.ledger.assignments.waiting()
    assert {one.sample_id for one in waiting if one.purpose == "evaluation"} == marked
    assert {one.sample_id for one in waiting if one.purpose != "evaluation"} == set(chunk["sample_id"]) - marked
    assert len(waiting) == 60


def test_an_empty_pool_asks_nobody(workspace: Workspace) -> None:
    assert choose_samples.fn(project_of(workspace)) is None


def test_overlap_wants_several_annotators_for_each_sample(tmp_path: Path) -> None:
    workspace = make_project(tmp_path, query={"budget": 6, "overlap": 2})
    deliver(workspace, "day.csv", a_day(0))
    ingest(workspace)
    choose_samples.fn(project_of(workspace))
    ada = workspace.ledger.assignments.lease("ada", NOW, 100)
    bea = workspace.ledger.assignments.lease("bea", NOW, 100)
    assert {a.sample_id for a in ada} == {b.sample_id for b in bea}
    assert not {a.assignment_id for a in ada} & {b.assignment_id for b in bea}


def test_a_snapshot_holds_every_effective_label_and_is_named_by_its_content(workspace: Workspace) -> None:
    project = project_of(workspace)
    deliver(workspace, "day.csv", a_day(0))
    ingest(workspace)
    choose_samples.fn(project)
    answered = answer_queue(workspace, NOW)
    training, evaluation = snapshot_labels.fn(project, "training"), snapshot_labels.fn(project, "evaluation")
    assert snapshot_labels.fn(project, "training") == training
    sets = [workspace.labeled_rows(one) for one in (training, evaluation)]
    assert sum(one.height for one in sets) == answered
    assert not set(sets[0]["sample_id"]) & set(sets[1]["sample_id"])
    kept = workspace.ledger.models.get_set(training)
    assert sum(kept.classes.values()) == kept.rows == sets[0].height
    pooled = pl.concat(workspace.pool.scan(workspace.pool_files(), 1000))
    assert sets[0].join(pooled, on=["sample_id", "x", "y", "colour"], how="anti").is_empty()


def test_training_is_due_when_enough_is_new_and_says_why_not(workspace: Workspace) -> None:
    project = project_of(workspace)
    assert training_due.fn(project).why == "0 of 12 new annotations"
    deliver(workspace, "day.csv", a_day(0))
    ingest(workspace)
    choose_samples.fn(project)
    answer_queue(workspace, NOW)
    due = training_due.fn(project)
    assert due
    assert "24 new annotations" in due.why


def test_sealing_takes_each_fact_once(workspace: Workspace) -> None:
    project = project_of(workspace)
    deliver(workspace, "day.csv", a_day(0))
    ingest(workspace)
    assert seal_ledger.fn(project) == workspace.ledger.position()
    assert seal_ledger.fn(project) == 0
