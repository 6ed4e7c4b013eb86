"""Objects as spreadsheets, databases and other tools write them: read, declared by a key, or refused with the place."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.readers.test_malformed_objects import PROJECT as PEOPLE
from tiltyard.ingest.attempts import row_numbering
from tiltyard.ingest.column_names import match_header, normalize_name, unusual_letters
from tiltyard.ingest.raw_batch import RawBatch
from tiltyard.ingest.validation import check_rows
from tiltyard.schemas.errors import ProjectFileError
from tiltyard.schemas.project import CsvOptions, Project, parse_project
from tiltyard.stores.readers import csv_strict as delimited
from tiltyard.stores.readers import sandbox as guarded
from tiltyard.stores.readers.child import handle_request
from tiltyard.stores.readers.format_detection import WRITTEN, detect_format

CONTENT: dict[str, Any] = {
    "name": "orders",
    "classes": ["a", "b"],
    "columns": {
        "id": "order id",
        "time": "when",
        "features": {"price": {"kind": "number"}, "n": {"kind": "integer"}, "café": {"kind": "category"}},
    },
}
HEAD = "order id,when,price,n,café\n"
ROW = "a,2024-01-01T10:00:00Z,1.5,3,x\n"


def project(csv: dict[str, Any] | None = None, **columns: Any) -> Project:
    changed = {**CONTENT, "columns": {**CONTENT["columns"], **columns}, "source": {"csv": csv or {}}}
    return parse_project(changed, "orders.yaml")


def read_here(folder: Path, name: str, content: bytes, wanted: Project) -> RawBatch | str:
    """The child's work, done in this process to save its start: the rows, or why the object was refused."""
    path = folder / Path(name).name
    path.write_bytes(content)
    request = guarded._request(path, detect_format(name, "auto"), wanted, str(folder))
    told = handle_request(request)
    return str(told["refused"]) if "refused" in told else guarded._taken_over(folder, told, WRITTEN[request.format])


@dataclass(frozen=True)
class Odd:
    """An object, the options it needs, and what it is: good rows, blank ones, or words of its refusal."""

    name: str
    content: bytes | str
    good: int = 1
    blank: int = 0
    words: str = ""
    csv: dict[str, Any] = field(default_factory=dict)
    extra: str = "refuse"


def zst(text: str) -> bytes:
    return bytes(pa.compress(text.encode(), "zstd").to_pybytes())


def frame(number: int, size: int = 4) -> bytes:
    """A frame that zstd's readers skip."""
    return bytes([0x50 + number, 0x2A, 0x4D, 0x18]) + size.to_bytes(4, "little") + b"x" * size


def parquet(*rows: dict[str, Any]) -> bytes:
    out = BytesIO()
    kinds = {"order id": pa.string(), "when": pa.timestamp("us", "UTC"), "price": pa.float64(), "n": pa.int64()}
    kinds = {**kinds, "café": pa.string()}
    pq.write_table(
        pa.table({name: pa.array([row.get(name) for row in rows], kind) for name, kind in kinds.items()}), out
    )
    return out.getvalue()


RECORD = {"order id": "a", "when": "2024-01-01T10:00:00Z", "price": 1.5, "n": 3, "café": "x"}
TYPED = {**RECORD, "when": datetime(2024, 1, 1, tzinfo=UTC)}
LINE = json.dumps(RECORD, ensure_ascii=False) + "\n"
ODD = [
    Odd("line-break.csv", "order\nid".join(['"', '"']) + ",when,price,n,café\n" + ROW),
    Odd("line-break-crlf.csv", '"order\r\nid",when,price,n,café\r\n' + ROW),
    Odd("spaces.csv", "order  id , when,price, n ,café\n" + ROW),
    Odd("hard-space.csv", HEAD.replace("order id", "order\u00a0id") + ROW),
    Odd("decomposed.csv", HEAD.replace("é", "e\u0301") + ROW),
    Odd("decomposed.jsonl", LINE.replace("é", "e\u0301") + LINE, 2),
    Odd("line-break.json", json.dumps([{**RECORD, "order\nid": "a"} | {}]).replace('"order id": "a", ', ""), 1),
    Odd("bom-twice.csv", "\ufeff\ufeff" + HEAD + ROW),
    Odd("sep.csv", "sep=;\r\n" + (HEAD + ROW).replace(",", ";")),
    Odd("sep-quoted.csv", '"sep=;"\n' + (HEAD + ROW).replace(",", ";")),
    Odd("sep-upper-tab.csv", "SEP=\t\n" + (HEAD + ROW).replace(",", "\t")),
    Odd("sep-bom.csv", "\ufeffsep=|\n" + (HEAD + ROW).replace(",", "|")),
    Odd("sep-same.csv", "sep=,\n" + HEAD + ROW),
    Odd("index.csv", "," + HEAD + "0," + ROW, extra="ignore"),
    Odd("trailing.csv", HEAD.replace("\n", ",,\n") + ROW.replace("\n", ",,\n"), extra="ignore"),
    Odd(
        "trailing-quotes.csv",
        HEAD.replace("\n", ",,\n") + ROW.replace("x", '"x"').replace("\n", ",,\n"),
        extra="ignore",
    ),
    Odd("trailing-refused.csv", HEAD.replace("\n", ",,\n") + ROW, words="at the places 6, 7"),
    Odd("index-refused.csv", "," + HEAD + "0," + ROW, words="'' (no name)"),
    Odd("no-names.csv", ",,,,\n" + ROW, words="line 1 names no column"),
    Odd("zero-width.csv", HEAD.replace("when", "wh\u200ben") + ROW, words="U+200B ZERO WIDTH SPACE"),
    Odd("cyrillic.csv", HEAD.replace("price", "pri\u0441e") + ROW, words="U+0441 CYRILLIC SMALL LETTER ES"),
    Odd("cyrillic.jsonl", LINE.replace("price", "pri\u0441e"), words="did you mean 'price'?"),
    Odd("comma.csv", HEAD + 'a,2024-01-01,"1,5",3,x\n', csv={"decimal": ","}),
    Odd("comma-thousands.csv", HEAD + 'a,2024-01-01,"1.234,5",1.234,x\n', csv={"decimal": ",", "thousands": "."}),
    Odd("thousands.csv", HEAD + 'a,2024-01-01,"1,234.5","1,234,567",x\n', csv={"thousands": ","}),
    Odd("swiss.csv", HEAD + "a,2024-01-01,1'234.5,1'234,x\n", csv={"thousands": "'"}),
    Odd("narrow-space.csv", HEAD + 'a,2024-01-01,"1\u202f234,5",3,x\n', csv={"decimal": ",", "thousands": "\u202f"}),
    Odd("utc.csv", HEAD + "a,2024-01-01 10:00:00 UTC,1,3,x\nb,2024-01-01 10:00:00.123 UTC,1,3,x\n", 2),
    Odd("go.csv", HEAD + "a,2024-01-01 10:00:00 +0000 UTC,1,3,x\nb,2024-01-01T10:00 GMT,1,3,x\n", 2),
    Odd("utc.jsonl", LINE.replace("T10:00:00Z", " 10:00:00 UTC")),
    Odd("trim.csv", HEAD.replace(",", ", ") + "a, 2024-01-01, 1.5,\t3 , x\n", csv={"trim": True}),
    Odd("trim-quoted.csv", HEAD.replace(",", ", ") + 'a, 2024-01-01, 1.5, 3, "x, y"\n', csv={"trim": True}),
    Odd("escape.csv", HEAD + 'a,2024-01-01,1,3,"say \\"hi\\", you"\n', csv={"escape": "\\"}),
    Odd("escape-and-doubled.csv", HEAD + 'a,2024-01-01,1,3,"say \\"hi\\", ""you"""\n', csv={"escape": "\\"}),
    Odd("hive/dt=2024-01-01/a.csv", HEAD + ROW),
    Odd("blank.csv", HEAD + ROW + ",,,,\n" * 3 + " ,\t, ,,\n,\n" + ROW, 2, 5),
    Odd("blank-quoted.csv", HEAD + ROW + '"","","","",""\n"\n",,,,\n', 1, 2),
    Odd("blank-crlf.csv", (HEAD + ROW + ",,,,\n" + ROW).replace("\n", "\r\n"), 2, 1),
    Odd("blank-last.csv", HEAD + ROW + ",,,,", 1, 1),
    Odd("blank-tab.csv", (HEAD + ROW + ",,,,\n").replace(",", "\t"), 1, 1, csv={"delimiter": "\t"}),
    Odd("one-column.csv", "order id\na\n \nb\n", words="missing columns"),
    Odd("blank-only.csv", HEAD + ",,,,\n" * 3, 0, 3),
    Odd("blank.jsonl", LINE + "{}\n" + '{"price": null, "café": ""}\n' + '{"n": null}\n', 1, 3),
    Odd("blank.json", json.dumps([RECORD, {}, dict.fromkeys(RECORD)]), 1, 2),
    Odd("blank.parquet", parquet(TYPED, {}, {"café": " ", "price": float("nan")}, TYPED), 2, 2),
    Odd("frames.csv.zst", frame(0) + zst(HEAD) + frame(15, 300) + zst(ROW) + frame(3, 0)),
    Odd("many-frames.csv.zst", zst(HEAD) + b"".join(zst(ROW) for _ in range(30)), 30),
    Odd("frame-only.csv.zst", frame(7), words="empty once decompressed"),
    Odd("frame-in-csv.csv", frame(7) + zst(HEAD), words="the first bytes are those of zstd"),
    Odd("many-members.csv.gz", gzip.compress(HEAD.encode()) + gzip.compress(b"") + gzip.compress(ROW.encode())),
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_an_odd_object_is_read_or_refused_by_its_place(odd: Odd, tmp_path: Path) -> None:
    wanted = project(odd.csv, extra=odd.extra)
    raw = read_here(tmp_path, odd.name, odd.content if isinstance(odd.content, bytes) else odd.content.encode(), wanted)
    if odd.words:
        told = raw if isinstance(raw, str) else _refusal(raw, wanted)
        assert odd.words in told
        return
    assert isinstance(raw, RawBatch), raw
    checked = check_rows(raw, wanted)
    assert (checked.good.height, checked.bad.height, raw.blank) == (odd.good, 0, odd.blank), checked.bad
    assert checked.read == raw.read, "blank rows are not among those that were read"


def _refusal(raw: RawBatch, wanted: Project) -> str:
    try:
        check_rows(raw, wanted)
    except Exception as error:
        return str(error)
    return ""


def test_numbers_are_what_their_marks_say(tmp_path: Path) -> None:
    texts = ["1.234,5", "-1.234.567", "+0,5", ",5", "12,", "1234,25", "1e3", "1,5e-1"]
    values = [1234.5, -1234567, 0.5, 0.5, 12, 1234.25, 1000, 0.15]
    bad = ["1.5", "1,234.5", "12.34,5", "1..234", "1.234.5", "0x1", " 1", "1 234", "inf", "", "-", ",", "1,5,5"]
    rows = "".join(f'{place},2024-01-01,"{text}",1,x\n' for place, text in enumerate([*texts, *bad]))
    wanted = project({"decimal": ",", "thousands": ".", "missing": ["(none)"]})
    raw = read_here(tmp_path, "a.csv", (HEAD + rows).encode(), wanted)
    assert isinstance(raw, RawBatch)
    checked = check_rows(raw, wanted)
    assert checked.good["price"].to_list() == values
    assert checked.bad.height == len(bad)


@settings(max_examples=60)
@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.sampled_from(["", ".", " ", "'"]))
def test_a_number_with_a_decimal_comma_comes_back(value: float, mark: str) -> None:
    from tiltyard.ingest.casting.columns import normalize_number

    written = f"{value:{',' if mark else ''}.4f}".replace(",", "t").replace(".", ",").replace("t", mark)
    csv = CsvOptions(decimal=",", thousands=mark)
    plain = pl.DataFrame({"x": [written]}).select(normalize_number(pl.col("x"), csv))["x"][0]
    assert plain == f"{value:.4f}"


@pytest.mark.parametrize(
    "csv", [{"decimal": ",", "thousands": ","}, {"escape": '"'}, {"decimal": ";"}, {"escape": "ab"}]
)
def test_marks_that_contradict_are_refused(csv: dict[str, Any]) -> None:
    with pytest.raises(ProjectFileError, match=r"source\.csv"):
        project(csv)


def test_a_contract_of_before_is_the_same_contract() -> None:
    """Its hash was written before these options came; rows of before are not checked anew."""
    plain, with_limit = parse_project(PEOPLE, "p"), parse_project(PEOPLE, "p")
    assert plain.contract_hash == with_limit.contract_hash
    assert "max_line_bytes" not in json.dumps(plain.model_dump(mode="json", exclude_defaults=True))
    assert plain.contract_hash != project({"trim": True}).contract_hash
    assert project().contract_hash != project({"decimal": ","}).contract_hash
    assert row_numbering("a.csv", project()) == row_numbering("a.csv", project({"decimal": ","}))
    assert row_numbering("a.csv", project()) != row_numbering("a.csv", project({"escape": "\\"}))


NAMES = st.text(st.sampled_from("ab \n\t\u00a0e\u0301é\u200b"), min_size=0, max_size=4)


@given(st.lists(NAMES, max_size=6, unique=True), st.lists(NAMES, min_size=1, max_size=6, unique=True))
def test_a_header_s_names_stay_apart(header: list[str], columns: list[str]) -> None:
    named = match_header(header, columns)
    assert len(set(named)) == len(header), "no two columns become one"
    for was, now in zip(header, named, strict=True):
        assert now == was or (now in columns and normalize_name(now) == normalize_name(was))
    assert match_header(named, columns) == named


@given(st.text(st.characters(codec="utf-8"), max_size=10))
def test_letters_that_cannot_be_seen_are_named(name: str) -> None:
    spoilt = f"{name}\u200d"
    assert "U+200D ZERO WIDTH JOINER" in unusual_letters(spoilt)
    assert unusual_letters("plain_name 1") == []


LINES: list[tuple[str, Callable[[str], bytes], str]] = [
    ("long.csv", lambda text: (HEAD + ROW + text).encode(), "line 3"),
    ("first.csv", lambda text: text.encode(), "line 1"),
    ("returns.csv", lambda text: (HEAD + "\r" + text + "\r" + ROW).encode(), "line 2"),
    ("long.jsonl", lambda text: (LINE + LINE + text + "\n" + LINE).encode(), "line 3"),
    ("quote.csv", lambda text: (HEAD + 'a,2024-01-01,1,3,"' + "short\n" * (len(text) // 6)).encode(), "line 2"),
    ("long.csv.gz", lambda text: gzip.compress((HEAD + text).encode()), "line 2"),
]


@pytest.mark.parametrize(("name", "content", "place"), LINES, ids=[name for name, *_ in LINES])
@pytest.mark.parametrize("size", [3_000, 3_000_000])
def test_a_line_that_never_ends_is_refused_before_it_is_held(
    name: str, content: Callable[[str], bytes], place: str, size: int, tmp_path: Path
) -> None:
    wanted = parse_project({**CONTENT, "limits": {"max_line_bytes": 2_000 if size == 3_000 else 2_000_000}}, "p")
    told = read_here(tmp_path, name, content("x" * size), wanted)
    assert isinstance(told, str)
    assert place in told
    assert "limits.max_line_bytes" in told


def test_a_line_of_a_gigabyte_is_read_in_bounded_memory(tmp_path: Path) -> None:
    """The file is sparse: only the reader would have to hold it. 600 MB are less than the line."""
    path = tmp_path / "a.csv"
    with path.open("wb") as stream:
        stream.write(HEAD.encode())
        stream.truncate(900_000_000)
    wanted = parse_project({**CONTENT, "limits": {"reader_memory_mb": 600}}, "p")
    with pytest.raises(Exception, match="line 2 has more than 50,000,000 bytes"):
        guarded.read_object(path, "a.csv", wanted)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(["a,1", ",", " ,\t", "b,2", "", "1", "x, y", ",,"]), max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.booleans(),
)
def test_blank_rows_are_the_same_to_both_readers(lines: list[str], ending: str, last: bool, trim: bool) -> None:
    from tempfile import TemporaryDirectory

    wanted = parse_project(
        {**CONTENT, "columns": {"features": {"p": {"kind": "text"}, "q": {"kind": "text"}}}}
        | {"source": {"csv": {"trim": trim}}},
        "p",
    )
    content = (ending.join(["p,q", *lines]) + ending * last).encode()
    with TemporaryDirectory() as one, TemporaryDirectory() as other, pytest.MonkeyPatch.context() as patch:
        fast = read_here(Path(one), "a.csv", content, wanted)
        patch.setattr(delimited, "longest_line", lambda *_: None)
        strict = read_here(Path(other), "a.csv", content, wanted)
    assert isinstance(fast, RawBatch)
    assert isinstance(strict, RawBatch)
    assert (fast.read, fast.blank, fast.header) == (strict.read, strict.blank, strict.header)
    assert fast.cells.equals(strict.cells)
    assert fast.row.to_list() == strict.row.to_list()
    assert strict.blank == sum(not line.strip(" \t,") and line != "" for line in lines)
