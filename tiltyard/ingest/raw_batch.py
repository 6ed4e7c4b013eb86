"""An object's rows as they arrived, before anything is made of them, and the shape of a row in quarantine."""

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

Written = Literal["text", "json", "typed"]
"""How cells are written: plain text (CSV), one JSON literal a cell (JSON, JSON Lines), or typed (Parquet)."""

QUARANTINE_TYPES: Final = pl.Schema({"row": pl.Int64(), "line": pl.Int64(), "reasons": pl.String(), "raw": pl.String()})
"""A row in quarantine: its number in the object from 0, its line in the file from 1 (null where there are none),
a JSON list of ``{"check", "column", "value"}``, and a JSON object (or text) of the cells as they arrived."""

SHOWN_VALUE: Final = 200
"""Characters of a cell that a reason shows."""

SHOWN_CELL: Final = 2000
"""Characters of a cell that the quarantine shows; the landed object keeps them all."""


@dataclass(frozen=True, slots=True)
class RawBatch:
    """What a reader made of an object, without changing a value.

    ``cells`` has the columns that the project asks for and the object has, in the object's own writing; ``row`` and
    ``line`` (Int64, as long as ``cells``) say where each row stands. ``unreadable`` has the rows that could not be
    parsed, already in quarantine's shape. ``header`` names every column of the object in its order.
    ``blank`` rows had no cell at all: they are counted separately.
    """

    header: tuple[str, ...]
    cells: pl.DataFrame
    row: pl.Series
    line: pl.Series
    unreadable: pl.DataFrame
    written: Written
    blank: int = 0

    @property
    def read(self) -> int:
        """How many rows the object has."""
        return len(self.row) + self.unreadable.height
