"""JSON and JSON Lines: each cell as its own JSON literal, numbers digit by digit as they were written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from tiltyard.ingest.column_names import match_header
from tiltyard.stores.readers.handover import BLANKS, Handover, Refusal, Request


class Digits(str):
    """A JSON number as it was written."""

    __slots__ = ()


class RepeatedKey(ValueError):
    """An object that has a key twice."""


Parsed = tuple[int, Any, str]
"""The line where a value starts, the value (or what is wrong with it), and its text."""


def read_jsonl(path: Path, request: Request, handover: Handover) -> list[str]:
    """Hand over the rows of JSON Lines; the keys met are the answer.

    A broken line is a bad row; empty lines, and objects without a value, are none.
    """
    with path.open(encoding="utf-8-sig", newline="\n") as text:
        return _hand_over(_line_values(text), request, handover)


def read_json(path: Path, request: Request, handover: Handover) -> list[str]:
    """Hand over the rows of a JSON array of objects; the keys met are the answer.

    Raises Refusal when the file is not one whole array: where a broken array goes on cannot be known.
    """
    return _hand_over(_array_values(path.read_text(encoding="utf-8-sig")), request, handover)


def _line_values(text: Any) -> Iterator[Parsed]:
    """The value of each line that is not empty."""
    for number, line in enumerate(text, start=1):
        if line.strip():
            yield number, _value(line), line


def _value(line: str) -> Any:
    """A line's value, or the exception that says why it has none."""
    try:
        return DECODER.decode(line)
    except (ValueError, RecursionError) as error:
        return error


def _array_values(text: str) -> Iterator[Parsed]:
    """The values of an array, one after the other."""
    at, line = _skipped(text, 0), 1
    if not text.startswith("[", at):
        raise Refusal(f"JSON must be an array of objects, this begins with {text[at : at + 20]!r}; is it JSON Lines?")
    at, seen, first = _skipped(text, at + 1), 0, True
    while not (first and text.startswith("]", at)):
        line, seen = line + text.count("\n", seen, at), at
        value, end = _element(text, at, line)
        yield line, value, text[at:end]
        first, at = False, _skipped(text, end)
        if text.startswith("]", at):
            break
        if not text.startswith(",", at):
            raise Refusal(f"JSON breaks off or is malformed after line {line}: {text[at : at + 20]!r}")
        at = _skipped(text, at + 1)
    if text[at + 1 :].strip():
        raise Refusal(f"JSON goes on after the array ended: {text[at + 1 : at + 40].strip()!r}")


def _skipped(text: str, at: int) -> int:
    """The next place that is not white space."""
    return int(WHITESPACE(text, at).end())


def _element(text: str, at: int, line: int) -> tuple[Any, int]:
    """One element of the array and where it ends; a repeated key makes it a bad row, anything else ends the reading."""
    try:
        return DECODER.raw_decode(text, at)
    except RepeatedKey as error:
        return error, LENIENT.raw_decode(text, at)[1]
    except RecursionError as error:
        raise Refusal(f"JSON is nested too deep in line {line}") from error
    except ValueError as error:
        raise Refusal(f"JSON breaks off or is malformed: {error}") from error


def _hand_over(values: Iterator[Parsed], request: Request, handover: Handover) -> list[str]:
    """Rows in batches, bad ones apart; every key that any row has, in the order met."""
    handover.check_width(len(request.columns))
    met = Keys(request.columns)
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    starts: list[int] = []
    batch_rows = handover.batch_rows
    for line, value, raw in values:
        if len(request.columns) > 1 and isinstance(value, dict) and _is_blank(value):
            handover.blank += 1
            continue
        number, fault = handover.number(), _fault(value, raw)
        if fault is not None:
            handover.reject(number, line, fault, raw.strip())
            continue
        rows.append(met.named(value))
        if len(met.keys) > request.max_columns:
            handover.check_width(len(met.keys))
        numbers.append(number)
        starts.append(line)
        if len(rows) >= batch_rows:
            _flush(rows, (numbers, starts), request.columns, handover)
    _flush(rows, (numbers, starts), request.columns, handover)
    return list(met.keys)


class Keys:
    """The keys that rows had so far, by the project's own names where they are other writings of those."""

    def __init__(self, columns: list[str]) -> None:
        """Know the project's columns."""
        self._columns = columns
        self._other: dict[str, str] = {}
        self._seen: set[str] = set()
        self.keys: dict[str, None] = {}

    def named(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with the project's names."""
        if not row.keys() <= self._seen:
            for key, name in zip(row, match_header(list(row), self._columns), strict=True):
                self._seen.add(key)
                if key != name:
                    self._other[key] = name
        if self._other and not self._other.keys().isdisjoint(row):
            row = {self._name(key, row): value for key, value in row.items()}
        self.keys.update(dict.fromkeys(row))
        return row

    def _name(self, key: str, row: dict[str, Any]) -> str:
        """A key's name in a row; its own where the row has the name beside it."""
        name = self._other.get(key, key)
        return key if name in row else name


def _is_blank(row: dict[str, Any]) -> bool:
    """Whether a row has no cell: no key, or nothing but null and empty text."""
    return not any(value is not None and (type(value) is not str or value.strip(BLANKS)) for value in row.values())


def _fault(value: Any, raw: str) -> tuple[str, str] | None:
    """What is wrong with a row as such, if anything."""
    if isinstance(value, Exception):
        told = "nested too deep" if isinstance(value, RecursionError) else str(value)
        return "sound JSON", told
    if not isinstance(value, dict):
        return "a JSON object", f"a JSON {_json_type(value)}"
    if "\\u" in raw and not _is_encodable(value):  # the file is UTF-8: only an escape can bring a surrogate in
        return "text that Unicode allows", "a lone surrogate"
    return None


def _is_encodable(value: Any) -> bool:
    """Whether all text in a value can be written as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _json_type(value: Any) -> str:
    """What JSON calls a value."""
    if isinstance(value, Digits):
        return "number"
    return {str: "string", list: "array", bool: "boolean"}.get(type(value), "null")


def _flush(
    rows: list[dict[str, Any]], places: tuple[list[int], list[int]], wanted: list[str], handover: Handover
) -> None:
    """Hand over the gathered rows, column by column."""
    columns = [pa.array([_literal(row[name]) if name in row else None for row in rows], TEXT) for name in wanted]
    handover.take(pa.record_batch(columns, names=wanted), *places)
    for gathered in (rows, *places):
        gathered.clear()


def _literal(value: Any) -> str | None:
    """A cell as its JSON literal; null and an absent key are missing."""
    if type(value) is Digits or value is None:
        return value
    return QUOTED(value) if type(value) is str else _written(value)


def _written(value: Any) -> str:
    """A value as JSON, numbers digit by digit as they came."""
    if type(value) is Digits:
        return value
    if isinstance(value, dict):
        return f"{{{','.join(f'{_written(key)}:{_written(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    return QUOTED(value) if isinstance(value, str) else json.dumps(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different."""
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise RepeatedKey(f"key {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return made


TEXT = pa.large_string()
QUOTED = json.encoder.encode_basestring
LENIENT = json.JSONDecoder()
DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=Digits, parse_int=Digits, parse_constant=Digits)
WHITESPACE = json.decoder.WHITESPACE.match  # type: ignore[attr-defined]  # not in the type stubs
