"""A project begun from files as other tools write them: its file parses, names the options, and takes the data."""

import csv as csv_module
import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clients.commands import done
from tiltyard.ingest.inference.project_template import to_flow_yaml
from tiltyard.ingest.raw_batch import RawBatch
from tiltyard.schemas.errors import ObjectError
from tiltyard.schemas.project import Project
from tiltyard.stores.readers import sandbox as guarded
from tiltyard.stores.readers.child import handle_request
from tiltyard.stores.readers.format_detection import WRITTEN, detect_format
from tiltyard.workspace import new_project as project_files


def read_here(path: Path, name: str, project: Project) -> RawBatch:
    """The reader without a process of its own."""
    with TemporaryDirectory() as folder:
        request = guarded._request(path, detect_format(name, project.source.format), project, folder)
        told = handle_request(request)
        if "refused" in told:
            raise ObjectError(f"{name!r}: {told['refused']}")
        return guarded._taken_over(Path(folder), told, WRITTEN[request.format])


@pytest.fixture(autouse=True)
def _in_this_process() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project_files, "read_object", read_here)
        yield


def begun(content: str, label: str | None = "outcome", name: str = "orders.csv") -> tuple[project_files.Begun, Any]:
    """A project from a file's content, and what its file says of CSV."""
    with TemporaryDirectory() as folder:
        data = Path(folder) / name
        data.write_text(content, "utf-8", newline="")
        made = project_files.begin_project(data, Path(folder) / "made", label)
        written = yaml.safe_load((Path(folder) / "made" / "project.yaml").read_text("utf-8"))
        return made, written["source"].get("csv", {})


def lines(head: str, row: str, ending: str = "\n", **marks: str) -> str:
    """A file of sixty rows; ``{n}`` is the row's number, ``{m}`` its amount."""
    rows = [
        row.format(
            n=place, m=f"{place * 173 + 12}.{place % 9}5".replace(".", marks.get("point", ".")), o="yn"[place % 2]
        )
        for place in range(60)
    ]
    return ending.join([head, *rows, ""])


GERMAN = "order;amount;weight;outcome"
FILES: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "decimal comma": (
        lines(GERMAN, "{n};{m};1,5;{o}", point=","),
        {"delimiter": ";", "decimal": ","},
        {"amount": "number"},
    ),
    "thousands too": (
        lines(GERMAN, "{n};1.0{n:02d},50;1.234;{o}"),
        {"delimiter": ";", "decimal": ",", "thousands": "."},
        {"amount": "number", "weight": "integer"},
    ),
    "English thousands": (
        lines("order,amount,outcome", '{n},"1,0{n:02d}.50",{o}'),
        {"thousands": ","},
        {"amount": "number"},
    ),
    "whole thousands": (
        lines("order,amount,outcome", '{n},"1,0{n:02d}",{o}'),
        {"thousands": ","},
        {"amount": "integer"},
    ),
    "comma in quotes": (
        lines("order,amount,outcome", '{n},"{m}",{o}', point=","),
        {"decimal": ","},
        {"amount": "number"},
    ),
    "Swiss": (lines(GERMAN, "{n};1'0{n:02d}.5;1.5;{o}"), {"delimiter": ";", "thousands": "'"}, {"amount": "number"}),
    "points stay": (lines(GERMAN, "{n};{m};1.25;{o}"), {"delimiter": ";"}, {"amount": "number"}),
    "words with commas": (lines(GERMAN, "{n};{m};a,b;{o}"), {"delimiter": ";"}, {"amount": "number"}),
    "sep": ("sep=;\r\n" + lines(GERMAN, "{n};{m};1;{o}", "\r\n"), {"delimiter": ";"}, {"amount": "number"}),
    "spaces": (lines("order, amount, outcome", "{n}, {m}, {o}"), {"trim": True}, {"amount": "number"}),
    "spaces and quotes": (lines("order, note, outcome", '{n}, "a, {m}", {o}'), {"trim": True}, {"note": "text"}),
    "escape": (lines("order,note,outcome", '{n},"say \\"{m}\\", you",{o}'), {"escape": "\\"}, {"note": "text"}),
    "folders": (lines("order,note,outcome", '{n},"C:\\dir{n}\\",{o}'), {}, {}),
    "line break": (lines('"Total\namount",order,outcome', "{m},{n},{o}"), {}, {"Total amount": "number"}),
    "index": (lines(",amount,outcome", "{n},{m},{o}"), {}, {"amount": "number"}),
    "trailing": (lines("amount,outcome,,", "{m},{o},,"), {}, {"amount": "number"}),
    "UTC": (lines("when,amount,outcome", "2024-01-01 10:00:{n:02d} UTC,{m},{o}"), {}, {"amount": "number"}),
    "decomposed": (lines("cafe\u0301,amount,outcome", "{n},{m},{o}"), {}, {"café": "integer"}),
    "zero width": (lines("am\u200bount,order,outcome", "{m},{n},{o}"), {}, {"am\u200bount": "number"}),
    "blank rows": (lines("order,amount,outcome", "{n},{m},{o}") + ",,\n" * 40, {}, {"amount": "number"}),
    "null of MySQL": (
        lines("order,note,amount,outcome", '{n},"say \\"x{n}\\", you",\\N,{o}').replace("\\N", "1", 30),
        {"escape": "\\", "missing": ["", "\\N"]},
        {"amount": "integer"},
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_the_options_are_named_and_the_data_is_taken(name: str) -> None:
    content, options, kinds = FILES[name]
    made, csv = begun(content)
    assert csv == options
    assert {column: made.project.columns.kind_of(column) for column in kinds} == kinds
    assert (made.rows, made.bad) == (60, 0)


def test_the_command_takes_in_what_it_began_with(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(FILES["thousands too"][0].replace("order;", '"or\nder";'), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project_files, "read_object", guarded.read_object)
        done("init", tmp_path / "orders.csv", "--into", tmp_path / "made", "--label", "outcome")
    (batch,) = done("ingest", "-p", tmp_path / "made", "--json").data["batches"]
    assert (batch["state"], batch["read"], batch["accepted"]) == ("accepted", 60, 60)


def test_letters_that_cannot_be_seen_are_named_in_the_project_file() -> None:
    with TemporaryDirectory() as folder:
        data = Path(folder) / "a.csv"
        data.write_text(FILES["zero width"][0], "utf-8")
        project_files.begin_project(data, Path(folder) / "made", "outcome")
        text = (Path(folder) / "made" / "project.yaml").read_text("utf-8")
    assert "\u200b" not in text
    assert "U+200B ZERO WIDTH SPACE" in text


NAMES = st.text(st.sampled_from("ab: {}#\n\r\t\u00a0\u200b\u2028é'\"|>-&*!%@,[]?\\0.~"), max_size=6)


@settings(max_examples=40)
@given(st.lists(NAMES, min_size=1, max_size=4))
def test_any_header_makes_a_project_file_or_one_sentence(header: list[str]) -> None:
    stream = io.StringIO()
    writer = csv_module.writer(stream)
    writer.writerow(["x1", *header, "outcome"])
    writer.writerows([[place * 7 % 13, *(f"v{place % 3}" for _ in header), "yn"[place % 2]] for place in range(12)])
    refusal = ""
    try:
        made, _ = begun(stream.getvalue())
    except ObjectError as error:
        refusal = str(error)
    assert "\n" not in refusal
    assert refusal or (made.rows, made.bad) == (12, 0)


@given(
    st.recursive(
        st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    )
)
def test_what_is_written_in_one_line_is_read_back(value: Any) -> None:
    written = to_flow_yaml(value)
    assert written.isprintable()
    assert yaml.safe_load(f"key: {written}  # seen")["key"] == value
