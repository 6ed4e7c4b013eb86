"""How a producer writes CSV, from its first lines and cells: the options that the project file then names."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

import polars as pl

from tiltyard.ingest.casting.columns import normalize_number
from tiltyard.ingest.column_names import normalize_name
from tiltyard.ingest.inference.schema_inference import LABELS, NOTHING
from tiltyard.ingest.raw_batch import RawBatch
from tiltyard.schemas.project import CsvOptions

SEPARATOR: Final = re.compile(r'\A"?sep=(?P<mark>[^"\r\n])"?[,;\t]*\r?\n', re.IGNORECASE)
FIRST_LINES: Final = 50
MOSTLY: Final = 0.95
"""Share of the places after a delimiter that begin with a space before spaces are taken for no part of the cells."""

FITTING: Final = 0.99
"""Share of a column's cells that must be numbers in some marks."""

LOOKED_AT: Final = 2000
"""Different cells of a column that are looked at."""

MARKS: Final = [(",", ""), (",", "."), (".", ","), (".", "'"), (",", " "), (",", "\u00a0"), (",", "\u202f")]
"""Marks of fraction and thousands that are tried; where commas part the cells, the English ones come first."""

NUMERIC: Final = re.compile(r"[+-]?[\d.,' \u00a0\u202f]*\d[\d.,' \u00a0\u202f]*")
PLAIN: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def infer_delimiter(text: str) -> str:
    r"""The delimiter of a CSV's first lines: the one that parts them most often and equally.

    >>> infer_delimiter("a;b;c\n1,5;2;3\n")
    ';'
    """
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    if not lines:
        return ","
    header = lines[0]
    return max(",;\t|", key=lambda mark: (_is_even(lines, mark), header.count(mark)))


def _is_even(lines: Sequence[str], mark: str) -> bool:
    """Whether a mark is in the header and equally often in most other lines."""
    wanted = lines[0].count(mark)
    return wanted > 0 and sum(line.count(mark) == wanted for line in lines) * 2 > len(lines)


def infer_csv_options(text: str) -> dict[str, Any]:
    r"""The options that a CSV's first lines ask for, those that need none left out.

    >>> infer_csv_options("sep=;\na;b\n1;2\n"), infer_csv_options("a, b\n1, 2\n"), infer_csv_options("a,b\n1,2\n")
    ({'delimiter': ';'}, {'trim': True}, {})
    >>> infer_csv_options('a,b\n"say \\"hi\\", you",2\n')
    {'escape': '\\'}
    """
    text = _whole_header(text)
    said = SEPARATOR.match(text)
    delimiter = said["mark"] if said else infer_delimiter(text)
    found: dict[str, Any] = {} if delimiter == "," else {"delimiter": delimiter}
    places = [cell for line in text.splitlines()[1:FIRST_LINES] for cell in line.split(delimiter)[1:]]
    if places and sum(cell.startswith(" ") for cell in places) >= MOSTLY * len(places):
        found["trim"] = True
    # A backslash at a cell's end, as of a folder in Windows, is before a quote too, and none that it marks.
    marked = re.compile(rf'(?<!\\)(?:\\\\)*\\"(?!\s*(?:{re.escape(delimiter)}|\r?\n|\Z))')
    return found | ({"escape": "\\"} if marked.search(text) else {})


def infer_number_marks(raw: RawBatch, delimiter: str, label: str | None) -> tuple[dict[str, str], list[str]]:
    """The marks of fraction and thousands with which most columns are numbers, and those columns; none where plain."""
    if raw.written != "text":
        return {}, []
    cells = {
        name: _looked_at(raw.cells[name])
        for name in raw.cells.columns
        if name != label and name.lower() not in LABELS and raw.cells[name].dtype == pl.String
    }
    numeric = {name: values for name, values in cells.items() if values and NUMERIC.fullmatch(values[0])}
    plain = [name for name, values in numeric.items() if _share(values, map(PLAIN.fullmatch, values)) >= FITTING]
    others = [name for name in numeric if name not in plain]
    tried = sorted(MARKS, key=lambda marks: marks[0] == ",") if delimiter == "," else MARKS
    best: tuple[int, dict[str, str], list[str]] = (0, {}, [])
    for decimal, thousands in tried if others else []:
        csv = CsvOptions.model_validate({"decimal": decimal, "thousands": thousands})
        fit = [name for name, values in numeric.items() if _share(values, _fitting(values, csv)) >= FITTING]
        gain = len(set(fit) & set(others)) - len(set(plain) - set(fit))
        if gain > best[0]:
            marks = {"decimal": decimal, "thousands": thousands}
            usual = {"decimal": ".", "thousands": ""}
            best = gain, {name: mark for name, mark in marks.items() if mark != usual[name]}, fit
    return best[1], best[2]


def normalize_numbers(raw: RawBatch, names: Collection[str], csv: CsvOptions) -> pl.DataFrame:
    """The cells with the numbers of some columns as every program writes them: what guesses are made of."""
    return raw.cells.with_columns(
        pl.when(pl.col(name).is_in(["", *NOTHING])).then(pl.col(name)).otherwise(normalize_number(pl.col(name), csv))
        for name in names
    )


def normalize_header(header: Iterable[str]) -> list[str]:
    r"""A header's names without line breaks and other writings, where they stay apart.

    >>> normalize_header(["Total\namount", "a ", "a  "])
    ['Total amount', 'a ', 'a  ']
    """
    names = list(header)
    plain = [normalize_name(name) for name in names]
    return [short if plain.count(short) == 1 else name for name, short in zip(names, plain, strict=True)]


def _whole_header(text: str) -> str:
    """The text with its header in one line, where a quoted name in it holds line breaks."""
    lines = text.splitlines(keepends=True)
    until = next((place for place in range(1, FIRST_LINES) if "".join(lines[:place]).count('"') % 2 == 0), 0)
    return "".join(line.rstrip("\r\n") + " " for line in lines[: until - 1]) + "".join(lines[max(until - 1, 0) :])


def _looked_at(cells: pl.Series) -> list[str]:
    """A column's first different cells that are not empty."""
    return (
        cells.drop_nulls()
        .filter(~cells.drop_nulls().is_in(["", *NOTHING]))
        .unique(maintain_order=True)[:LOOKED_AT]
        .to_list()
    )


def _fitting(values: list[str], csv: CsvOptions) -> Iterator[bool]:
    """Whether each value is a number in these marks."""
    made = pl.DataFrame({"cell": values}).select(normalize_number(pl.col("cell"), csv))["cell"]
    yield from (PLAIN.fullmatch(text) is not None for text in made)


def _share(values: list[str], fits: Iterable[object]) -> float:
    """The share of values that fit."""
    return sum(map(bool, fits)) / len(values)
