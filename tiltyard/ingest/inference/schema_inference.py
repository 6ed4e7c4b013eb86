"""Schema inference: from raw rows to kinds, parts, ranges and spellings of empty cells for a project file.

Every guess is tried with the very rules that will cast and check the rows, so that what is guessed is accepted.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import polars as pl

from tiltyard.ingest.casting.cells import cast_cells
from tiltyard.ingest.casting.columns import to_plain_text
from tiltyard.ingest.casting.lossless import EXACT_FLOAT64, NUMBER, shortest_decimal
from tiltyard.ingest.raw_batch import RawBatch
from tiltyard.schemas.project import Kind, Project
from tiltyard.schemas.project.class_names import spellings
from tiltyard.schemas.project.columns import REPEATED, misfit_of_column

Part = Literal["id", "time", "features", "context", "reference", "label", "left out"]

NOTHING: Final = (
    "NA",
    "N/A",
    "n/a",
    "NaN",
    "nan",
    "NULL",
    "null",
    "None",
    "none",
    "NaT",
    "?",
    "-",
    ".",
    "\\N",
    "(missing)",
)
"""Spellings of an empty cell that producers use; each is taken only in columns where it cannot be a value."""

TRIED: Final[tuple[Kind, ...]] = ("integer", "number", "timestamp", "boolean")
KEY: Final = re.compile(r"(?:(?:^|[^A-Za-z])(?i:id|key|uuid|guid)|[a-z]I[dD])$")
PLACE: Final = re.compile(r"^$|^unnamed|(^|[^a-z])(row|index|idx|line|nr|no|number)$|^row", re.IGNORECASE)
LABELS: Final = ("label", "target", "class", "y", "outcome", "answer")
TOLERATED: Final = 0.01
FEW_ROWS: Final = 200
SERIES: Final = 8
"""Columns that make a numbered series."""

LARGEST: Final = 1e15
"""Beyond this no range is guessed: such numbers are codes or moments."""

FINEST: Final = -300
"""The finest place to round to: below it a power of ten underflows."""

ROWS_TO_REQUIRE: Final = 50
"""Rows that must all be filled before a column is said to be never empty."""


@dataclass(frozen=True, slots=True)
class InferredColumn:
    """What one column seems to be.

    ``seen`` says it in words, ``low`` and ``high`` are the values that were met; ``whole`` says that every cell was
    filled and fits its kind; ``missing_as`` are its own spellings of nothing, where another column has them as values.
    """

    name: str
    part: Part
    kind: Kind = "text"
    missing: bool = False
    whole: bool = False
    low: float | int | None = None
    high: float | int | None = None
    seen: str = ""
    missing_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Tried:
    """A column as one kind: its cells, how many are not of that kind, how many are empty."""

    kind: Kind
    typed: pl.Series
    bad: int
    empty: int


@dataclass(frozen=True, slots=True)
class InferredSchema:
    """What a whole file seems to be: its columns in their order, its spellings of nothing, its labels' classes."""

    columns: tuple[InferredColumn, ...]
    nothing: tuple[str, ...]
    classes: tuple[str, ...]
    counts: dict[str, int]

    def of(self, part: Part) -> list[InferredColumn]:
        """The columns that play a part."""
        return [guess for guess in self.columns if guess.part == part]

    @property
    def label(self) -> str | None:
        """The column whose labels arrive with the rows, if there is one."""
        return next((guess.name for guess in self.of("label")), None)


def is_usable_name(name: str) -> bool:
    """Whether a project file can name a column.

    >>> is_usable_name("label"), is_usable_name("*"), is_usable_name("x{1..3}")
    (True, False, False)
    """
    return not REPEATED.match(name) and not misfit_of_column(name)


def infer_schema(raw: RawBatch, label: str | None) -> InferredSchema:
    """What a project file may say of some rows; ``label`` names the column that brings labels, if the user did."""
    names = [name for name in raw.header if is_usable_name(name) and name in raw.cells.columns]
    label = label or next((name for name in raw.header if _looks_like_labels(raw, name, names)), None)
    asked = [name for name in names if name != label]
    nothing = _spellings_of_nothing(raw, asked)
    shared = _shared_spellings(raw, asked, nothing)
    found = [_guess(raw, name, nothing.get(name, (*shared,)), shared) for name in asked]
    counts = merge_spellings(count_labels(raw, label)) if label else {}
    left_out = [
        InferredColumn(name, "left out", seen="its name cannot be used") for name in raw.header if name not in names
    ]
    labels = [InferredColumn(label, "label", seen=f"{len(counts)} classes")] if label else []
    return InferredSchema((*_one_key_one_time(found), *labels, *left_out), shared, tuple(_in_order(counts)), counts)


def count_labels(raw: RawBatch, label: str) -> dict[str, int]:
    """The count of each label in a column; cells that cannot be a label are left out.

    Every cell but an empty one is a label: a class may be called ``None``. Where all labels are numbers, each counts
    under its shortest digits: pandas writes 1 as ``1.0`` where a label is missing elsewhere. Labels that are the same
    but for case, space or how letters are written count under the commonest spelling.
    """
    other = next((name for name in raw.cells.columns if name != label and is_usable_name(name)), None)
    if other is None:
        return {}
    typed = cast_cells(raw, _probe({"label": label, "features": {other: {"kind": "text"}}}, [""])).typed
    counted = typed[label].drop_nulls().value_counts(sort=True, name="_count")
    numeric = all(NUMBER.fullmatch(name) for name in counted[label])
    counts: dict[str, int] = {}
    known: dict[str, str] = {}
    for name, count in zip(counted[label].to_list(), counted["_count"].to_list(), strict=True):
        written = shortest_decimal(name) if numeric else name
        forms = (written, *spellings(written))
        same = next((known[form] for form in forms if form in known), written)
        known |= dict.fromkeys(forms, same)
        counts[same] = counts.get(same, 0) + count
    return counts


def merge_spellings(counts: dict[str, int]) -> dict[str, int]:
    """The labels with spellings of the same class counted as the most frequent of them, which stands for all.

    >>> merge_spellings({"Spam": 3, "ham": 9, "spam ": 1})
    {'ham': 9, 'Spam': 4}
    """
    found: dict[str, int] = {}
    by_form: dict[str, str] = {}
    for name in sorted(counts, key=lambda one: (-counts[one], one)):
        forms = spellings(name)
        first = next((by_form[form] for form in forms if form in by_form), name)
        found[first] = found.get(first, 0) + counts[name]
        by_form.update({form: first for form in forms if form not in by_form})
    return found


def add_missing_spellings(guessed: InferredSchema, classes: Sequence[str]) -> InferredSchema:
    """What was guessed, once it is said which labels are classes: an usual spelling of nothing that is none is missing.

    >>> add_missing_spellings(InferredSchema((), ("",), ("None", "a", "b"), {}), ["a", "b"]).nothing
    ('', 'None')
    """
    empty = [
        name for name in guessed.classes if name in NOTHING and name not in classes and name not in guessed.nothing
    ]
    return replace(guessed, nothing=(*guessed.nothing, *empty))


def _looks_like_labels(raw: RawBatch, name: str, names: Sequence[str]) -> bool:
    """Whether a column bears a label's name and holds a few repeated values."""
    if name.lower() not in LABELS or name not in names:
        return False
    counts = count_labels(raw, name)
    return 2 <= len(counts) <= 50 and len(counts) * 3 <= sum(counts.values())


def _in_order(classes: Iterable[str]) -> list[str]:
    """Classes by number where all are numbers, else by name.

    >>> _in_order(["10", "9"]), _in_order(["b", "a"])
    (['9', '10'], ['a', 'b'])
    """
    names = list(classes)
    return sorted(names, key=float) if all(re.fullmatch(r"-?\d+", name) for name in names) else sorted(names)


def _probe(columns: dict[str, Any], nothing: Sequence[str]) -> Project:
    """A project that asks for some columns only, to see what the casting rules make of them."""
    content = {"name": "probe", "classes": ["a", "b"], "columns": {**columns, "extra": "ignore"}}
    return Project.model_validate({**content, "source": {"csv": {"missing": list(nothing)}}})


def _cast(raw: RawBatch, name: str, kind: Kind, nothing: Sequence[str]) -> _Tried:
    """One column as a kind."""
    cast = cast_cells(raw, _probe({"features": {name: {"kind": kind}}}, nothing))
    typed, bad = cast.typed[name], sum(len(failure.at) for failure in cast.failures)
    uncast = sum(typed.gather(failure.at).null_count() for failure in cast.failures)
    empty = typed.null_count() - uncast
    return _Tried(kind, typed, bad + (int((~typed.is_finite()).sum()) if kind == "number" else 0), empty)


def _spellings_of_nothing(raw: RawBatch, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The spellings of an empty cell by column: where text keeps a column from being numbers, booleans or times."""
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        met = _met(raw, name)
        if met and (fit := _kind(raw, name, ["", *NOTHING])) is not None and fit.kind in TRIED:
            found[name] = ("", *(spelling for spelling in NOTHING if spelling in met))
    return found


def _shared_spellings(raw: RawBatch, names: Iterable[str], nothing: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The spellings that hold for the whole file: those that no other column has as a value."""
    values = set().union(*(_met(raw, name) for name in names if name not in nothing))
    met = {spelling for spellings in nothing.values() for spelling in spellings} - values
    return ("", *(spelling for spelling in NOTHING if spelling in met))


def _met(raw: RawBatch, name: str) -> set[str]:
    """The usual spellings of an empty cell that occur in a column of text."""
    cells = raw.cells[name]
    return set(to_plain_text(cells, raw.written).unique()) & set(NOTHING) if cells.dtype == pl.String else set()


def _kind(raw: RawBatch, name: str, nothing: Sequence[str]) -> _Tried | None:
    """A column as the kind that fits most of its cells, none if no kind fits."""
    tried = [_cast(raw, name, kind, nothing) for kind in TRIED]
    best = min(tried, key=lambda one: one.bad)
    there = len(best.typed) - best.typed.null_count()
    if there and best.bad <= (TOLERATED * there if there >= FEW_ROWS else 0) and not _loses_digits(raw, name, best):
        return best
    text = _cast(raw, name, "text", nothing)
    return text if text.bad == 0 else None


def _loses_digits(raw: RawBatch, name: str, tried: _Tried) -> bool:
    """Whether numbers would lose what a code says: zeros in front, or digits that a float64 does not hold."""
    cells = raw.cells[name]
    if tried.kind not in {"integer", "number"}:
        return False
    if cells.dtype == pl.String and cells.str.contains(r'^"?[+-]?0\d').any():
        return True
    large = tried.typed.abs() > EXACT_FLOAT64
    return tried.kind == "number" and bool(
        to_plain_text(cells.filter(large), raw.written).str.contains(r"^[+-]?\d+$").any()
    )


def _guess(raw: RawBatch, name: str, nothing: Sequence[str], shared: Sequence[str]) -> InferredColumn:
    """What one column seems to be, its neighbours aside."""
    tried = _kind(raw, name, nothing)
    if tried is None:
        return InferredColumn(name, "left out", seen="its values are of several types, or nested")
    kind, typed, bad, empty = tried.kind, tried.typed, tried.bad, tried.empty
    own = () if set(nothing) <= set(shared) else tuple(nothing)
    values = typed.drop_nulls()
    if values.is_empty():
        return InferredColumn(name, "context", "text", missing=True, seen="empty in every row")
    if _is_key(name, kind, values, len(typed)):
        return InferredColumn(name, "reference" if _is_running(kind, values) else "id", kind, seen=_seen(values))
    kind = _text_or_category(values) if kind == "text" else kind
    is_few = raw.read < ROWS_TO_REQUIRE
    is_constant = values.n_unique() == 1 and not is_few and not _is_one_of_many(name, raw.header)
    aside = is_constant or (KEY.search(name) is not None and kind not in {"number", "timestamp"})
    missing, whole = empty > 0 or is_few, not (empty or bad)
    made = InferredColumn(name, "features", kind, missing, whole=whole, seen=_seen(values, bad), missing_as=own)
    return replace(made, part="context") if aside else _with_range(made, values)


def _is_one_of_many(name: str, header: Sequence[str]) -> bool:
    """Whether a column is one of a numbered series, such as a picture's pixels: there a constant one stays.

    >>> _is_one_of_many("p3", [f"p{i}" for i in range(9)]), _is_one_of_many("p3", ["p3", "p4"])
    (True, False)
    """
    head = name.rstrip("0123456789")
    return head != name and sum(other.rstrip("0123456789") == head != other for other in header) >= SERIES


def _with_range(made: InferredColumn, values: pl.Series) -> InferredColumn:
    """The guess with the values between which a number was met, where a range can be drawn around them."""
    if made.kind not in {"integer", "number"}:
        return made
    low: Any = values.min()
    high: Any = values.max()
    return replace(made, low=low, high=high) if infer_range(low, high) else made


def _is_key(name: str, kind: Kind, values: pl.Series, rows: int) -> bool:
    """Whether a column seems to name its rows: by its own name, and a different value in each."""
    named = KEY.search(name) or PLACE.search(name)
    return bool(named) and kind in {"integer", "text"} and values.n_unique() == rows > 1


def _is_running(kind: Kind, values: pl.Series) -> bool:
    """Whether the values are 0, 1, 2 ... or another count: a position in the file is not a property of the sample."""
    return kind == "integer" and bool((values.diff().drop_nulls() == 1).all())


def _text_or_category(values: pl.Series) -> Kind:
    """Free text, or a few words that come again."""
    long = float(values.str.len_chars().mean() or 0) > 40  # type: ignore[arg-type]  # a mean of lengths is a float
    many = values.n_unique() > 50 and values.n_unique() * 2 > len(values)
    return "text" if long or many else "category"


def _seen(values: pl.Series, bad: int = 0) -> str:
    """What was met in a column, in words."""
    told = _told(values)
    return f"{told}; {bad} cells do not fit" if bad else told


def _told(values: pl.Series) -> str:
    """A column's values in words: the range of what has an order, else the commonest values."""
    if values.dtype.is_numeric() or values.dtype == pl.Datetime:
        low, high = values.min(), values.max()
        return f"{low!s} to {high!s}"
    if values.n_unique() > 8:
        return f"{values.n_unique()} different values"
    return ", ".join(sorted(str(value)[:30] for value in values.unique()))


def _one_key_one_time(found: Sequence[InferredColumn]) -> list[InferredColumn]:
    """The guesses with one producer's key at most, and the first whole column of times as the rows' time."""
    keys = [guess.name for guess in found if guess.part == "id"]
    times = [one.name for one in found if one.kind == "timestamp" and one.part == "features" and one.whole]
    parts: dict[str, Part] = dict.fromkeys(keys[1:], "reference")
    parts |= dict.fromkeys(times[:1], "time")
    return [replace(guess, part=parts.get(guess.name, guess.part)) for guess in found]


def infer_range(low: float, high: float) -> tuple[float, float] | None:
    """A range with the whole span of what was met added on each side, rounded outwards; none for huge numbers.

    What was never negative (or never positive) stays so.

    >>> infer_range(18, 95), infer_range(-3.4, 1.4), infer_range(5, 5)
    ((0, 200), (-9, 7), (0, 10))
    """
    if max(abs(low), abs(high)) > LARGEST:
        return None
    span = (high - low) or max(abs(high), 1)
    bottom = 0 if low >= 0 else -_rounded_up(span - low)
    top = 0 if low < 0 and high <= 0 else _rounded_up(high + span)
    return bottom, top


def _rounded_up(value: float) -> float:
    """The next number upwards with one digit that is not zero; a fraction keeps its place.

    >>> _rounded_up(172), _rounded_up(0.031), _rounded_up(0)
    (200, 0.04, 0)
    """
    if value <= 0:
        return 0
    power = max(math.floor(math.log10(value)), FINEST)
    digit = math.ceil(value / 10.0**power)
    return digit * 10**power if power >= 0 else round(digit * 10.0**power, -power)
