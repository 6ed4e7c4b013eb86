"""A project file may be anything: it is a project or one sentence that says where it is wrong, and soon."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.projects.small_project import CONTENT
from tiltyard.ingest.inference.project_yaml import MOST_BYTES, decode_project_file, parse_yaml
from tiltyard.schemas.errors import ProjectFileError
from tiltyard.schemas.project import Project, parse_project

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*/project.yaml"))
TEXTS = [yaml.safe_dump(CONTENT), *(path.read_text("utf-8") for path in EXAMPLES)]
SECONDS = 3.0
"""Processor seconds of this thread, so that other programs on the machine do not count."""
"""About one on a machine that does nothing else."""

BASE = "name: p\nclasses: [a, b]\ncolumns: {features: {x: {kind: number}}}\n"
TOKENS = [
    "~", "null", "yes", "no", "010", "1_000", "0x1F", ".inf", "-.inf", ".nan", "1e999", "-1", "0", "1e308", "9" * 5000,
    "2024-02-30", "12:60", "*a", "&a [*a]", "!!python/object:os.system x", "!!int x", "<<", "<<: 1", "{", "[", "}", "]",
    "- -", "? x", "|", ">", "'", '"', "#", "%", "@", "`", "---", "...", "\t", "\x00", "\x1b[2J", "\u202e", "\ufeff",
    "\ud800", '"\\e[2J"', '"\\uD800"', '"\\0"', "x{0..999999999}", "x{9..1}", "x{1..2}", "[" * 200, "{a: " * 200,
    "\u0441", "cafe\u0301", "a" * 300, "[]", "{}", "1" * 39, "-9223372036854775809", "18446744073709551616",
]  # fmt: skip


def read(text: str) -> Project:
    """What opening a project does with its file."""
    content = text.encode("utf-8", "surrogatepass")
    return parse_project(parse_yaml(decode_project_file(content, "project.yaml"), "project.yaml"), "project.yaml")


def is_sane(text: str) -> Project | str:
    """The project, or the sentence that refuses it; both within the time."""
    begun = time.thread_time()
    found: Project | str
    try:
        found = read(text)
        assert len(found.project_hash) == 64
    except ProjectFileError as error:
        found = str(error)
        assert found.startswith("project.yaml: ")
        assert len(found) < 4000
        assert "\x1b" not in found
        assert "Traceback" not in found
    assert time.thread_time() - begun < SECONDS
    return found


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A valid project file with some of its text changed."""
    lines = draw(st.sampled_from(TEXTS)).split("\n")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        line, token = lines[at], draw(st.sampled_from(TOKENS) | st.text(max_size=8))
        cut = draw(st.integers(0, len(line)))
        how = draw(st.sampled_from(["value", "insert", "twice", "drop", "indent", "key"]))
        lines[at : at + 1] = {
            "value": [f"{line.split(':')[0]}: {token}"],
            "insert": [line[:cut] + token + line[cut:]],
            "twice": [line, line],
            "drop": [],
            "indent": ["  " + line],
            "key": [f"{token}: {line.split(':', 1)[-1]}"],
        }[how] or [""]
    return "\n".join(lines)


@given(mutated())
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_changed_project_file_is_a_project_or_one_sentence(text: str) -> None:
    is_sane(text)


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(TOKENS[:20])
    | st.sampled_from([10**40, -(10**40), 2**63, 2**53 + 1, 1e308, float("inf"), float("nan"), "x{0..49999}"])
)  # fmt: skip
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner))


@st.composite
def replaced(draw: st.DrawFn) -> dict[str, Any]:
    """A valid project file's content with one value, somewhere, replaced."""
    content: Any = yaml.safe_load(draw(st.sampled_from(TEXTS)))
    part, whole = content, content
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        key = draw(st.sampled_from(keys))
        if isinstance(part[key], dict | list) and part[key] and draw(st.integers(0, 3)):
            part = part[key]
            continue
        part[key] = draw(VALUES)
        return dict(whole)


@given(replaced())
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_changed_value_is_taken_or_refused_in_one_sentence(content: dict[str, Any]) -> None:
    begun, told = time.thread_time(), ""
    try:
        assert len(parse_project(content, "project.yaml").project_hash) == 64
    except ProjectFileError as error:
        told = str(error)
    assert len(told) < 4000
    assert time.thread_time() - begun < SECONDS


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_bytes_of_any_kind_are_refused_in_one_sentence(content: bytes) -> None:
    text, told = "", ""
    try:
        text = decode_project_file(content, "project.yaml")
    except ProjectFileError as error:
        told = str(error)
    assert told == "" or "UTF-8" in told
    is_sane(text)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + step)}: &{chr(98 + step)} [{', '.join(['*' + chr(97 + step)] * 9)}]\n" for step in range(12)
)
REFUSED = {
    "an alias bomb": (BOMB, "more than 120,000 values, aliases counted"),
    "an alias of itself": ("a: &a [*a]", "stands for nothing that is complete"),
    "a million entries": ("retired: [" + "x," * 1_000_000 + "]", "more than 120,000 values"),
    "deep lists": ("a: " + "[" * 100_000, "nested deeper"),
    "deep mappings": ("{a: " * 100_000, "nested deeper"),
    "a long number": (BASE + f"seed: {'9' * 5000}", "line 4 .*5,000 characters"),
    "a key twice": (BASE + "name: q", "line 4.*'name' stands twice.*line 1"),
    "a column twice": ("columns:\n  features:\n    x: {kind: number}\n    x: {kind: text}", "line 4.*'x' stands twice"),
    "an infinity": (BASE + "gate: {margin: .inf}", r"gate.margin.*\.inf is not a number"),
    "no number": (BASE + "gate: {margin: .nan}", "nan is not a number"),
    "a huge number": (BASE + "gate: {margin: 1e999}", "1e999 is larger than"),
    "an infinity as text": (BASE + "gate: {margin: 'inf'}", "gate.margin: .*finite"),
    "digits to the base of 8": (BASE + "seed: 010", "may be read to the base of 8 or 10"),
    "a tag": (BASE + "seed: !!python/object:os.system 1", "tag .* is not taken"),
    "two documents": (BASE + "---\nname: q", "a second document"),
    "an escape": (BASE + 'description: "\\e[2J"', r"description.*U\+001B"),
    "a control character": (BASE + "description: \x07", r"line 4: U\+0007"),
    "a key that is a list": (BASE + "? [a]\n: b", "a key is a list"),
    "a range of a billion": (BASE.replace("x:", "'x{0..999999999}':"), "50,000"),
    "a range backwards": (BASE.replace("x:", "'x{9..1}':"), "backwards"),
    "a range over a column": (BASE.replace("x:", "x1: {kind: number}, 'x{0..3}':"), "'x1' stands twice"),
    "limits backwards": (BASE.replace("kind: number", "kind: number, min: 2, max: 1"), "min 2 is above max 1"),
    "a delimiter that is the quote": (BASE + "source: {csv: {delimiter: '\"'}}", "three different marks"),
    "a line end as delimiter": (BASE + 'source: {csv: {delimiter: "\\n"}}', "ends a line"),
    "days beyond the calendar": (BASE + "gate: {watch: {days: 1e30}}", "gate.watch.days.*36500"),
    "a grid without end": (
        BASE + f"candidates: [{{name: c, estimator: a.b, grid: {{p: {list(range(200))}, q: {list(range(200))}}}}}]",
        "40,000 combinations",
    ),
    "classes that look alike": (BASE.replace("[a, b]", "[cat, \u0441at]"), r"U\+0441 CYRILLIC SMALL LETTER ES"),
    "classes that differ by case": (BASE.replace("[a, b]", "[Yes, yes]"), "the same but for case"),
    "an accent of two kinds": (BASE.replace("[a, b]", "[café, cafe\u0301]"), r"U\+0301"),
    "a broken quote": (BASE + "description: '", "line 4, column 15: not a YAML file"),
    "a tab": ("name:\n\tp", "line 2, column 1: not a YAML file"),
    "nothing": ("", "holds nothing"),
    "a list": ("- a", "mapping of keys"),
    "more than a file": (BASE + "#" * MOST_BYTES, "at most 4,000,000 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_each_trap_is_refused_where_it_stands(case: str) -> None:
    text, why = REFUSED[case]
    begun = time.thread_time()
    with pytest.raises(ProjectFileError, match=why) as told:
        read(text)
    assert time.thread_time() - begun < SECONDS
    assert len(str(told.value)) < 1000


def test_plain_words_are_text_where_text_is_wanted() -> None:
    text = (
        "name: p\nclasses: [yes, no, on, 010, 1_000, ~, 1e3, 2024-02-30, 0x1F, {name: off, key: y}]\npositive: no\n"
        "retired: [null, 12:30]\ncosts: {no: {yes: 2}}\n"
        "source: {csv: {missing: [~, NA, '', .nan], delimiter: \"\\x01\"}}\n"
        "columns: {id: no, features: {on: {kind: category, allowed: [NO, yes, 1]},\n"
        "  y: {kind: number, min: 1_0, max: 1e3}}}\n"
    )
    project = read(text)
    assert project.class_names == ["yes", "no", "on", "010", "1_000", "~", "1e3", "2024-02-30", "0x1F", "off"]
    assert (project.positive, project.retired) == ("no", ["null", "12:30"])
    assert project.costs == {"no": {"yes": 2.0}}
    assert project.source.csv.missing == ["~", "NA", "", ".nan"]
    assert project.columns.features["on"].allowed == ["NO", "yes", "1"]
    assert (project.columns.features["y"].min, project.columns.features["y"].max) == (10, 1000)
    assert project.columns.id == "no"
    assert read("positive: ~\n" + BASE).positive is None


@pytest.mark.parametrize("text", TEXTS)
def test_valid_files_mean_what_they_meant(text: str) -> None:
    content = yaml.safe_load(text)
    assert read(text) == parse_project(content, "project.yaml")


def seconds_for(columns: int) -> float:
    """Processor seconds to read a file with so many columns, the best of three."""
    lines = [f"    column_{n}: {{kind: number, min: 0, max: 200, missing: false}}  # 1 to 100" for n in range(columns)]
    text = "name: p\nclasses: [a, b]\ncolumns:\n  features:\n" + "\n".join(lines) + "\n"
    taken = []
    for _ in range(3):
        begun = time.thread_time()
        found = read(text)
        taken.append(time.thread_time() - begun)
        assert len(found.columns.features) == columns
    return min(taken)


def test_a_wide_file_takes_time_in_proportion_to_its_columns() -> None:
    assert seconds_for(8_000) < 8 * seconds_for(2_000), "four times the columns, not sixteen times the time"


def test_a_range_of_columns_is_read() -> None:
    wide = is_sane("name: p\nclasses: [a, b]\ncolumns: {features: {'x{0..49999}': {kind: number}}}")
    assert isinstance(wide, Project)
