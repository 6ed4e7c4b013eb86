"""Label files as tools and people write them: each is read as what it is, each fault is told by its line."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.commands import done, tiltyard
from tests.projects.small_project import copied, deliver, make_project
from tiltyard.schemas.records import Annotation
from tiltyard.workspace.workspace import Workspace

CONTENT: dict[str, Any] = {
    "columns": {"id": "ticket", "features": {"text": {"kind": "text"}, "score": {"kind": "category"}}},
    "classes": ["billing", "shipping", "café", "1", "true", "false"],
    "candidates": [],
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with ten tickets, numbered as text from 1."""
    folder = tmp_path_factory.mktemp("desk") / "project"
    workspace = make_project(folder, **CONTENT)
    rows = "".join(f"{number},message {number},s\n" for number in range(1, 11))
    deliver(workspace, "day.csv", f"ticket,text,score\n{rows}")
    done("ingest", "-p", folder)
    return folder


@pytest.fixture
def desk(template: Path, tmp_path: Path) -> Workspace:
    """The project with ten tickets, and no label yet."""
    return copied(template, tmp_path / "project")


def take(desk: Workspace, name: str, content: str | bytes, by: str = "ticket") -> dict[str, Any]:
    """What the command says of a file; it always says something, and never that the fault is ours."""
    file = desk.project_file.parent / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    told = tiltyard("import-labels", file, "--by", by, "--annotator", "ada", "-p", desk.project_file, "--json")
    assert "bug in Tiltyard" not in told.err
    data: dict[str, Any] = told.data
    assert told.code == (2 if data.get("refused") or "error" in data else 0), data
    if "error" not in data:
        assert data["lines"] == data["stored"] + data["known"] + len(data["refused"]) + sum(data["left_out"].values())
    return data


def said(desk: Workspace) -> dict[str, str | None]:
    """The label of each ticket."""
    return {one.payload["ticket"]: one.label for one in kept(desk)}


def kept(desk: Workspace) -> list[Annotation]:
    """Every annotation."""
    return desk.ledger.annotations.until()


def why(data: dict[str, Any]) -> dict[int, str]:
    """The reasons by line."""
    return {one["line"]: one["why"] for one in data["refused"]}


def jsonl(*entries: object) -> str:
    """Entries as JSON Lines."""
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def test_prodigys_rejects_are_no_labels(desk: Workspace) -> None:
    base = {"text": "t", "label": "billing", "_input_hash": -1, "_task_hash": 7}
    answers = ["accept", "reject", "ignore", "Reject", None, "maybe"]
    entries = [{**base, "ticket": str(number), "answer": answer} for number, answer in enumerate(answers, start=1)]
    data = take(desk, "prodigy.jsonl", jsonl(*entries))
    assert data["left_out"] == {"reject": 2, "ignore": 1}
    assert why(data) == {6: "answer: 'maybe' is none of accept, reject, ignore"}
    assert said(desk) == {"1": "billing", "5": "billing"}
    assert data["ignored"] == ["text", "_input_hash", "_task_hash"]


def test_prodigys_answers_in_a_table_count_as_well(desk: Workspace) -> None:
    data = take(desk, "prodigy.csv", "ticket,label,answer\n1,billing,accept\n2,billing,reject\n3,shipping, IGNORE \n")
    assert (said(desk), data["left_out"]) == ({"1": "billing"}, {"reject": 1, "ignore": 1})


def test_a_column_called_answer_that_is_no_prodigys_is_not_looked_at(desk: Workspace) -> None:
    data = take(desk, "own.csv", "ticket,label,answer\n1,billing,forty-two\n2,shipping,no\n")
    assert (data["stored"], data["ignored"]) == (2, ["answer"])


def test_prodigys_choices_are_labels(desk: Workspace) -> None:
    options = [{"id": 7, "text": "billing"}, {"id": "shipping", "text": "Shipping"}]
    base = {"text": "t", "options": options, "answer": "accept", "_task_hash": 1}
    accepted: list[list[Any]] = [["shipping"], [7], [], [7, "shipping"]]
    entries = [{**base, "meta": {"ticket": number}, "accept": one} for number, one in enumerate(accepted, start=1)]
    data = take(desk, "choice.jsonl", jsonl(*entries, {**base, "meta": {}, "accept": ["shipping"]}))
    assert said(desk) == {"1": "shipping", "2": "billing"}
    assert data["left_out"] == {"without a label": 1}
    assert why(data) == {
        4: "label: 2 classes are named where one is wanted, got ['billing', 'shipping']",
        5: "ticket is empty",
    }


@pytest.mark.parametrize("column", ["label", "labels"])
def test_doccanos_lists_of_one_are_that_class(desk: Workspace, column: str) -> None:
    lists: list[list[Any]] = [["shipping"], ["billing", "shipping"], [], [[0, 5, "PER"]], [" shipping "]]
    entries = [
        {"id": 90 + number, "ticket": str(number), column: one, "Comments": []}
        for number, one in enumerate(lists, start=1)
    ]
    data = take(desk, "doccano.jsonl", jsonl(*entries))
    assert said(desk) == {"1": "shipping", "5": "shipping"}
    assert data["left_out"] == {"without a label": 1}
    assert why(data) == {
        2: "label: 2 classes are named where one is wanted, got ['billing', 'shipping']",
        4: "label: [0, 5, 'PER'] is not a text",
    }


def test_a_list_of_one_in_a_cell_is_that_class(desk: Workspace) -> None:
    take(desk, "cells.csv", 'ticket,label\n1,"[""shipping""]"\n2,[\'billing\']\n')
    assert said(desk) == {"1": "shipping", "2": "billing"}


def task(number: int, *annotations: dict[str, Any]) -> dict[str, Any]:
    """A task of Label Studio."""
    return {
        "id": number,
        "data": {"ticket": str(number), "text": "t", "note": 5},
        "annotations": list(annotations),
        "predictions": [],
    }


def chosen(*choices: str, **more: Any) -> dict[str, Any]:
    """An annotation of a task."""
    result = [{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": list(choices)}}]
    return {"id": 1, "completed_by": 4, "result": result, "updated_at": "2025-05-01T09:30:00.5Z", **more}


@pytest.mark.parametrize("indent", [None, 2])
def test_label_studios_tasks_are_read_with_each_answer(desk: Workspace, indent: int | None) -> None:
    tasks = [
        task(1, chosen("billing"), chosen("shipping", completed_by={"id": 5, "email": "bea@example.test"})),
        task(2, chosen("billing", was_cancelled=True)),
        task(3),
        task(4, chosen("billing", "shipping")),
        task(5, chosen()),
        task(77, chosen("billing")),
        task(6, {"completed_by": 4, "result": [{"type": "taxonomy", "value": {"taxonomy": [["billing"]]}}]}),
    ]
    data = take(desk, "tasks.json", json.dumps(tasks, indent=indent))
    assert [(one.annotator, one.label) for one in kept(desk)] == [
        ("label-studio:user 4", "billing"),
        ("label-studio:bea@example.test", "shipping"),
    ]
    assert data["left_out"] == {"skipped": 1, "without a label": 2}
    assert list(why(data)) == [4, 6, 7]
    assert why(data)[7] == "annotations: a result of type 'taxonomy' chooses no class; choices do"
    assert take(desk, "tasks.json", json.dumps(tasks, indent=indent))["known"] == 2


def test_label_studios_small_json_and_table_are_read(desk: Workspace) -> None:
    small = [{"ticket": "1", "text": "t", "id": 3, "label": "billing", "annotator": 4, "annotation_id": 8},
             {"ticket": "2", "label": {"choices": ["shipping"]}, "lead_time": 1.5}]  # fmt: skip
    assert take(desk, "small.json", json.dumps(small))["stored"] == 2
    head = "annotation_id\tannotator\tcreated_at\tid\tlabel\tlead_time\ttext\tticket\tupdated_at"
    table = f"{head}\n8\t4\t2025-05-01T09:30:00Z\t3\tbilling\t2.5\ta, b\t3\t2025-05-01T09:30:00Z\n"
    assert take(desk, "table.tsv", table)["stored"] == 1
    assert said(desk) == {"1": "billing", "2": "shipping", "3": "billing"}


def test_the_samples_own_columns_are_not_looked_at(tmp_path: Path) -> None:
    features = {name: {"kind": "category"} for name in ("text", "note", "act", "score", "late", "said")}
    workspace = make_project(tmp_path, **{**CONTENT, "columns": {"id": "ticket", "features": features}})
    deliver(workspace, "day.csv", f"ticket,{','.join(features)}\n1,a,b,c,d,e,f\n")
    done("ingest", "-p", tmp_path)
    data = take(workspace, "own.csv", f"ticket,{','.join(features)},label\n1,a,b,c,d,e,f,billing\n")
    assert (data["stored"], data["ignored"]) == (1, list(features))
    assert kept(workspace)[0].note == ""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("cafe\u0301", "café"),
        ("  billing\t", "billing"),
        ("1.0", "1"),
        (1.0, "1"),
        (1, "1"),
        (True, "true"),
        (False, "false"),
        ("True", "true"),
        ("FALSE", "false"),
        (["caf\u00e9"], "café"),
        ({"choices": ["billing"]}, "billing"),
    ],
)
def test_a_class_is_met_in_each_lossless_spelling(desk: Workspace, written: Any, meant: str) -> None:
    take(desk, "json.jsonl", jsonl({"ticket": "1", "label": written}))
    if isinstance(written, str):
        take(desk, "table.tsv", f'ticket\tlabel\n2\t"{written}"\n')
    assert set(said(desk).values()) == {meant}


@pytest.mark.parametrize("written", ["1.5", 1.5, 2, "on", 1e300, float("inf"), "billin\u0261", {"choice": "billing"}])
def test_what_is_no_class_is_refused(desk: Workspace, written: Any) -> None:
    assert list(why(take(desk, "json.jsonl", jsonl({"ticket": "1", "label": written})))) == [1]
    assert kept(desk) == []


@pytest.mark.parametrize("key", ["3", 3, 3.0, "3.0"])
def test_a_key_is_met_in_each_lossless_spelling(desk: Workspace, key: Any) -> None:
    take(desk, "json.jsonl", jsonl({"ticket": key, "label": "billing"}))
    assert said(desk) == {"3": "billing"}


@pytest.mark.parametrize(
    ("content", "stored", "refused"),
    [
        ('ticket,label,note\n1,billing,x\n2,shipping,"open\n3,billing,y\n4,billing,z\n', 1, 3),
        ('ticket,label,note\n1,"billing,x\n2,shipping,y\n', 0, 2),
        ('ticket,label,note\n1,billing,"open\n2,shipping,x\n3,billing,"late\n4,billing,z\n', 1, 2),
        ('ticket,label,note\n1,billing,"open\n2,shipping,x\n3,billing,"\n4,billing,z\n', 1, 2),
        ('ticket;label\n1;"billing\n2;shipping\n3;billing"\n4;billing\n', 1, 2),
        ('ticket,note,label\n1,"two\nlines","billing\n2,x,shipping\n', 0, 3),
        ('ticket,label,note\n1,billing,"a" b\n2,billing,z\n', 1, 2),
        ('ticket\tlabel\tnote\n1\tbilling\t"a \\" b"\n2\tbilling\tz\n', 1, 2),
    ],
)
def test_an_open_quote_is_refused_where_it_opens(desk: Workspace, content: str, stored: int, refused: int) -> None:
    data = take(desk, "quotes.tsv" if "\t" in content else "quotes.csv", content)
    assert (data["stored"], [one["line"] for one in data["refused"]]) == (stored, [refused])
    assert "quote" in data["refused"][0]["why"]


def test_quotes_that_are_closed_are_read(desk: Workspace) -> None:
    rows = ['1,billing,"two\nlines, and ""quotes"""', '2,shipping,5" wide', '"3","café",""', ",,", "4,billing,'tis"]
    data = take(desk, "quotes.csv", "sep=,\r\nticket, label ,note\r\n" + "\r\n".join(rows))
    assert (data["stored"], data["refused"]) == (4, [])
    assert [one.note for one in kept(desk)] == ['two\nlines, and "quotes"', '5" wide', "", "'tis"]


DEEP = '{"ticket": "1", "label": "billing", "meta": ' + "[" * 900 + "]" * 900 + "}"
BAD_LINES = {
    '{"ticket": "1", "label": "billing", "label": "shipping"}': "key 'label' stands twice in one object",
    '{"ticket": "1", "label": "billing", "meta": {"a": 1, "a": 1}}': "key 'a' stands twice in one object",
    '{"ticket": "1", "label": "billing", "note": "a\\u0000b"}': "note: 'a\\x00b' holds a NUL; take it out",
    '{"ticket": "1", "label": "bill\\u0000ing"}': "label: 'bill\\x00ing' holds a NUL; take it out",
    '{"ticket": "1", "label": "\\ud800"}': "label: '\\ud800' holds half a character, U+D800; take it out",
    '{"ticket": "1", "label": "billing", "note": "\\udc00"}': "note: '\\udc00' holds half a character, "
    "U+DC00; take it out",
    '{"ticket": "\\ud800", "label": "billing"}': "ticket: '\\ud800' holds half a character, U+D800; take it out",
    '{"ticket": "1", "label": "billing", "\\ud800": 1}': "key '\\ud800' holds half a character, U+D800",
    '{"ticket": "1", "label": "billing", "annotator": "\\udfff"}': "annotator: '\\udfff' holds half a character, "
    "U+DFFF; take it out",
    '{"ticket": "1", "label": "billing", "said_at": "9999-12-31T23:59:59-05:00"}': "said_at: no clock "
    "says 9999-12-31T23:59:59-05:00; it must lie between 1970 and 2200",
    '{"ticket": "1", "label": "billing", "said_at": "0001-01-01T00:00:00+05:00"}': "said_at: no clock "
    "says 0001-01-01T00:00:00+05:00; it must lie between 1970 and 2200",
    '{"ticket": "1", "label": "billing", "said_at": "2025-13-01T00:00:00Z"}': "said_at: '2025-13-01T00:00:00Z' is not "
    "a time in ISO 8601, such as 2025-05-01T09:30:00Z",
    '{"ticket": "1", "label": ' + "9" * 5000 + "}": "an integer has 5,000 digits",
    '{"ticket": "1", "label": Infinity}': "label: inf is not a number",
    '{"ticket": "1", "label": NaN}': "label is empty",
    '{"ticket": "1", "label": "billing"': "not JSON: Expecting ',' delimiter at column 35",
    '"billing"': "expected a JSON object, got 'billing'",
    "[" * 100_000: "not JSON that can be read: values lie more than 64 deep",
    DEEP: "values lie more than 64 deep",
}


def test_a_bad_line_is_refused_in_a_sentence_and_the_rest_goes_on(desk: Workspace) -> None:
    lines = ['{"ticket": "2", "label": "shipping"}', *BAD_LINES, '{"ticket": "3", "label": "billing"}']
    data = take(desk, "bad.jsonl", "\n".join(lines))
    assert why(data) == dict(enumerate(BAD_LINES.values(), start=2))
    assert said(desk) == {"2": "shipping", "3": "billing"}


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.csv", b"ticket,label\n1,caf\xe9\n", "is not UTF-8: invalid continuation byte at byte 18 in line 2"),
        ("a.csv", "ticket\tlabel\n".encode("utf-16"), "is not UTF-8"),
        ("a.csv", b"", "there is no header"),
        ("a.csv", b'"ticket,label\n1,billing\n', "the header cannot be read: the quote that opens here is never"),
        ("a.json", b'[{"ticket": "1",]', "not JSON: "),
        ("a.json", b'"billing"', ""),
        ("a.json", b"[" * 100_000, "not JSON that can be read"),
        ("a.txt", b"", "a label file ends in .csv, .tsv, .jsonl, .ndjson, .json"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(desk: Workspace, name: str, content: bytes, error: str) -> None:
    data = take(desk, name, content)
    assert error in data["error"] if error else why(data) == {1: "expected a JSON object, got 'billing'"}


def test_json_lines_and_lists_are_told_apart_whatever_the_ending(desk: Workspace) -> None:
    one, two, three = ({"ticket": str(number), "label": "billing"} for number in (1, 2, 3))
    assert take(desk, "list.jsonl", json.dumps([one]))["stored"] == 1
    assert take(desk, "lines.json", jsonl(one, two))["stored"] == 1
    assert take(desk, "single.json", json.dumps(three, indent=1))["stored"] == 1


def test_a_header_of_another_form_and_columns_without_a_name_are_read(tmp_path: Path) -> None:
    columns = {"id": "num\u00e9ro", "features": {"text": {"kind": "text"}}}
    workspace = make_project(tmp_path, **{**CONTENT, "columns": columns})
    deliver(workspace, "day.csv", "num\u00e9ro,text\n1,a\n2,b\n")
    done("ingest", "-p", tmp_path)
    data = take(workspace, "mac.csv", ",nume\u0301ro,label,,\n0,1,billing,,\n,,,,\n", by="num\u00e9ro")
    assert (data["stored"], data["refused"]) == (1, [])
    assert (
        take(workspace, "mac.jsonl", jsonl({"nume\u0301ro": 2, "label": "shipping"}), by="num\u00e9ro")["stored"] == 1
    )
    many = {f"column {number}": 1 for number in range(2_000)}
    assert len(take(workspace, "wide.jsonl", jsonl(many), by="num\u00e9ro")["error"]) < 500
