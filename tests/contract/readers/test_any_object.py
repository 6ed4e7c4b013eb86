"""Whatever arrives, under whatever name, ends as a batch or one sentence, and keeps no other from its turn."""

import gzip
import json
from collections.abc import Iterator
from io import BytesIO
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.projects.small_project import make_project
from tiltyard.ingest.raw_batch import RawBatch
from tiltyard.schemas.errors import ObjectError
from tiltyard.schemas.project import Project
from tiltyard.stores.files import FolderObjects
from tiltyard.stores.readers import sandbox as guarded
from tiltyard.stores.readers.child import handle_request
from tiltyard.stores.readers.format_detection import WRITTEN, detect_format
from tiltyard.tasks.ingest import check_batch as checking
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.workspace.workspace import Workspace

KINDS = {"n": "number", "i": "integer", "c": "category", "t": "text", "b": "boolean", "w": "timestamp"}
CONTENT: dict[str, Any] = {
    "columns": {
        "id": "key",
        "time": "at",
        "features": {name: {"kind": kind} for name, kind in KINDS.items()},
        "context": {"k": {"kind": "category", "allowed": ["1", "a", "true"]}},
        "reference": ["r"],
        "label": "answer",
    },
    "limits": {"bad_rows": 0.5, "max_bytes": 300_000, "max_line_bytes": 20_000},
    "source": {"csv": {"missing": ["", "NA"], "decimal": ","}},
}
NAMES = ["key", "at", *KINDS, "k", "r", "answer"]
CELLS = ["1", "2024-01-01 10:00:00 UTC", "1,5", "7", "a", 'words, "quoted"', "true", "2024-01-01", "a", "x", "yes"]
RECORD = dict(
    zip(NAMES, [1, "2024-01-01", 1.5, 7, "a", "words", True, "2024-01-01T00:00Z", "a", "x", "no"], strict=True)
)


def csv_of(rows: int, mark: str = ";") -> bytes:
    quoted = [f'"{cell.replace(chr(34), chr(34) * 2)}"' if '"' in cell else cell for cell in CELLS]
    body = [mark.join([str(place), *quoted[1:]]).replace(";", mark) for place in range(rows)]
    return "\n".join([mark.join(NAMES), *body, ""]).encode()


def table_of(columns: dict[str, pa.Array]) -> bytes:
    out = BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


LINES = (json.dumps(RECORD) + "\n").encode() * 4
SEEDS: list[tuple[str, bytes]] = [
    ("a.csv", b"sep=;\n" + csv_of(4)),
    ("a.csv", csv_of(4, "\t")),
    ("a.csv", csv_of(3).replace(b";", b",")),
    ("a.jsonl", LINES),
    ("a.json", json.dumps([RECORD] * 3).encode()),
    ("a.json", json.dumps([RECORD, {}, None, [1], {"n": {"a": [1]}}]).encode()),
    ("a.csv.gz", gzip.compress(csv_of(4).replace(b";", b","))),
    ("a.jsonl.zst", bytes(pa.compress(LINES, "zstd").to_pybytes())),
]
TOKENS = [
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b'"',
    b"\\",
    b"\r",
    b"\n",
    b";;;;;;;;;;\n",
    b",",
    b"NaN",
    b"1e999",
    b"9" * 400,
]
TOKENS += [
    "\u2028".encode(),
    "\u0085".encode(),
    b"\\ud800",
    b"[" * 300,
    b"{}",
    b"null",
    b"-0",
    b"sep=;\n",
    b"x" * 30_000,
]
TOKENS += [
    b"9999-12-31T23:59:60Z",
    b"0000-01-01",
    "\u200b".encode(),
    "e\u0301".encode(),
    b"\x1b[2J",
    b"PAR1",
    b"PK\x03\x04",
]
TOKENS += [
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"\x50\x2a\x4d\x18",
    b'"n": 1, "n": 2',
    b"=1+1",
    b"\t",
    b" ",
    b"inf",
    b"0x10",
]
FOLDERS = [
    "",
    "days/",
    "dt=2024-01-01/",
    "a b/",
    "é/",
    "\n/",
    "_temporary/",
    ".x/",
    "_SUCCESS/",
    "\U0001f600/",
    "x" * 200 + "/",
]
STEMS = [
    "a",
    "é",
    "e\u0301",
    "\u202e",
    "\x1b[2J",
    "-rf",
    "%2e",
    "'; drop",
    "{project}",
    "~",
    "a.part",
    "con",
    "*",
    "\udce9",
]


@st.composite
def mutated(draw: st.DrawFn, seeds: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """An object that some hand has spoiled: bytes changed, cut, repeated, put in, joined with others; or only named."""
    name, content = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        until = min(len(content), at + draw(st.integers(0, 40)))
        act = draw(st.sampled_from(["flip", "cut", "drop", "repeat", "token", "token", "join", "bytes"]))
        if act == "flip" and content:
            content = content[:at] + bytes([content[at] ^ (1 << draw(st.integers(0, 7)))]) + content[at + 1 :]
        elif act == "cut":
            content = content[:at]
        elif act == "drop":
            content = content[:at] + content[until:]
        elif act == "repeat":
            content = content[:until] + content[at:until] * draw(st.integers(1, 30)) + content[until:]
        elif act == "join":
            content += draw(st.sampled_from(seeds))[1]
        else:
            put = draw(st.sampled_from(TOKENS)) if act == "token" else draw(st.binary(max_size=20))
            content = content[:at] + put + content[at:]
    ending = draw(st.sampled_from([name[1:]] * 6 + [".csv", ".json", ".jsonl", ".csv.gz", ".parquet", ".xlsx", ""]))
    return draw(st.sampled_from(FOLDERS)) + draw(st.sampled_from(STEMS)) + ending, content


def read_here(path: Path, name: str, project: Project) -> RawBatch:
    """The reader without a process of its own: what it does not foresee is not hidden by the process's end."""
    with TemporaryDirectory() as folder:
        told = handle_request(guarded._request(path, detect_format(name, project.source.format), project, folder))
        if "refused" in told:
            raise ObjectError(f"{name!r}: {told['refused']}")
        return guarded._taken_over(Path(folder), told, WRITTEN[detect_format(name, project.source.format)[0]])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A project that takes in everything which the tests of this file deliver."""
    return make_project(tmp_path_factory.mktemp("any"), **CONTENT)


@pytest.fixture
def in_this_process() -> Iterator[None]:
    """Objects are read without a process each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checking, "read_object", read_here)
        yield


NUMBERS = count()
UNFORESEEN = ("cannot be checked (", "exit code", "Traceback", "bug in Tiltyard")


def take_in(workspace: Workspace, name: str, content: bytes) -> None:
    """Deliver an object and a sound one after it: the one ends as a batch or is left, and the other is accepted."""
    assert isinstance(workspace.source, FolderObjects)
    project, ledger, number = str(workspace.project_file.parent), workspace.ledger.batches, next(NUMBERS)
    root = workspace.source.root
    path = root / f"{number:06d}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    sound = f"{number:06d}z.csv"
    cells = [str(number), "2024-01-01", f"{number},5", "1", "a", "b", "1", "2024-01-01", "a", "r", "no"]
    (root / sound).write_text(f"sep=;\n{';'.join(NAMES)}\n{';'.join(cells)}\n", "utf-8")
    left = len(workspace.left.all())
    landed = land_objects.fn(project)
    made = [ledger.get(checking.check_batch.fn(project, each)) for each in checking.objects_to_check.fn(project)]
    by_key = {ledger.get_object(batch.object_id).key: batch for batch in made}
    assert (by_key[sound].state, by_key[sound].accepted) == ("accepted", 1), "the object after it has its turn"
    assert len(landed) == len(made)
    if len(made) == 1:
        is_said = len(workspace.left.all()) > left
        assert is_said or "_SUCCESS" in name or not name.strip("~")
        return
    (odd,) = (batch for key, batch in by_key.items() if key != sound)
    assert odd.read == odd.accepted + odd.quarantined + odd.duplicate
    assert odd.state in {"accepted", "refused", "unreadable"}
    assert (odd.state == "accepted") == (odd.reason == "")
    assert "\n" not in odd.reason
    assert not any(word in odd.reason for word in UNFORESEEN), odd.reason
    (path).unlink()


BOUNDED: dict[str, Any] = {
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
    "deadline": None,
}


@pytest.mark.usefixtures("in_this_process")
@settings(max_examples=45, **BOUNDED)
@given(mutated(SEEDS))
def test_any_text_ends_as_a_batch_or_a_sentence(workspace: Workspace, spoiled: tuple[str, bytes]) -> None:
    take_in(workspace, *spoiled)


TYPES = [pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.string(), pa.large_binary(), pa.bool_()]
TYPES += [pa.date32(), pa.date64(), pa.time32("s"), pa.time64("ns"), pa.duration("ms"), pa.null(), pa.string_view()]
TYPES += [
    pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "+05:30", "Europe/Rome")
]
TYPES += [
    pa.decimal128(38, 0),
    pa.decimal128(5, 2),
    pa.decimal256(76, 10),
    pa.list_(pa.int8()),
    pa.list_view(pa.string()),
]
TYPES += [pa.dictionary(pa.int8(), pa.string()), pa.struct([("a", pa.int8())]), pa.map_(pa.string(), pa.int8())]
TYPES += [pa.binary(3), pa.month_day_nano_interval(), pa.run_end_encoded(pa.int32(), pa.int64()), pa.large_string()]
VALUES: list[Any] = [
    None,
    0,
    1,
    -1,
    127,
    1.5,
    float("nan"),
    float("inf"),
    3.5e38,
    "",
    "1",
    "a",
    "true",
    b"a",
    b"\xff\xfe\x00",
]
VALUES += [True, False, [], [1], {"a": 1}, 10**18]


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, bytes]:
    """A Parquet file of any types that can be written, with as many of the project's columns as it likes."""
    rows, columns = draw(st.integers(0, 4)), {}
    for name in draw(st.lists(st.sampled_from([*NAMES, "more", "", "a.b"]), min_size=1, unique=True)):
        kind = draw(st.sampled_from(TYPES))
        fitting = [value for value in VALUES if _can_be([value], kind)]
        values = draw(st.lists(st.sampled_from(fitting), min_size=rows, max_size=rows))
        # Each fits alone, but not always beside the others: a mapping beside a list.
        columns[name] = pa.array(values if _can_be(values, kind) else [None] * rows, kind)
    try:
        return "a.parquet", table_of(columns)
    except (pa.ArrowException, NotImplementedError):
        return "a.parquet", table_of({"n": pa.array([1.0])})


def _can_be(values: list[Any], kind: pa.DataType) -> bool:
    try:
        pa.array(values, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, NotImplementedError):
        return False
    return True


@pytest.mark.usefixtures("in_this_process")
@settings(max_examples=40, **BOUNDED)
@given(tables())
def test_any_table_ends_as_a_batch_or_a_sentence(workspace: Workspace, table: tuple[str, bytes]) -> None:
    take_in(workspace, *table)


SOUND_TABLE = table_of({name: pa.array([value, value]) for name, value in RECORD.items()})


@settings(max_examples=4, **BOUNDED)
@given(mutated([("a.parquet", SOUND_TABLE)]))
def test_a_damaged_table_ends_as_a_batch_or_a_sentence(workspace: Workspace, spoiled: tuple[str, bytes]) -> None:
    """In the reader's own process: damaged footers have been seen to kill one."""
    take_in(workspace, *spoiled)
