"""Whatever a label file holds, each of its lines has one outcome, and none is a bug in Tiltyard."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.apps.cli.labels.test_label_shapes import CONTENT
from tests.clients.commands import done
from tests.clients.web import API, TestClient, bearer, serving
from tests.projects.made_queue import token_for
from tests.projects.small_project import deliver, make_project
from tiltyard.labels.files.file_format import Imported
from tiltyard.schemas.errors import AnnotationError, ObjectError
from tiltyard.tasks.labels.exchange_labels import import_labels
from tiltyard.workspace.workspace import Workspace

ENDINGS = {".csv": "text/csv", ".tsv": "text/tab-separated-values",
           ".jsonl": "application/x-ndjson", ".json": "application/json"}  # fmt: skip
NASTY = [
    "\0", "\ud800", "\udfff", "=1+1", "\x1b[2J", "\u202e", '"', "'", '"open', "a\nb", "a\r\n1,billing\r\n", "\u2028",
    "\ufeff", "9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+14:00", "2025-05-01T09:30:00", "2025-05-01T09:30:00Z",
    2**63, 2**70, -(2**70), 10**400, 1e300, float("nan"), float("inf"), -0.0, True, False, None, "", " ", [], {}, [[]],
    ["billing", "shipping"], {"choices": ["billing"]}, {"choices": 5}, {"id": 7}, "NaN", "[]", "[\"billing\"]", "{}",
    "withdraw", "skip", "label", "accept", "reject", "ignore", "import",
]  # fmt: skip
KEYS = st.sampled_from(["1", "2", 3, 4.0, "5.0", " 6", "77", None])
LABELS = st.sampled_from(["billing", "shipping", "cafe\u0301", 1, 1.0, True, "no class"])
SCALARS = st.sampled_from(NASTY) | st.text(max_size=6) | st.integers() | st.floats()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
FIELDS = st.sampled_from(
    ["label", "ticket", "annotator", "note", "said_at", "act", "client_key", "supersedes", "answer", "accept",
     "options", "meta", "data", "annotations", "labels", "text", "payload", "seq", "lead_ms", "\ud800", "late",
     "sample_id"]
)  # fmt: skip


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """An entry of some tool, with one or two values that are wrong."""
    key, label = draw(KEYS), draw(LABELS)
    shape = draw(st.integers(0, 5))
    result = [{"type": "choices", "value": {"choices": [label]}}]
    shapes: list[dict[str, Any]] = [
        {"ticket": key, "label": label},
        {"meta": {"ticket": key}, "label": label, "answer": "accept", "_task_hash": 1},
        {"ticket": key, "options": [{"id": 1, "text": label}], "accept": [1], "answer": "accept"},
        {"ticket": key, "label": [label], "Comments": []},
        {"id": 1, "data": {"ticket": key}, "annotations": [{"completed_by": 4, "result": result, "updated_at": None}]},
        {**draw(st.sampled_from(FACTS))},
    ]
    return shapes[shape] | draw(st.dictionaries(FIELDS, VALUES, max_size=2))


FACTS: list[dict[str, Any]] = [{}]
"""The lines of a whole export; filled once there is one."""


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """The bytes of a label file: JSON, lines or a table of odd values, now and then cut or scribbled over."""
    rows = draw(st.lists(entries(), max_size=5))
    written = draw(st.sampled_from(["lines", "list", "table"]))
    if written == "table":
        delimiter = draw(st.sampled_from(",;\t"))
        names = list(dict.fromkeys(name for row in rows for name in row)) or ["ticket", "label"]
        quote = draw(st.booleans())
        cells = [[_cell(row.get(name, ""), delimiter, quote) for name in names] for row in rows]
        text = "\n".join(delimiter.join(row) for row in [[_cell(name, delimiter, quote) for name in names], *cells])
    elif written == "list":
        text = json.dumps(rows, indent=draw(st.sampled_from([None, 1])))
    else:
        text = "\n".join(json.dumps(row) for row in rows)
    content = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(content)))
        content[place : place + draw(st.integers(0, 3))] = draw(
            st.sampled_from([b'"', b"\n", b"{", b"\xff", b",", b""])
        )
    return bytes(content)


def _cell(value: Any, delimiter: str, quote: bool) -> str:
    """A value as a cell, quoted as it should be or not at all."""
    text = value if isinstance(value, str) else json.dumps(value)
    needs = quote and any(mark in text for mark in (delimiter, '"', "\n", "\r"))
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if needs else text


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A project with ten tickets and one whole fact to be scribbled on."""
    folder = tmp_path_factory.mktemp("desk") / "project"
    workspace = make_project(folder, **CONTENT)
    rows = "".join(f"{number},message {number},s\n" for number in range(1, 11))
    deliver(workspace, "day.csv", f"ticket,text,score\n{rows}")
    done("ingest", "-p", folder)
    file = folder / "one.csv"
    file.write_text("ticket,label\n7,billing\n8,shipping\n")
    done("import-labels", file, "--by", "ticket", "-p", folder)
    done("export-labels", folder / "facts.jsonl", "-p", folder)
    FACTS[:] = [json.loads(line) for line in (folder / "facts.jsonl").read_text().splitlines()]
    return workspace


@pytest.fixture(scope="module")
def client(desk: Workspace) -> Iterator[TestClient]:
    """A server of the project."""
    with serving(desk.project_file) as client:
        yield client


@given(content=contents(), ending=st.sampled_from(list(ENDINGS)))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_each_line_has_one_outcome_and_none_is_a_fault_of_ours(desk: Workspace, content: bytes, ending: str) -> None:
    file = desk.project_file.parent / f"fuzzed{ending}"
    file.write_bytes(content)
    before = desk.ledger.annotations.count()
    try:
        taken: Imported = import_labels.fn(str(desk.project_file), str(file), "ticket", "ada")
    except (AnnotationError, ObjectError):
        assert desk.ledger.annotations.count() == before
        return
    outcomes = taken.stored + taken.known + len(taken.refused) + sum(taken.left_out.values())
    assert (taken.lines, desk.ledger.annotations.count() - before) == (outcomes, taken.stored)
    assert all(one.why.encode() and "\n" not in one.why for one in taken.refused)
    if ending in {".csv", ".tsv"}:
        last = content.count(b"\n") + content.count(b"\r") + 1
        assert all(1 <= one.line <= last for one in taken.refused)
    if ending == ".jsonl" and not content.lstrip().startswith(b"["):
        rows = [row for row in content.decode("utf-8-sig").split("\n") if row.strip()]
        assert taken.lines == sum(_answers(row) for row in rows)


def _answers(row: str) -> int:
    """How many outcomes a line has: one, or one an answer of a task in Label Studio."""
    try:
        entry = json.loads(row)
    except ValueError:
        return 1
    tasks = isinstance(entry, dict) and isinstance(entry.get("data"), dict) and entry.get("annotations")
    return len(tasks) if isinstance(tasks, list) and all(isinstance(one, dict) for one in tasks) else 1


@given(content=contents(), ending=st.sampled_from(list(ENDINGS)))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_api_answers_any_file_and_never_with_a_fault(
    desk: Workspace, client: TestClient, content: bytes, ending: str
) -> None:
    header = {**bearer(token_for(desk, "lea", "lead")), "Content-Type": ENDINGS[ending]}
    told = client.post(f"{API}/import", params={"by": "ticket"}, content=content, headers=header)
    assert told.status_code in {200, 409, 422}, told.text
    assert "bug in Tiltyard" not in told.text


@pytest.mark.parametrize("by", ["\0", "\ud800", "nothing", "x" * 300, ""])
def test_the_api_answers_any_key_column(desk: Workspace, client: TestClient, by: str) -> None:
    header = {**bearer(token_for(desk, "lea", "lead")), "Content-Type": "text/csv"}
    written = by.encode("utf-8", "surrogatepass")
    told = client.post(f"{API}/import", params={"by": written}, content=b"ticket,label\n", headers=header)
    assert told.status_code == 422, told.text


HALF, DEEP = '"\\ud800"', "[" * 5_000 + "]" * 5_000
ODD_BODIES = [
    HALF,
    str(2**70),
    "NaN",
    "-Infinity",
    "1e999",
    DEEP,
    '"\\u0000"',
    '"9999-12-31T23:59:59-14:00"',
    "9" * 5_000,
]
SAID = {"client_key": "kkkkkkkk", "sample_id": "s", "label": "billing", "said_at": "2025-05-01T09:30:00Z"}
PLACES: dict[str, dict[str, Any]] = {
    "annotations": {"annotations": [{**SAID, "act": "label", "assignment_id": "a", "ODD": "VALUE"}]},
    "adjudications": {**SAID, "ODD": "VALUE"},
    "gold": {"sample_id": "s", "label": "billing", "ODD": "VALUE"},
    "lease": {"count": 1, "have": [], "ODD": "VALUE"},
}
"""What is sent where; each field is written a second time with an odd value, and the last one counts."""


@pytest.mark.parametrize("place", PLACES)
def test_no_json_body_is_a_fault_of_ours(desk: Workspace, client: TestClient, place: str) -> None:
    header = {**bearer(token_for(desk, "lea", "lead")), "Content-Type": "application/json"}
    names = [name for name in ("sample_id", "note", "said_at", "lead_ms") if place != "lease"] or ["count", "have"]
    for body in [*ODD_BODIES, *(_with(place, name, odd) for name in names for odd in ODD_BODIES)]:
        told = client.post(f"{API}/{place}", content=body.encode(), headers=header)
        assert told.status_code in {200, 404, 409, 422}, (told.text, body[:300])


def _with(place: str, name: str, value: str) -> str:
    """A body with an odd value in one field."""
    return json.dumps(PLACES[place]).replace('"ODD": "VALUE"', f'"{name}": {value}')
