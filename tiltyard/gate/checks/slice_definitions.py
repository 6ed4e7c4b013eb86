"""How the evaluation rows are cut into slices: by value, by quantile band, by the length of a text, by true label."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tiltyard.gate.inputs import CheckContext
from tiltyard.samples.long_values import shorten
from tiltyard.schemas.project import Project, inside

FEW: Final = 20
"""Values up to which a column is cut by value by itself; named in the project file, by any number of them."""

STEPS: Final = 6
"""Distinct numbers up to which a number is cut by value, not by band."""

BANDS: Final = 4
"""Quantile bands of a number, a moment or the length of a text."""

MOST: Final = 100
"""Slices that one verdict looks at: each further one makes the others' intervals wider."""

LABEL: Final = "label"


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the evaluation rows: what it is cut by, the value or band in words, and which rows are in it (n,)."""

    column: str
    value: str
    mask: NDArray[np.bool_]

    @property
    def rows(self) -> int:
        """How many labeled rows it has."""
        return int(self.mask.sum())

    @property
    def named(self) -> str:
        """The slice as a phrase.

        >>> Slice("colour", "red", np.array([True])).named
        "colour 'red'"
        """
        return f"{self.column} {self.value!r}"


def find_slices(examined: CheckContext, project: Project) -> list[Slice]:
    """The slices with enough labels, at most ``MOST``: the true labels, then those of each column."""
    found = [part for part in _all_slices(examined, project) if project.gate.slices.minimum <= part.rows]
    return [part for part in found if part.rows < len(examined.labels)][:MOST]


def unlabeled_values(examined: CheckContext, project: Project) -> list[tuple[str, str, int]]:
    """Values that the challenger was trained on and that no evaluation label has: column, value, training rows.

    Only values with at least the slices' minimum of training rows; a harm there would stay unseen.
    """
    training, least = examined.challenger.training, project.gate.slices.minimum
    found: list[tuple[str, str, int]] = []
    by_value = [(describe_value(name), inside(name), examined.rows[inside(name)]) for name in _by_value(project)]
    for shown, name, column in [(LABEL, LABEL, _labels(examined)), *by_value]:
        if name not in training.columns:
            continue
        seen = set(column.cast(pl.String).fill_null("").to_list())
        counts = training[name].cast(pl.String).fill_null("").value_counts().sort(name).rows()
        if len(counts) <= FEW or shown in map(describe_value, project.gate.slices.columns):
            missed = [(value, rows) for value, rows in counts if rows >= least and value not in seen]
            found += [(shown, shorten(value), rows) for value, rows in missed]
    return found


def describe_value(name: str) -> str:
    """What a project's column is called among slices, where ``label`` is the true label.

    >>> describe_value("age"), describe_value("label")
    ('age', "column 'label'")
    """
    return f"column {name!r}" if name == LABEL else name


def columns_to_slice(project: Project) -> list[str]:
    """The columns named in the project file; else every feature and the time, a picture's pixels aside."""
    if project.gate.slices.columns:
        return list(project.gate.slices.columns)
    pixels = set(project.display.columns) if project.display.kind == "image" else set()
    features = [name for name in project.columns.features if name not in pixels]
    return [*features, *([project.columns.time] if project.columns.time else [])]


def _by_value(project: Project) -> list[str]:
    """The columns to slice whose kind is cut by value."""
    kinds = {"category", "boolean"}
    return [name for name in columns_to_slice(project) if project.columns.kind_of(name) in kinds]


def _labels(examined: CheckContext) -> pl.Series:
    """The true labels as a column."""
    return pl.Series(LABEL, examined.labels.tolist(), dtype=pl.String)


def _all_slices(examined: CheckContext, project: Project) -> Iterator[Slice]:
    """Every slice, small ones too, in an order that does not depend on the rows' order."""
    yield from slice_by_value(LABEL, _labels(examined))
    for name in columns_to_slice(project):
        yield from _of_column(name, examined.rows[inside(name)], project)


def _of_column(name: str, column: pl.Series, project: Project) -> Iterator[Slice]:
    """The slices of one column, as its kind asks."""
    kind = project.columns.kind_of(name)
    if kind in {"category", "boolean"}:
        few = column.n_unique() <= FEW or name in project.gate.slices.columns
        yield from slice_by_value(describe_value(name), column.cast(pl.String)) if few else ()
    elif kind == "text" and name in project.columns.features:
        yield from _bands(f"length of {name}", column.str.len_chars().cast(pl.Float64))
    elif kind == "text":
        yield from slice_by_value(describe_value(name), column) if name in project.gate.slices.columns else ()
    elif kind == "timestamp":
        yield from _bands(describe_value(name), column.dt.epoch("s").cast(pl.Float64), moments=True)
    elif column.drop_nulls().n_unique() <= STEPS:
        yield from slice_by_value(describe_value(name), column.cast(pl.String))
    else:
        yield from _bands(describe_value(name), column.cast(pl.Float64))


def slice_by_value(name: str, column: pl.Series) -> Iterator[Slice]:
    """One slice per value, the missing ones a slice too."""
    # Not as an array of text: each of its cells takes the room of the longest one.
    cells = column.fill_null("(missing)")
    for value in sorted(cells.unique().to_list()):
        yield Slice(name, shorten(value), (cells == value).to_numpy())


def _bands(name: str, column: pl.Series, *, moments: bool = False) -> Iterator[Slice]:
    """Quantile bands of the numbers that are there, and the missing ones."""
    numbers = column.fill_null(float("nan")).to_numpy()
    known = np.isfinite(numbers)
    if known.any():
        edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, BANDS + 1)[1:-1], method="higher"))
        edges = edges[edges < numbers[known].max()]
        band = np.where(known, np.searchsorted(edges, numbers, side="left"), -1)
        for number in np.unique(band[known]) if len(edges) else ():
            yield Slice(name, _band_name(edges, int(number), moments), band == number)
    if not known.all():
        yield Slice(name, "(missing)", ~known)


def _band_name(edges: NDArray[np.float64], number: int, moments: bool) -> str:
    """A band in words: where it begins and where it ends."""
    ends = [_edge(float(edge), moments) for edge in edges]
    if number == 0:
        return f"up to {ends[0]}"
    return f"above {ends[-1]}" if number == len(edges) else f"above {ends[number - 1]} up to {ends[number]}"


def _edge(edge: float, moments: bool) -> str:
    """An edge as people write it; seconds since 1970 as a day.

    >>> _edge(0.25, False), _edge(0.0, True)
    ('0.25', '1970-01-01')
    """
    if not moments:
        return f"{edge:.4g}"
    return str(np.datetime64(int(edge), "s").astype("datetime64[D]"))
