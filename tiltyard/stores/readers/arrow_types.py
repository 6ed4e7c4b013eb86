"""Arrow's types as the rest of the product bears them: what Parquet can hold and polars cannot is changed without loss,
shown as text, or refused by the column's name, here, in the reader's own process."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from tiltyard.ingest.casting.lossless import shortest_decimal
from tiltyard.stores.readers.handover import Refusal

MOST_DIGITS: Final = 38
"""Digits of a decimal that 128 bits hold."""


def is_text(kind: pa.DataType) -> bool:
    """Whether a column holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def plain(column: pa.Array) -> pa.Array:
    """A column without what only says how it is stored: dictionaries, extension types, views, narrow decimals, zones.

    Times with a zone become the same moments in UTC; ``bool8`` becomes booleans, ``arrow.json`` its text, decimals of
    more digits than polars bears their digits as text.
    """
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _storage(column)
    if pa.types.is_dictionary(kind):
        value = kind.value_type
        return plain(pc.cast(column, pa.large_string() if is_text(value) else value))
    if pa.types.is_run_end_encoded(kind):
        return plain(pc.run_end_decode(column))
    if pa.types.is_decimal(kind) and kind.precision > MOST_DIGITS:
        return pa.array([_digits(value.as_py()) for value in column], pa.large_string())
    wanted = _plain_type(kind)
    return column if wanted == kind else pc.cast(column, wanted)


def _digits(value: Decimal | None) -> str | None:
    """A decimal's digits, without insignificant zeros."""
    return None if value is None else shortest_decimal(f"{value:f}")


def _storage(column: pa.ExtensionArray) -> pa.Array:
    """The values of an extension type: booleans, UUIDs in their usual text, else as they are stored."""
    name = column.type.extension_name
    if name == "arrow.bool8":
        return pc.not_equal(column.storage, 0)
    if name == "arrow.uuid":
        return pa.array([_as_text(value) for value in column], pa.large_string())
    return plain(column.storage)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """The type with the same values that is borne everywhere; the type itself where it is, or where there is none."""
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.large_binary()
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_decimal(kind) and kind.bit_width != 128 and kind.precision <= MOST_DIGITS:
        return pa.decimal128(kind.precision, kind.scale)
    return kind


def bearable(column: pa.Array, name: str, is_asked: bool) -> pa.Array:
    """The column where its type is borne, else its values as text for people, who see why the object is refused.

    Raises Refusal for a column that the project asks for (``is_asked``): no kind of column takes such values.
    """
    if _is_borne(column.type):
        return column
    if is_asked:
        raise Refusal(
            f"column {name!r} is of the type {column.type}, which no kind of column takes; "
            "write it as a number, a text or a time"
        )
    return pa.array([_as_text(value) for value in column], pa.large_string())


def _is_borne(kind: pa.DataType) -> bool:
    """Whether a type, and each type in it, is one that polars takes."""
    if pa.types.is_struct(kind):
        return all(_is_borne(kind.field(place).type) for place in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _is_borne(kind.value_type)
    if pa.types.is_timestamp(kind):
        return kind.tz in {None, "UTC"}
    simple = (
        pa.types.is_null,
        pa.types.is_boolean,
        pa.types.is_integer,
        pa.types.is_float32,
        pa.types.is_float64,
        pa.types.is_decimal128,
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_date,
        pa.types.is_time,
    )
    return any(one(kind) for one in simple)


def _as_text(value: pa.Scalar) -> str | None:
    """A value of any type as text; its type where Python has no such value."""
    if not value.is_valid:
        return None
    try:
        return str(value.as_py())
    except (ArithmeticError, ValueError, TypeError, NotImplementedError):
        return f"<{value.type}>"


def is_bytes(kind: pa.DataType) -> bool:
    """Whether a column holds bytes, as some writers call text."""
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def undecodable(column: pa.Array) -> Iterator[tuple[int, bytes]]:
    """The places (from 0) and bytes of the values of a text or bytes column that are not UTF-8; none elsewhere."""
    if is_bytes(column.type):
        column = column.cast(pa.large_binary()).view(pa.large_string())
    if not is_text(column.type):
        return
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        values: list[Any] = column.cast(pa.large_binary()).to_pylist()
        for place, value in enumerate(values):
            if value is not None and not _is_utf8(value):
                yield place, value


def _is_utf8(value: bytes) -> bool:
    """Whether bytes are text in UTF-8."""
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
