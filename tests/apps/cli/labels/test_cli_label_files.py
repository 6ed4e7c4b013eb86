"""Labels in files: out and in again without loss, once, and every bad line named."""

import csv
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clients.commands import done, tiltyard
from tests.projects.small_project import a_day, answer_queue, deliver, make_project
from tiltyard.labels.annotations import annotation_id
from tiltyard.labels.files.file_import import plan_full_import
from tiltyard.labels.files.spreadsheets import escape_formula, escape_formulas_in_json, unescape_formula
from tiltyard.schemas.canonical import canonical_json, digest, parse_json
from tiltyard.schemas.records import Annotation, AnnotationId, AssignmentId, ModelId, NewAnnotation, SampleId
from tiltyard.stores.files.label_files import read_labels, write_labels
from tiltyard.workspace.workspace import Workspace

ODD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20) | st.sampled_from(
    [
        "=1+1",
        "'",
        "''",
        "'=x",
        "a\r\nb",
        "a\rb",
        "\n",
        "\t",
        '"',
        ',"',
        "-1",
        "@x",
        "a;=1+1",
        "a\n-1,@x|+y",
        "\u2028",
        "\ufeff",
        "",
        " ",
        "null",
    ]
)
MOMENTS = st.datetimes(
    datetime(1971, 1, 1),
    datetime(2199, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
PAYLOADS = st.dictionaries(
    ODD, st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | ODD | NUMBERS, max_size=4
)


@st.composite
def annotations(draw: st.DrawFn) -> Annotation:
    """Any annotation that a ledger could hold."""
    key, payload = draw(ODD.filter(bool)), draw(PAYLOADS)
    text = st.none() | ODD
    return Annotation(
        seq=draw(st.integers(0, 2**53)), annotation_id=annotation_id(key), client_key=key, annotator=draw(ODD),
        act=draw(st.sampled_from(["label", "skip", "cant_tell", "flag", "withdraw", "adjudicate"])),
        sample_id=SampleId(draw(ODD)), label=draw(text), note=draw(ODD),
        supersedes=draw(st.none() | st.just(AnnotationId("a"))),
        assignment_id=draw(st.none() | st.just(AssignmentId("b"))),
        purpose=draw(st.sampled_from(["query", "random", "evaluation", "import"])), strategy=draw(ODD),
        score=draw(NUMBERS), probability=draw(NUMBERS), model_id=draw(st.none() | st.just(ModelId("m"))),
        suggestion=draw(text), suggestion_visible=draw(st.booleans()), payload=payload, payload_hash=digest(payload),
        contract_hash=draw(ODD), lead_ms=draw(st.none() | st.integers(0, 10**9)), origin=draw(ODD),
        late=draw(st.booleans()), said_at=draw(MOMENTS), recorded_at=draw(MOMENTS),
    )  # fmt: skip


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
@given(facts=st.lists(annotations(), max_size=4, unique_by=lambda one: one.client_key))
@settings(max_examples=60, deadline=None)
def test_every_annotation_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, ending: str, facts: list[Annotation]
) -> None:
    file = tmp_path_factory.mktemp("labels") / f"labels.{ending}"
    assert write_labels(file, facts) == len(facts)
    found = read_labels(file)
    taken = plan_full_import(found.lines, {})
    assert (found.refused, taken.refused) == ([], [])
    assert taken.facts == facts


@given(ODD)
def test_no_cell_begins_like_a_formula_and_none_is_changed(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text
    assert not escape_formula(text).startswith(FORMULAS)


FORMULAS = ("=", "+", "-", "@", "\t", "\r")
SLY = st.text(st.sampled_from("=+-@'\"\t\r\n;,|a1 \uff1d\u200b"), max_size=12)


@given(SLY)
@settings(max_examples=500)
def test_no_locale_finds_the_beginning_of_a_formula(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text
    written = canonical_json({"x": text, text: [text, -1]})
    assert parse_json(escape_formulas_in_json(written)) == parse_json(written)
    for mark in (",", ";", "|", "\t", "\n"):
        cells = [cell.lstrip(' "\u200b') for cell in escape_formula(text).split(mark)]
        # A line break after a separator ends the row: what comes then is looked at as the next row's cell.
        assert not [cell for cell in cells if cell.startswith(FORMULAS[:4])]


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@given(facts=st.lists(annotations(), max_size=3, unique_by=lambda one: one.client_key))
@settings(max_examples=40, deadline=None)
def test_a_file_that_another_locale_opens_holds_no_formula(
    tmp_path_factory: pytest.TempPathFactory, ending: str, facts: list[Annotation]
) -> None:
    file = tmp_path_factory.mktemp("labels") / f"labels.{ending}"
    write_labels(file, facts)
    text = file.read_bytes().decode()
    for mark in (";", "|", "\t" if ending == "csv" else ";"):
        cells = [cell.strip(' "') for line in text.splitlines() for cell in line.split(mark)]
        assert not [cell for cell in cells if cell.startswith(FORMULAS[:4])]
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="," if ending == "csv" else "\t"))
    texts = [
        cell for row in rows for name, cell in row.items() if name not in {"score", "probability", "seq", "lead_ms"}
    ]
    assert not [cell for cell in texts if cell.startswith(FORMULAS)]


@pytest.fixture
def labeled(tmp_path: Path) -> Workspace:
    """A project with labels from the queue, a correction, a skip, a withdrawal and an odd remark."""
    workspace = make_project(tmp_path / "one")
    deliver(workspace, "day-1.csv", a_day(1))
    done("ingest", "-p", tmp_path / "one")
    done("ask", "-p", tmp_path / "one")
    done("label", "--annotator", "=bea", "-p", tmp_path / "one", lines='f =HYPERLINK("x"),\ny\nu\nn\ns\nq\n')
    answer_queue(workspace, workspace.clock())
    return workspace


def emptied(workspace: Workspace) -> Path:
    """The same project without a workspace, elsewhere."""
    other = workspace.project_file.parent.parent / "two"
    other.mkdir()
    (other / "project.yaml").write_text(workspace.project_file.read_text())
    return other


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_an_export_restores_every_fact_in_an_empty_ledger_once(labeled: Workspace, ending: str, tmp_path: Path) -> None:
    file, other = tmp_path / f"labels.{ending}", emptied(labeled)
    count = labeled.ledger.annotations.count()
    assert done("export-labels", file, "-p", labeled.project_file, "--json").data["annotations"] == count
    assert done("import-labels", file, "-p", other, "--json").data["stored"] == count
    again = done("import-labels", file, "-p", other, "--json").data
    assert (again["stored"], again["known"], again["refused"]) == (0, count, [])
    restored = make_project(other).ledger.annotations.until()
    assert [_without_seq(one) for one in restored] == [_without_seq(one) for one in labeled.ledger.annotations.until()]
    assert done("verify", "-p", other, "--json").data["sound"] is True


def _without_seq(annotation: Annotation) -> dict[str, Any]:
    """What an annotation says; its position, and that it was imported, are the ledger's own."""
    own = {"seq", "origin", "imported_by", "recorded_at"}
    return {name: getattr(annotation, name) for name in Annotation.__dataclass_fields__ if name not in own}


def test_a_changed_payload_is_refused(labeled: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    done("export-labels", file, "-p", labeled.project_file)
    lines = file.read_text().splitlines()
    first = json.loads(lines[0])
    first["payload"]["x"] = 99
    file.write_text("\n".join([json.dumps(first), *lines[1:]]))
    told = tiltyard("import-labels", file, "-p", emptied(labeled), "--json")
    assert (told.code, len(told.data["refused"]), told.data["refused"][0]["line"]) == (2, 1, 1)
    assert "payload" in told.data["refused"][0]["why"]
    assert told.data["stored"] == len(lines) - 1


@pytest.fixture
def pooled(tmp_path: Path) -> Workspace:
    """A project with a pool, its queue filled."""
    workspace = make_project(tmp_path)
    deliver(workspace, "day-1.csv", a_day(1))
    done("ingest", "-p", tmp_path)
    done("ask", "-p", tmp_path)
    return workspace


def import_rows(workspace: Workspace, rows: list[list[str]], *more: str, name: str = "own.csv") -> Any:
    """A file made by hand, imported."""
    file = workspace.project_file.parent / name
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return tiltyard("import-labels", file, "-p", workspace.project_file, "--json", *more)


def test_a_file_made_by_hand_names_samples_by_reference(pooled: Workspace) -> None:
    rows = [["row_id", "label", "note", "colour"], ["1000", "yes", "sure", "red"], ["1001", "no", "", "red"]]
    told = import_rows(pooled, rows, "--by", "row_id", "--annotator", "cleo").data
    assert (told["stored"], told["ignored"]) == (2, ["colour"])
    first, second = pooled.ledger.annotations.until()
    assert (first.label, first.note, first.annotator, first.origin, first.late) == (
        "yes",
        "sure",
        "cleo",
        "import",
        False,
    )
    assert first.payload["row_id"] == "1000"
    assert first.said_at < second.said_at
    again = import_rows(pooled, rows, "--by", "row_id", "--annotator", "cleo").data
    assert (again["stored"], again["known"]) == (0, 2)


def test_an_import_answers_what_waits_and_keeps_the_evaluation_mark(pooled: Workspace) -> None:
    waiting = {one.sample_id: one for one in pooled.ledger.assignments.waiting()}
    marks = {row["sample_id"]: row["evaluation"] for chunk in pooled.pool.scan(pooled.pool_files(), 99)
             for row in chunk.iter_rows(named=True)}  # fmt: skip
    rows = [["sample_id", "label"], *([sample, "yes"] for sample in marks)]
    assert import_rows(pooled, rows).data["stored"] == 60
    assert pooled.ledger.assignments.waiting_count() == 0
    for one in pooled.ledger.annotations.until():
        asked = waiting.get(one.sample_id)
        assert one.purpose == (asked.purpose if asked else "evaluation" if marks[one.sample_id] else "import")
        assert one.assignment_id == (asked.assignment_id if asked else None)


def test_bad_lines_are_named_and_good_ones_stored(pooled: Workspace) -> None:
    rows = [
        ["row_id", "label", "said_at", "act", "client_key"],
        ["1000", "yes", "2025-05-01T09:30:00Z", "", "k1"],
        ["9", "yes", "", "", ""],
        ["1001", "yse", "", "", ""],
        ["1002", "no", "yesterday", "", ""],
        ["1003", "no", "2025-05-01T09:30:00", "", ""],
        ["1004", "", "", "", ""],
        ["1005", "", "", "skpi", ""],
        ["1006", "no", "", "", "k1"],
        ["1007", "no"],
        ["", "no", "", "", ""],
        ["1008", "", "", "skip", ""],
    ]
    told = import_rows(pooled, rows, "--by", "row_id")
    assert (told.code, told.data["stored"]) == (2, 2)
    why = {one["line"]: one["why"] for one in told.data["refused"]}
    assert why == {
        3: "no sample with row_id '9' is in the pool",
        4: "'yse' is not a class; did you mean 'yes'?",
        5: "said_at: 'yesterday' is not a time in ISO 8601, such as 2025-05-01T09:30:00Z",
        6: "said_at needs a time zone, got 2025-05-01T09:30:00",
        7: "label is empty",
        8: "'skpi' is not an act; did you mean 'skip'?",
        9: "client key 'k1' was stored before with another sample_id, label; "
        "a correction is a new annotation with a key of its own that supersedes the first",
        10: "2 cells where the header names 5 columns",
        11: "row_id is empty",
    }
    shown = tiltyard(
        "import-labels", pooled.project_file.parent / "own.csv", "--by", "row_id", "-p", pooled.project_file
    )
    assert shown.code == 2
    assert "0 new annotations, 2 already stored, 9 refused" in shown.out


@pytest.mark.parametrize(
    ("header", "by", "said"),
    [
        (["sample_id", "lable"], "sample_id", "no column 'label' among 'sample_id', 'lable'"),
        (["row_id", "label"], "sample_id", "no column 'sample_id' among 'row_id', 'label'; "
         "name the column of your own key with --by"),
        (["row_id", "label", "anotator"], "row_id", "unknown column 'anotator'; did you mean 'annotator'?"),
        (["row_id", "label"], "rowid", "samples cannot be identified by 'rowid'; did you mean 'row_id'?"),
        (["row_id", "row_id"], "row_id", "'own.csv': column 'row_id' appears twice"),
    ],
)  # fmt: skip
def test_a_wrong_header_refuses_the_file(pooled: Workspace, header: list[str], by: str, said: str) -> None:
    told = import_rows(pooled, [header, ["1000"] * len(header)], "--by", by)
    assert (told.code, told.data) == (2, {"error": said})


def test_one_reference_for_two_samples_is_refused(tmp_path: Path) -> None:
    workspace = make_project(tmp_path)
    deliver(workspace, "day.csv", "x,y,colour,row_id\n1,2,red,7\n2,2,red,7\n")
    done("ingest", "-p", tmp_path)
    told = import_rows(workspace, [["row_id", "label"], ["7", "yes"]], "--by", "row_id")
    assert told.data["refused"][0]["why"] == "row_id '7' stands for 2 samples of the pool; name them by sample_id"


def test_lines_that_say_the_same_twice_are_two_answers_each_time_the_same(pooled: Workspace) -> None:
    rows = [["row_id", "label", "annotator"], *[["1000", said, "ada"] for said in ("yes", "no", "yes")]]
    assert import_rows(pooled, rows, "--by", "row_id").data["stored"] == 3
    assert import_rows(pooled, rows, "--by", "row_id").data["known"] == 3


def test_a_spreadsheets_csv_and_json_lines_are_read(pooled: Workspace) -> None:
    folder = pooled.project_file.parent
    (folder / "excel.csv").write_bytes("\ufeffrow_id;label\r\n1000;yes\r\n".encode())
    (folder / "own.jsonl").write_text('{"row_id": 1001, "label": "no"}\n\n[1]\n{"row_id"\n')
    assert done("import-labels", folder / "excel.csv", "--by", "row_id", "-p", folder, "--json").data["stored"] == 1
    told = tiltyard("import-labels", folder / "own.jsonl", "--by", "row_id", "-p", folder, "--json")
    assert (told.code, told.data["stored"]) == (2, 1)
    assert [one["line"] for one in told.data["refused"]] == [3, 4]


def test_the_ledger_refuses_to_restore_what_was_tampered_with(pooled: Workspace) -> None:
    now = datetime(2025, 5, 1, tzinfo=UTC)
    new = NewAnnotation("k", "ada", "label", SampleId("s"), {"x": 1}, now, label="yes")
    (kept,) = pooled.ledger.annotations.submit([new], contract_hash="c", now=now)
    from dataclasses import replace

    from tiltyard.schemas.errors import AnnotationError

    assert pooled.ledger.annotations.restore([kept]) == 0
    for wrong in (replace(kept, label="no"), replace(kept, payload={"x": 2}), replace(kept, client_key="other")):
        with pytest.raises(AnnotationError):
            pooled.ledger.annotations.restore([wrong])
    assert pooled.ledger.annotations.count() == 1
