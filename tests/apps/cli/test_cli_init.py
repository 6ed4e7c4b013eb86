"""A project from a file: what is guessed parses, and the same file is accepted."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from tests.clients.commands import done, tiltyard
from tiltyard.examples.catalogue import EXAMPLES
from tiltyard.ingest.inference.schema_inference import infer_range
from tiltyard.workspace.workspace import open_workspace, read_project


def shapes() -> dict[str, tuple[str, bytes, list[str]]]:
    """Files of many shapes: their names, their bytes, and options of init."""
    rng = np.random.default_rng(0)
    bank = EXAMPLES["bank"].made_sample(300).deliveries[0]
    hotel = EXAMPLES["hotel"].made_sample(300).deliveries[0]
    digits = load_digits()
    pixels = pl.DataFrame({f"pixel_{i}": digits.data[:80, i].astype(int) for i in range(64)})
    rows = [{"when": f"2024-05-{day:02}T10:00:00Z", "on": bool(day % 2), "n": day / 3 if day % 4 else None,
             "said": f"a long text about day {day} and much more than that"} for day in range(1, 29)]  # fmt: skip
    typed = pl.DataFrame(
        {"uuid": [f"{i:032x}" for i in range(60)], "v": rng.normal(size=60), "cat": ["a", "b", "c"] * 20}
    )
    spelled = [f"{i},{'NA' if i % 5 else i + 0.5},x" for i in range(60)]
    dirty = [f"{'oops' if i == 7 else i},{i % 9}" for i in range(400)]
    digits_csv = pixels.with_columns(pl.Series("target", digits.target[:80])).write_csv().encode()
    return {
        "bank": ("bank.csv", bank.content, []),
        "hotel": ("hotel.csv", hotel.content, []),
        "digits": ("digits.csv", digits_csv, []),
        "json": ("rows.json", json.dumps(rows).encode(), ["--classes", "good,bad"]),
        "jsonl": ("rows.jsonl", "\n".join(map(json.dumps, rows)).encode(), []),
        "parquet": ("typed.parquet", _parquet(typed), ["--label", "cat"]),
        "nothing spelled": ("na.csv", _lines("id,v,w", *spelled), []),
        "odd names": ("odd.csv", _lines('"a, b","no","c: d","row","x{1..3}","é"', "1,2,3,4,5,6", "7,8,9,10,11,12"), []),
        "unnamed index": ("frame.csv", _lines(",v", *(f"{i},{i * i}.5" for i in range(40))), []),
        "one row": ("one.csv", _lines("a,b", "1,x"), []),
        "a little dirt": ("dirt.csv", _lines("v,w", *dirty), []),
    }


def _lines(*lines: str) -> bytes:
    """A file of these lines."""
    return "\n".join([*lines, ""]).encode()


def _parquet(frame: pl.DataFrame) -> bytes:
    """A frame as Parquet."""
    from io import BytesIO

    stream = BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


SHAPES = shapes()


def begun(folder: Path, name: str, content: bytes, *options: str) -> Any:
    """A project made from a file."""
    (folder / name).write_bytes(content)
    return done("init", folder / name, "--into", folder / "made", "--json", *options).data


@pytest.mark.parametrize("shape", SHAPES)
def test_the_file_that_made_the_project_is_accepted_by_it(tmp_path: Path, shape: str) -> None:
    name, content, options = SHAPES[shape]
    made = begun(tmp_path, name, content, *options)
    (batch,) = done("ingest", "-p", tmp_path / "made", "--json").data["batches"]
    assert (batch["state"], batch["read"], batch["quarantined"]) == ("accepted", made["rows"], made["bad_rows"])
    assert (tmp_path / "made" / "incoming" / name).read_bytes() == content


def column(made: Any, name: str) -> tuple[str, str]:
    """The part and kind that a column was guessed to have."""
    return next((one["part"], one["kind"]) for one in made["columns"] if one["column"] == name)


def test_parts_and_kinds(tmp_path: Path) -> None:
    rows = ["order_id,when,x,size,said,same,customer_id,y"]
    rows += [
        f"A-{i},2024-05-01T00:00:{i:02}Z,{i / 7:.3f},{i % 3},{'word ' * 12}{i},one,C{i % 4},{'yn'[i % 2]}"
        for i in range(60)
    ]
    made = begun(tmp_path, "orders.csv", "\n".join(rows).encode())
    assert column(made, "order_id") == ("id", "text")
    assert column(made, "when") == ("time", "timestamp")
    assert column(made, "x") == ("features", "number")
    assert column(made, "size") == ("features", "integer")
    assert column(made, "said") == ("features", "text")
    assert column(made, "same")[0] == "context"
    assert column(made, "customer_id")[0] == "context"
    assert column(made, "y")[0] == "label"
    assert made["classes"] == ["n", "y"]
    assert read_project(tmp_path / "made" / "project.yaml").display.columns == ["said"]


def test_pixels_become_one_line_and_a_picture(tmp_path: Path) -> None:
    begun(tmp_path, "digits.csv", SHAPES["digits"][1])
    text = (tmp_path / "made" / "project.yaml").read_text()
    project = read_project(tmp_path / "made" / "project.yaml")
    assert "'pixel_{0..63}': {kind: integer, min: 0, max: 40, missing: false}  # 0 to 16" in text
    assert (project.display.kind, project.display.width, project.display.levels) == ("image", 8, 16)
    assert [(one.name, one.key) for one in project.classes] == [(str(digit), str(digit)) for digit in range(10)]


def test_spellings_of_nothing_are_found_where_they_hide_numbers(tmp_path: Path) -> None:
    begun(tmp_path, "na.csv", SHAPES["nothing spelled"][1])
    project = read_project(tmp_path / "made" / "project.yaml")
    assert project.source.csv.missing == ["", "NA"]
    assert (project.columns.features["v"].kind, project.columns.features["v"].missing) == ("number", True)


def test_a_running_number_is_a_reference_and_what_cannot_be_named_is_left_out(tmp_path: Path) -> None:
    made = begun(tmp_path, "odd.csv", SHAPES["odd names"][1])
    assert (column(made, "row")[0], column(made, "x{1..3}")[0]) == ("reference", "left out")
    assert yaml.safe_load((tmp_path / "made" / "project.yaml").read_text())["columns"]["extra"] == "ignore"
    frame = tmp_path / "frame"
    frame.mkdir()
    assert column(begun(frame, "frame.csv", SHAPES["unnamed index"][1]), "")[0] == "left out"


def test_labels_that_arrive_become_annotations(tmp_path: Path) -> None:
    begun(tmp_path, "typed.parquet", SHAPES["parquet"][1], "--label", "cat")
    done("ingest", "-p", tmp_path / "made")
    assert open_workspace(tmp_path / "made").ledger.annotations.count() == 60


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
@example(0.0, 5e-324)
@settings(max_examples=300)
def test_ranges_are_wider_than_what_was_met(one: float, other: float) -> None:
    low, high = sorted([one, other])
    limits = infer_range(low, high)
    assert limits is not None
    assert limits[0] <= low
    assert limits[1] >= high
    assert (limits[0] >= 0) == (low >= 0)
    assert limits[1] - limits[0] >= high - low


FAULTS = [
    ("gone.csv", None, [], "no file at '{}/gone.csv'"),
    ("", None, [], "'{}' is a folder; name one of its files"),
    ("head.csv", b"a,b\n", [], "'head.csv': a header and no row"),
    ("data.xls", b"x", [], "'data.xls': the ending '.xls' is not known"),
    ("empty.csv", b"", [], "'empty.csv': the object is empty (0 bytes)"),
    ("l.csv", b"a,b\n1,2\n", ["--label", "bb"], "no column 'bb' in 'l.csv'; did you mean 'b'?"),
    ("l.csv", b"a,b\n1,2\n", ["--label", "b"], "column 'b' of 'l.csv' holds 1 different labels; name the classes with "
     "--classes a,b"),
    ("l.csv", b"a,b\n1,yes\n", ["--label", "b", "--classes", "yse,no"], "column 'b' holds 'yes'; did you mean 'yse'?"),
    ("l.csv", b"a,b\n1,yes\n", ["--classes", "one"], "two classes at least are needed, got 'one'"),
    ("c.csv", b"a\n" + b"x\n" * 60, [], "'c.csv': no column to learn from; label, keys and constant columns are none"),
    ("twice.csv", b"a,a\n1,2\n", [], "'twice.csv': columns that stand more than once: 'a'"),
    ("latin.csv", b"a\n\xe9\n", [], "'latin.csv': not UTF-8: byte 0xe9"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "options", "said"), FAULTS, ids=lambda one: str(one)[:30])
def test_what_cannot_make_a_project(
    tmp_path: Path, name: str, content: bytes | None, options: list[str], said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    told = tiltyard("init", tmp_path / name, "--into", tmp_path / "made", *options)
    assert told.code == 2
    assert told.err.startswith(f"tiltyard: {said.format(tmp_path)}")
    assert not (tmp_path / "made" / "project.yaml").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    begun(tmp_path, "one.csv", SHAPES["one row"][1])
    told = tiltyard("init", tmp_path / "one.csv", "--into", tmp_path / "made")
    assert told.code == 2
    assert "already exists; nothing is overwritten" in told.err


def test_init_tells_people_what_it_guessed(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_bytes(SHAPES["bank"][1])
    shown = done("init", tmp_path / "one.csv", "--into", tmp_path / "made").out
    assert f"Next: tiltyard ingest --project {tmp_path / 'made'}" in shown
    assert "The data does not contain them" in shown


def test_an_example_begins_with_its_deliveries(tmp_path: Path) -> None:
    told = done("example", "digits", tmp_path / "digits", "--json").data
    assert (told["name"], told["rows"]) == ("digits", 1797)
    assert len(list((tmp_path / "digits" / "incoming").iterdir())) == 18
    assert tiltyard("example", "digits", tmp_path / "digits").code == 2
    assert "did you mean 'digits'?" in tiltyard("example", "digts", tmp_path / "other").err


def test_an_example_takes_the_source_file_that_its_messages_ask_for(tmp_path: Path) -> None:
    missing = tiltyard("example", "hotel", tmp_path / "hotel", "--file", tmp_path / "none.csv")
    assert "no such file; name the source's file with --file" in missing.err
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", "utf-8")
    other = tiltyard("example", "hotel", tmp_path / "hotel", "--file", tmp_path / "other.csv")
    assert "not the hotel_bookings.csv that this example was made for" in other.err
    assert (missing.code, other.code, (tmp_path / "hotel").exists()) == (2, 2, False)
