"""Malformed objects: each ends as rows, bad rows with reasons, or one sentence; never a changed value."""

import gzip
import io
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tiltyard.ingest.validation import check_rows
from tiltyard.schemas.errors import ObjectError
from tiltyard.schemas.project import Project, parse_project
from tiltyard.stores.readers.sandbox import read_object

PROJECT = {
    "name": "people",
    "classes": ["yes", "no"],
    "columns": {
        "id": "id",
        "features": {
            "age": {"kind": "integer", "min": 0, "max": 150, "missing": False},
            "height": {"kind": "number", "min": 0},
            "town": {"kind": "category"},
            "note": {"kind": "text", "max_length": 50},
        },
    },
    "limits": {"max_bytes": 2_000_000, "max_rows": 5000, "max_columns": 100, "max_cells": 20_000, "reader_seconds": 60},
}
HEAD = "id,age,height,town,note\n"
ROW = "a1,30,1.75,00007,hello\n"
RECORD = {"id": "a1", "age": 30, "height": 1.75, "town": "00007", "note": "hello"}
LINE = json.dumps(RECORD) + "\n"


def project(**changes: Any) -> Project:
    return parse_project(PROJECT | changes, "people.yaml")


def parquet(frame: pl.DataFrame | pa.Table, **options: Any) -> bytes:
    table = frame if isinstance(frame, pa.Table) else frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


FRAME = pl.DataFrame([RECORD])


def flipped(content: bytes, marker: bytes) -> bytes:
    at = content.index(marker)
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def same_name_twice() -> bytes:
    column = pa.array(["x"])
    return parquet(pa.table([column, column], names=["id", "id"]))


def lying_footer() -> bytes:
    content = parquet(FRAME)
    return content[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1"


def dictionary_bomb() -> bytes:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 3000, pa.int32()), pa.array(["x" * 100_000]))
    rows: dict[str, Any] = {"id": list(map(str, range(3000))), "age": [1] * 3000, "height": [1.0] * 3000}
    return parquet(pa.table(rows | {"town": texts, "note": texts}))


def many_rows() -> bytes:
    return parquet(pl.select(id=pl.lit("a").repeat_by(6000).explode()))


@dataclass(frozen=True)
class Case:
    """An object, and what must become of it: (good, bad) rows with words of a reason, or words of a refusal."""

    name: str
    content: bytes | str
    words: str
    rows: tuple[int, int] | None = None


REFUSED = [
    Case("empty.csv", "", "0 bytes"),
    Case("only-newlines.csv", "\n\n\n", "no header"),
    Case("bom-only.csv", b"\xef\xbb\xbf", "no header"),
    Case("latin1.csv", (HEAD + "a1,30,1.75,Zürich,x\n").encode("latin-1"), "byte 0xfc at offset 36 (line 2)"),
    Case("cut-utf8.csv", (HEAD + ROW + "é").encode()[:-1], "not UTF-8"),
    Case("utf16.csv", (HEAD + ROW).encode("utf-16"), "UTF-16"),
    Case("utf16-no-bom.csv", (HEAD + ROW).encode("utf-16-le"), "NUL"),
    Case("zip.csv", b"PK\x03\x04rest", "zip archive"),
    Case("gzip-inside.csv", gzip.compress((HEAD + ROW).encode()), "gzip"),
    Case("not-gzip.csv.gz", HEAD + ROW, "the name says gzip"),
    Case("cut.csv.gz", gzip.compress((HEAD + ROW * 500).encode())[:-12], "damaged or cut off"),
    Case("bad-crc.csv.gz", gzip.compress((HEAD + ROW).encode())[:-8] + b"\0" * 8, "damaged or cut off"),
    Case("bomb.csv.gz", gzip.compress(b"x" * 5_000_000), "decompresses to more than"),
    Case("cut.csv.zst", pa.compress((HEAD + ROW * 500).encode(), "zstd").to_pybytes()[:-9], "zstd"),
    Case("empty.csv.gz", gzip.compress(b""), "empty once decompressed"),
    Case("too-big.csv", HEAD + ROW * 100_000, "limits.max_bytes"),
    Case("too-many-rows.csv", HEAD + "1,2,3,4,5\n" * 6000, "limits.max_"),
    Case("too-many-cells.csv", HEAD + "1,2,3,4,5\n" * 4500, "limits.max_cells"),
    Case("too-many-columns.csv", ",".join(f"c{n}" for n in range(200)) + "\n", "200 columns"),
    Case("repeated-column.csv", "id,age,age,height,town,note\na,1,2,3,4,5\n", "more than once: 'age'"),
    Case("open-quote-in-header.csv", 'id,"age,height\n', "header cannot be read"),
    Case("other-delimiter.csv", HEAD.replace(",", ";") + ROW.replace(",", ";"), "delimiter ';'"),
    Case("missing-column.csv", "id,age,height,town\n" + "a,1,2,3\n", "missing columns: 'note'"),
    Case("misspelt-column.csv", HEAD.replace("height", "heigth") + ROW, "did you mean 'height'"),
    Case("no-header.csv", ROW * 3, "missing columns"),
    Case("unknown-ending.xlsx", b"PK\x03\x04", "'.xlsx' is not known"),
    Case("object.json", json.dumps(RECORD), "array of objects"),
    Case("lines.json", LINE * 2, "array of objects"),
    Case("cut.json", json.dumps([RECORD] * 3)[:-20], "malformed"),
    Case("trailing.json", json.dumps([RECORD]) + "x", "goes on after"),
    Case("trailing-comma.json", "[" + LINE + ",]", "malformed"),
    Case("no-comma.json", "[" + LINE + LINE + "]", "malformed"),
    Case("deep.json", "[" * 100_000, "nested too deep"),
    Case("empty.json", " ", "array of objects"),
    Case("unknown-key.jsonl", LINE + json.dumps(RECORD | {"aeg": 3}) + "\n", "unexpected columns: 'aeg'"),
    Case("no-known-key.jsonl", '{"x": 1}\n', "missing columns"),
    Case("never-a-required-key.jsonl", '{"id": "a", "town": "b"}\n', "missing columns: 'age'"),
    Case("keys.jsonl", json.dumps({f"k{n}": n for n in range(300)}) + "\n", "300 columns"),
    Case("not.parquet", HEAD + ROW, "the name says parquet"),
    Case("cut.parquet", parquet(FRAME)[:-30], "damaged or not parquet"),
    Case("magic-only.parquet", b"PAR1PAR1", "damaged or not parquet"),
    Case("lying-footer.parquet", lying_footer(), "damaged or not parquet"),
    Case("scrambled-footer.parquet", parquet(FRAME)[:-60] + b"\xff" * 52 + parquet(FRAME)[-8:], "parquet"),
    Case(
        "flipped-page.parquet",
        flipped(parquet(FRAME, compression="none", write_page_checksum=True, use_dictionary=False), b"\x05\0\0\0hello"),
        "damaged or not parquet",
    ),
    Case("repeated-column.parquet", same_name_twice(), "more than once: 'id'"),
    Case("dictionary-bomb.parquet", dictionary_bomb(), "unfolds to more than"),
    Case("many-rows.parquet", many_rows(), "limits.max_"),
    Case("csv-named.parquet.gz", gzip.compress(b"PAR1"), "damaged or not parquet"),
]

ROWS = [
    Case("header-only.csv", HEAD, "", (0, 0)),
    Case("bom.csv", b"\xef\xbb\xbf" + (HEAD + ROW).encode(), "", (1, 0)),
    Case("no-last-newline.csv", HEAD + ROW.rstrip("\n"), "", (1, 0)),
    Case("crlf.csv", (HEAD + ROW * 2).replace("\n", "\r\n"), "", (2, 0)),
    Case("mixed-endings.csv", HEAD + ROW.replace("\n", "\r\n") + ROW + ROW.replace("\n", "\r") + ROW, "", (4, 0)),
    Case("empty-lines.csv", HEAD + "\n" + ROW + "\n\n" + ROW + "\n", "", (2, 0)),
    Case("short-row.csv", HEAD + ROW + "a2,30\n" + ROW, "5 fields", (2, 1)),
    Case("long-row.csv", HEAD + ROW + ROW.rstrip() + ",more\n", "6 fields", (1, 1)),
    Case("all-ragged.csv", HEAD + "1\n" * 3, "1 fields", (0, 3)),
    Case("quoted-newline.csv", HEAD + 'a1,30,1.75,x,"two\nlines, one cell"\n' + ROW, "", (2, 0)),
    Case("open-quote.csv", HEAD + ROW + 'a2,30,1.75,x,"never closed\n' + ROW * 8, "quotes", (1, 9)),
    Case("odd-quote.csv", HEAD + 'a2,30,1.75,"x,y\n' + ROW + 'a3,30,1.75,"x,y\n' + ROW, "quotes", (1, 3)),
    Case("text-after-quote.csv", HEAD + 'a2,30,1.75,"x"y,z\n' + ROW, "quotes", (1, 1)),
    Case("quote-inside.csv", HEAD + 'a2,30,1.75,5" pipe,z\n', "", (1, 0)),
    Case("nul.csv", HEAD + "a2,30,1.75,a\0b,z\n" + ROW, "text without NUL", (1, 1)),
    Case("giant-field.csv", HEAD + f"a2,30,1.75,x,{'y' * 1_500_000}\n" + ROW, "at most 50 characters", (1, 1)),
    Case("decimal-comma.csv", HEAD + 'a2,30,"1,75",x,y\n' + ROW, "a number", (1, 1)),
    Case("spelled-inf.csv", HEAD + "a2,30,inf,x,y\na3,30,nan,x,y\na4,30,1e999,x,y\n", "a finite number", (1, 2)),
    Case("float-for-integer.csv", HEAD + "a2,30.5,1,x,y\na3,30.0,1,x,y\n", "an integer", (1, 1)),
    Case("blank-key.csv", HEAD + ",30,1,x,y\n" + ROW, "not missing", (1, 1)),
    Case("good.csv.gz", gzip.compress((HEAD + ROW * 3).encode()), "", (3, 0)),
    Case("good.csv.zst", pa.compress((HEAD + ROW * 3).encode(), "zstd").to_pybytes(), "", (3, 0)),
    Case("two-members.csv.gz", gzip.compress((HEAD + ROW).encode()) + gzip.compress(ROW.encode()), "", (2, 0)),
    Case("empty-array.json", "[]", "", (0, 0)),
    Case("array.json", json.dumps([RECORD, 5, None, "x", [1], RECORD]), "a JSON object", (2, 4)),
    Case("twice-a-key.json", "[" + LINE + ',{"id":"a","id":"b"}]', "stands twice", (1, 1)),
    Case("broken-line.jsonl", LINE + '{"id": \n' + LINE + "x\n", "sound JSON", (2, 2)),
    Case("cut-last-line.jsonl", LINE + LINE[:-10], "sound JSON", (1, 1)),
    Case("twice-a-key.jsonl", LINE + '{"id":"a","id":"b"}\n', "'id' stands twice", (1, 1)),
    Case("deep-line.jsonl", LINE + "[" * 100_000 + "\n" + LINE, "nested too deep", (2, 1)),
    Case("surrogate.jsonl", LINE + LINE.replace("hello", "\\ud800"), "lone surrogate", (1, 1)),
    Case("escaped-nul.jsonl", LINE + LINE.replace("hello", "\\u0000"), "text without NUL", (1, 1)),
    Case("nan.jsonl", LINE + LINE.replace("1.75", "NaN"), "", (2, 0)),
    Case("text-for-number.jsonl", LINE + LINE.replace("1.75", '"tall"'), "a number", (1, 1)),
    Case("bool-for-integer.jsonl", LINE + LINE.replace("30", "true"), "an integer", (1, 1)),
    Case("number-for-category.jsonl", LINE + LINE.replace('"00007"', "7"), "", (2, 0)),
    Case("object-for-text.jsonl", LINE + LINE.replace('"hello"', '{"a": [1]}'), "a text, or a value", (1, 1)),
    Case("missing-keys.jsonl", LINE + '{"id": "b", "age": 3}\n' + '{"id": "c"}\n', "not missing", (2, 1)),
    Case("integer-key.jsonl", LINE.replace('"a1"', "17"), "", (1, 0)),
    Case("huge-integer.jsonl", LINE.replace("30", "9" * 6000) + LINE, "an integer", (1, 1)),
    Case("good.parquet", parquet(FRAME), "", (1, 0)),
    Case("no-rows.parquet", parquet(FRAME.clear()), "", (0, 0)),
    Case("floats-for-integer.parquet", parquet(FRAME.with_columns(age=pl.lit(30.5))), "an integer", (0, 1)),
    Case("text-for-number.parquet", parquet(FRAME.with_columns(height=pl.lit("tall"))), "a number", (0, 1)),
    Case("nan.parquet", parquet(FRAME.with_columns(height=pl.lit(float("nan")))), "", (1, 0)),
    Case("nested.parquet", parquet(FRAME.with_columns(town=pl.lit([1, 2], dtype=pl.List(pl.Int64)))), "text", (0, 1)),
    Case("bytes.parquet", parquet(FRAME.with_columns(town=pl.lit(b"\xff"))), "text", (0, 1)),
    Case("categorical.parquet", parquet(FRAME.with_columns(pl.col("town").cast(pl.Categorical))), "", (1, 0)),
    Case("integer-key.parquet", parquet(FRAME.with_columns(id=pl.lit(17))), "", (1, 0)),
    Case("small-types.parquet", parquet(FRAME.with_columns(pl.col("age").cast(pl.UInt8))), "", (1, 0)),
    Case("all-null.parquet", parquet(FRAME.with_columns(town=pl.lit(None))), "", (1, 0)),
]


def landed(case: Case, folder: Path) -> Path:
    path = folder / case.name
    path.write_bytes(case.content if isinstance(case.content, bytes) else case.content.encode())
    return path


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_an_object_that_cannot_be_read_is_refused_in_one_sentence(case: Case, tmp_path: Path) -> None:
    path, people = landed(case, tmp_path), project()
    with pytest.raises(ObjectError) as refusal:
        check_rows(read_object(path, case.name, people), people)
    assert case.words in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 800


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.name)
def test_rows_of_a_dirty_object_end_in_one_place_each(case: Case, tmp_path: Path) -> None:
    checked = check_rows(read_object(landed(case, tmp_path), case.name, project()), project())
    assert (checked.good.height, checked.bad.height) == case.rows
    assert checked.read == checked.good.height + checked.bad.height
    assert sorted([*checked.good["row"], *checked.bad["row"]]) == list(range(checked.read))
    reasons = [reason for row in checked.bad["reasons"] for reason in json.loads(row)]
    assert all(json.loads(row) for row in checked.bad["reasons"])
    assert case.words in json.dumps(reasons, ensure_ascii=False)


def test_no_value_is_changed_in_silence(tmp_path: Path) -> None:
    """What lenient readers turn into something else: leading zeros, big integers, 'NA', quotes, spaces, line ends."""
    rows = [("00007", 30), ("NA", 31), ("null", 32), (" x ", 33), ('say "hi"', 34), ("a\r\nb", 35), ("1e3", 36)]
    frame = pl.DataFrame(
        {
            "id": [str(2**53 + 1)] * len(rows),
            "age": [age for _, age in rows],
            "height": [0.1 + 0.2] * len(rows),
            "town": [town for town, _ in rows],
            "note": ["x"] * len(rows),
        }
    )
    frame.write_csv(tmp_path / "a.csv")
    frame.write_ndjson(tmp_path / "a.jsonl")
    (tmp_path / "a.json").write_text(json.dumps(frame.to_dicts()))
    (tmp_path / "a.parquet").write_bytes(parquet(frame))
    for name in ("a.csv", "a.jsonl", "a.json", "a.parquet"):
        good = check_rows(read_object(tmp_path / name, name, project()), project()).good
        assert good.drop("row").equals(frame), name


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    text = HEAD + 'a,-1,1,x,"two\nlines"\n' + "\n" + "short\n" + ROW + "a,-2,1,x,y\n"
    for name, content, lines in (
        ("quoted.csv", text, [2, 5, 7]),
        ("plain.csv", HEAD + "a,-1,1,x,y\n" + "short\n" + ROW + "a,-2,1,x,y\n", [2, 3, 5]),
        ("lines.jsonl", "\n" + LINE.replace("30", "-1") + "x\n" + LINE + LINE.replace("30", "-2"), [2, 3, 5]),
        ("array.json", f"[\n{LINE},\n{LINE.replace('30', '-1')},\n5]", [4, 6]),
    ):
        (tmp_path / name).write_text(content)
        checked = check_rows(read_object(tmp_path / name, name, project()), project())
        assert checked.bad["line"].to_list() == lines, name


def test_unexpected_columns_can_be_ignored(tmp_path: Path) -> None:
    people = project(columns=PROJECT["columns"] | {"extra": "ignore"})  # type: ignore[operator]  # a dict of objects
    contents: dict[str, bytes | str] = {
        "a.csv": HEAD.replace("note", "note,more") + ROW.replace("hello", "hello,1"),
        "a.jsonl": json.dumps(RECORD | {"more": {"a": 1}}) + "\n",
        "a.parquet": parquet(FRAME.with_columns(more=pl.lit(1))),
    }
    for name, content in contents.items():
        path = landed(Case(name, content, ""), tmp_path)
        good = check_rows(read_object(path, name, people), people).good
        assert good.drop("row").equals(FRAME), name


def test_a_refused_object_still_shows_its_cells(tmp_path: Path) -> None:
    path = landed(Case("a.csv", "first,second\n1,2\n3,4\n", ""), tmp_path)
    raw = read_object(path, "a.csv", project())
    assert (raw.read, raw.cells.height, raw.cells.columns) == (2, 2, ["first", "second"])


def test_a_reader_that_needs_too_much_memory_is_an_outcome(tmp_path: Path) -> None:
    people = project(limits={"reader_memory_mb": 256, "max_bytes": 10**9})
    line = json.dumps(RECORD | {"note": "x" * 100})
    path = tmp_path / "big.json"
    path.write_text("[" + ",".join([line] * 1_000_000) + "]")
    with pytest.raises(ObjectError, match=r"memory|died|allocate"):
        read_object(path, path.name, people)


def test_a_reader_that_takes_too_long_is_an_outcome(tmp_path: Path) -> None:
    people = project(limits={"reader_seconds": 0.05})
    path = landed(Case("a.csv", HEAD + ROW, ""), tmp_path)
    with pytest.raises(ObjectError, match=r"longer than limits\.reader_seconds"):
        read_object(path, path.name, people)


def test_a_reader_that_dies_is_an_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from tiltyard.stores.readers import sandbox as guarded

    script = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    monkeypatch.setattr(guarded, "CHILD", [sys.executable, "-c", script])
    path = landed(Case("a.csv", HEAD + ROW, ""), tmp_path)
    with pytest.raises(ObjectError, match="the reader died \\(signal 11"):
        read_object(path, path.name, project())


def test_a_reader_that_says_nothing_sound_is_an_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from tiltyard.stores.readers import sandbox as guarded

    monkeypatch.setattr(guarded, "CHILD", [sys.executable, "-c", "print('noise')"])
    path = landed(Case("a.csv", HEAD + ROW, ""), tmp_path)
    with pytest.raises(ObjectError, match="gave no answer but b'noise"):
        read_object(path, path.name, project())


def test_the_reader_sees_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from tiltyard.stores.readers import sandbox as guarded

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    script = "import json, os, sys; sys.stdout.write(json.dumps({'refused': ' '.join(sorted(os.environ))}))"
    monkeypatch.setattr(guarded, "CHILD", [sys.executable, "-c", script])
    path = landed(Case("a.csv", HEAD + ROW, ""), tmp_path)
    with pytest.raises(ObjectError) as seen:
        read_object(path, path.name, project())
    assert "AWS" not in str(seen.value)
    assert "PATH" in str(seen.value)
