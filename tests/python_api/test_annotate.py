"""Labels from a data frame: all rows or none, repeated cells store nothing, corrections count."""

from datetime import UTC, datetime

import pandas as pd
import polars as pl
import pytest

import tiltyard
from tests.python_api.conftest import annotate_queue

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def queue(project: tiltyard.Project) -> pd.DataFrame:
    project.ask(budget=4)
    return project.queue()


def test_labels_answer_the_queue(project: tiltyard.Project, queue: pd.DataFrame) -> None:
    before = len(project.annotations())
    result = project.annotate(queue.assign(label="yes"), by="ada", now=NOON)
    assert repr(result) == "AnnotateResult(stored=4, known=0, unlabeled=0)"
    stored = project.annotations().tail(4)
    assert len(project.annotations()) == before + 4
    assert project.queue().empty
    assert set(stored["annotator"]) == {"ada"}
    assert set(stored["recorded_at"]) == {pd.Timestamp(NOON)}
    assert set(stored["purpose"]) == set(queue["purpose"])
    assert sorted(stored["sample_id"]) == sorted(queue["sample_id"])


def test_a_cell_that_runs_again_stores_nothing(project: tiltyard.Project, queue: pd.DataFrame) -> None:
    rows = queue.assign(label="yes")
    project.annotate(rows, by="ada")
    assert repr(project.annotate(rows, by="ada")) == "AnnotateResult(stored=0, known=4, unlabeled=0)"
    assert project.annotate(rows, by="bea").stored == 4


def test_a_correction_counts_and_so_does_going_back_to_the_first_label(
    project: tiltyard.Project, queue: pd.DataFrame
) -> None:
    sample = queue["sample_id"][0]
    for label in ("yes", "no", "yes", "no"):
        assert project.annotate(pd.DataFrame({"sample_id": [sample], "label": [label]}), by="ada").stored == 1
        labels = project.labels().set_index("sample_id")["label"]
        assert labels[sample] == label


def test_polars_rows_without_a_label_are_left_out(project: tiltyard.Project, queue: pd.DataFrame) -> None:
    rows = pl.from_pandas(queue).with_columns(label=pl.Series(["yes", None, "", "no"]))
    assert repr(project.annotate(rows, by="ada")) == "AnnotateResult(stored=2, known=0, unlabeled=2)"


def test_acts_notes_and_annotators_are_columns(project: tiltyard.Project, queue: pd.DataFrame) -> None:
    rows = pd.DataFrame(
        {
            "sample_id": queue["sample_id"].head(2),
            "act": ["skip", "flag"],
            "note": ["", "cut off"],
            "annotator": ["ada", "bea"],
        }
    )
    assert project.annotate(rows, by="nobody").stored == 2
    stored = project.annotations().tail(2)
    assert stored[["annotator", "act", "note"]].values.tolist() == [["ada", "skip", ""], ["bea", "flag", "cut off"]]


def test_samples_may_be_named_by_a_reference_column(project: tiltyard.Project, queue: pd.DataFrame) -> None:
    rows = queue[["row_id"]].assign(label="no")
    assert project.annotate(rows, by="ada", key="row_id").stored == 4
    assert project.queue().empty


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"label": "perhaps"}, r"row 2: .*'perhaps' is not a class"),
        ({"sample_id": "feed"}, r"row 2: no sample with sample_id 'feed' is in the pool"),
        ({"act": "sing"}, r"row 2: 'sing' is not an act"),
        ({"said_at": "noon"}, r"row 2: said_at: 'noon' is not a time in ISO 8601"),
    ],
)
def test_one_bad_row_stores_none(
    changed: dict[str, str], words: str, project: tiltyard.Project, queue: pd.DataFrame
) -> None:
    before = len(project.annotations())
    rows = queue.assign(label="yes")
    for name, value in changed.items():
        rows[name] = pd.Series(_with(rows, name, value), dtype="object")
    with pytest.raises(tiltyard.TiltyardError, match=f"nothing was stored: 1 of 4 rows were refused: {words}"):
        project.annotate(rows, by="ada")
    assert len(project.annotations()) == before


def _with(rows: pd.DataFrame, name: str, value: str) -> "list[str | None]":
    """A column with another value in its third row."""
    values: list[str | None] = list(rows[name]) if name in rows else [None] * len(rows)
    values[2] = value
    return values


def test_a_repeated_row_is_stored_once(project: tiltyard.Project, queue: pd.DataFrame) -> None:
    rows = pd.concat([queue, queue]).assign(label="no")
    assert repr(project.annotate(rows, by="ada")) == "AnnotateResult(stored=4, known=4, unlabeled=0)"


def test_two_labels_for_one_sample_are_refused(project: tiltyard.Project, queue: pd.DataFrame) -> None:
    sample = queue["sample_id"][0]
    rows = pd.DataFrame({"sample_id": [sample, sample], "label": ["yes", "no"]})
    with pytest.raises(tiltyard.TiltyardError, match=f"two labels for sample {sample} by ada; keep one row"):
        project.annotate(rows, by="ada")
    assert project.queue()["sample_id"].tolist() == queue["sample_id"].tolist()


@pytest.mark.parametrize(
    ("rows", "by", "key", "words"),
    [
        (pd.DataFrame({"sample_id": ["a"]}), "ada", "sample_id", "no column 'label'; it needs 'sample_id' and 'label'"),
        (pd.DataFrame({"label": ["yes"]}), "ada", "sample_id", "no column 'sample_id'"),
        (pd.DataFrame({"sample_id": ["a"], "label": ["yes"]}), " ", "sample_id", "by: name the annotator"),
        (pd.DataFrame({"row": ["a"], "label": ["yes"]}), "ada", "row", "samples cannot be identified by 'row'"),
    ],
)
def test_what_is_needed_is_named(rows: pd.DataFrame, by: str, key: str, words: str, project: tiltyard.Project) -> None:
    with pytest.raises(tiltyard.TiltyardError, match=words):
        project.annotate(rows, by=by, key=key)


def test_labels_come_back_from_a_file(project: tiltyard.Project, queue: pd.DataFrame) -> None:
    annotate_queue(project)
    written = project.export_labels("labels.csv")
    assert written == len(project.annotations())
    with pytest.raises(tiltyard.TiltyardError, match="already exists"):
        project.export_labels("labels.csv")
    assert project.export_labels("labels.csv", overwrite=True) == written
    again = project.import_labels("labels.csv")
    assert repr(again) == f"ImportResult(lines={written}, stored=0, known={written}, refused=0)"
    pd.DataFrame({"sample_id": [queue["sample_id"][0], "feed"], "label": ["no", "no"]}).to_csv("own.csv", index=False)
    own = project.import_labels("own.csv", by="bea").imported
    assert (own.stored, [one.line for one in own.refused]) == (1, [3])
