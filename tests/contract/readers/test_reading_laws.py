"""What holds for every object that can be written: rows are counted, values come back, formats agree."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiltyard.ingest.raw_batch import RawBatch
from tiltyard.ingest.validation import check_rows
from tiltyard.samples.identity import sample_ids
from tiltyard.schemas.project import Project, parse_project
from tiltyard.stores.readers import csv_strict as delimited
from tiltyard.stores.readers import handover
from tiltyard.stores.readers import sandbox as guarded
from tiltyard.stores.readers.child import handle_request
from tiltyard.stores.readers.format_detection import ENDINGS, WRITTEN
from tiltyard.stores.readers.formats import READERS
from tiltyard.stores.readers.handover import Request

COLUMNS = {"n": "number", "i": "integer", "c": "category", "t": "text"}
TYPES = {"n": pl.Float64, "i": pl.Int64, "c": pl.String, "t": pl.String}
PROJECT = parse_project(
    {
        "name": "p",
        "classes": ["a", "b"],
        "columns": {"features": {name: {"kind": kind} for name, kind in COLUMNS.items()}},
    },
    "p.yaml",
)


def request_for(folder: Path, name: str, content: bytes, **changes: Any) -> Request:
    """What the parent would ask of the child."""
    path = folder / name
    path.write_bytes(content)
    form = name.rpartition(".")[2], ""
    return replace(guarded._request(path, form, PROJECT, str(folder)), **changes)


def read_here(name: str, content: bytes) -> RawBatch:
    """The child's work, done in this process to save its start; nothing else differs."""
    with TemporaryDirectory() as folder:
        request = request_for(Path(folder), name, content)
        told = handle_request(request)
        assert "header" in told, told
        return guarded._taken_over(Path(folder), told, WRITTEN[request.format])


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "i": st.none() | st.integers(-(2**63), 2**63 - 1),
            "c": st.none() | st.sampled_from(["00007", "NA", "null", "1e3", " a", '"', "x\ty"]),
            "t": st.none() | TEXT,
        }
    ),
    min_size=1,
    max_size=12,
).map(
    lambda rows: (
        [row for row in rows if any(value is not None and str(value).strip(" \t\r\n") for value in row.values())]
        or [{"n": 1.0, "i": None, "c": None, "t": None}]
    )
)
"""Rows with a cell each: those without any are no rows."""


def written(rows: list[dict[str, Any]], names: list[str]) -> dict[str, bytes]:
    """The same rows in every format, columns in the order given."""
    frame = pl.DataFrame(rows, schema=TYPES).select(names)
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows([["" if row[name] is None else row[name] for name in names] for row in rows])
    table = io.BytesIO()
    pq.write_table(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), table)
    ordered = [{name: row[name] for name in names} for row in rows]
    return {
        "a.csv": text.getvalue().encode(),
        "a.json": json.dumps(ordered, indent=1).encode(),
        "a.jsonl": "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in ordered).encode(),
        "a.parquet": table.getvalue(),
    }


@given(ROWS, st.permutations(list(COLUMNS)))
def test_every_format_gives_the_same_values_and_the_same_ids(rows: list[dict[str, Any]], names: list[str]) -> None:
    wanted = pl.DataFrame(rows, schema=TYPES)
    ids = sample_ids(wanted, PROJECT).to_list()
    for name, content in written(rows, names).items():
        checked = check_rows(read_here(name, content), PROJECT)
        assert checked.bad.is_empty(), (name, checked.bad)
        assert checked.good.select(wanted.columns).equals(wanted), name
        assert sample_ids(checked.good, PROJECT).to_list() == ids, name


FIELDS = st.text(st.sampled_from('ab1,;\t "\r\n\0é.'), max_size=6)


@given(st.lists(FIELDS, max_size=12).map("\n".join), st.sampled_from(["", "\n", "\r\n"]))
def test_any_csv_text_ends_as_rows_that_are_counted_once(body: str, ending: str) -> None:
    raw = read_here("a.csv", f"n,i,c,t\n{body}{ending}".encode())
    checked = check_rows(raw, PROJECT)
    assert checked.read == checked.good.height + checked.bad.height
    assert sorted([*checked.good["row"], *checked.bad["row"]]) == list(range(checked.read))
    assert all(json.loads(listed) for listed in checked.bad["reasons"])


@given(
    st.lists(st.text(st.sampled_from("ab1,é. "), max_size=8), max_size=30),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from(["", "\ufeff"]),
)
def test_the_fast_and_the_strict_reader_give_the_same(lines: list[str], ending: str, last: bool, bom: str) -> None:
    content = (bom + ending.join(["n,i,c,t", *lines]) + ending * last).encode()
    fast = read_here("a.csv", content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "longest_line", lambda *_: None)
        strict = read_here("a.csv", content)
    assert (fast.header, fast.read) == (strict.header, strict.read)
    for name in ("cells", "row", "line", "unreadable"):
        assert getattr(fast, name).equals(getattr(strict, name)), name


def test_the_fast_reader_numbers_rows_across_its_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    from tiltyard.stores.readers import csv_fast as unquoted

    monkeypatch.setattr(unquoted, "CHUNK", 64)
    lines = [f"{number},{number},c,t" if number % 7 else f"{number}" for number in range(500)]
    raw = read_here("a.csv", "\n".join(["n,i,c,t", *lines]).encode())
    assert raw.read == 500
    assert raw.cells["n"].cast(pl.Int64).to_list() == raw.row.to_list()
    assert [int(text) for text in raw.unreadable["raw"]] == raw.unreadable["row"].to_list()
    assert raw.line.to_list() == [row + 2 for row in raw.row]


@given(st.lists(st.sampled_from(['{"n": 1}', '{"t": "x"}', "5", "", "{", '{"n": 1, "n": 2}', "null"]), max_size=15))
def test_any_lines_end_as_rows_that_are_counted_once(lines: list[str]) -> None:
    raw = read_here("a.jsonl", ("\n".join(lines) + "\n").encode())
    assert raw.read == sum(bool(line) for line in lines)
    sound = [line in {'{"n": 1}', '{"t": "x"}'} for line in lines if line]
    assert raw.row.to_list() == [place for place, is_sound in enumerate(sound) if is_sound]


@given(st.binary(min_size=1, max_size=200), st.sampled_from(sorted(READERS)))
def test_any_bytes_end_as_rows_or_one_sentence(content: bytes, form: str) -> None:
    with TemporaryDirectory() as folder:
        told = handle_request(request_for(Path(folder), f"a.{form}", content))
    assert told.keys() in ({"header", "blank"}, {"refused"})
    assert json.dumps(told)


@settings(max_examples=15)
@given(st.data())
def test_a_damaged_parquet_file_ends_as_rows_or_one_sentence(data: Any) -> None:
    table = io.BytesIO()
    pq.write_table(
        pa.table({"n": [1.0, 2.0], "i": [1, 2], "c": ["a", "b"], "t": ["x", "y"]}), table, write_page_checksum=True
    )
    content = bytearray(table.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.parquet"
        path.write_bytes(content)
        # in a process of its own: damaged footers have been seen to kill a reader
        told = guarded_answer(path, PROJECT)
    assert "header" in told or "refused" in told


def guarded_answer(path: Path, project: Project) -> dict[str, Any]:
    """What came of an object, or how its reader died."""
    from tiltyard.schemas.errors import ObjectError

    try:
        return {"header": guarded.read_object(path, path.name, project).header}
    except ObjectError as error:
        return {"refused": str(error)}


def test_small_batches_give_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"n": float(number), "i": number, "c": "a", "t": "b"} for number in range(100)]
    whole = {name: read_here(name, content) for name, content in written(rows, list(COLUMNS)).items()}
    monkeypatch.setattr(handover, "BATCH_CELLS", 12)
    for name, content in written(rows, list(COLUMNS)).items():
        parts = read_here(name, content)
        assert parts.cells.equals(whole[name].cells), name
        assert parts.row.equals(whole[name].row), name


def test_every_ending_has_a_reader_and_every_reader_a_writing() -> None:
    assert set(ENDINGS.values()) == set(READERS) == set(WRITTEN)
