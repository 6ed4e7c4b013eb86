"""A hint for a refused batch: the CSV option that its cells seem to need."""

import json
import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from tiltyard.ingest.raw_batch import Written
from tiltyard.schemas.project import CsvOptions, Project

LOOKED_AT: Final = 200
"""Bad rows that are looked at."""

SHOWN: Final = 40
"""Characters of a cell that the hint shows."""

NUMBERS: Final = ("a number", "an integer")
FULL: Final = re.compile(r"[+-]?\d{1,3}(?P<mark>[.,' \u00a0\u202f])\d{3}(?:(?P=mark)\d{3})*(?P<rest>[.,]\d+)?")
COMMA: Final = re.compile(r"[+-]?\d*,\d+")


def csv_option_hint(bad: pl.DataFrame, written: Written, project: Project) -> str:
    """The option that the first cells of some bad rows ask for, with the cell; empty where none seems to help."""
    if written != "text":
        return ""
    csv = project.source.csv
    for check, column, value in _reasons(bad):
        option = _option(value, csv) if check.startswith(NUMBERS) or check.startswith(("a time", "true")) else ""
        if option:
            return f"; column {column!r:.60} holds {value[:SHOWN]!r}: is {option}?"
    is_marked = not csv.escape and any('\\"' in raw for raw in bad["raw"].head(LOOKED_AT))
    return "; quotes stand after backslashes: is source.csv.escape a backslash?" if is_marked else ""


def _reasons(bad: pl.DataFrame) -> Iterator[tuple[str, str, str]]:
    """The first rows' reasons: check, column and cell."""
    for listed in bad["reasons"].head(LOOKED_AT):
        for reason in json.loads(listed):
            if reason["value"] is not None:
                yield reason["check"], reason["column"], str(reason["value"])


def _option(value: str, csv: CsvOptions) -> str:
    """The option with which a cell would be a number or a time.

    >>> _option("10,5", CsvOptions()), _option("1,234.50", CsvOptions()), _option(" 3", CsvOptions())
    ("source.csv.decimal ','", "source.csv.thousands ','", 'source.csv.trim true')
    """
    if value != value.strip(" \t") and value.strip() and not csv.trim:
        return "source.csv.trim true"
    full = FULL.fullmatch(value)
    if full and full["rest"]:
        asked = {"decimal": full["rest"][0], "thousands": full["mark"]}
    elif full and full["mark"] not in {csv.decimal, ","}:
        asked = {"thousands": full["mark"]}
    elif full and full["mark"] == "," and csv.decimal == ".":
        return "" if csv.thousands else "source.csv.decimal ',' or source.csv.thousands ','"
    else:
        asked = {"decimal": ","} if COMMA.fullmatch(value) else {}
    return " with ".join(f"source.csv.{name} {mark!r}" for name, mark in asked.items() if getattr(csv, name) != mark)
