"""Deals the bookings as 26 months of arrival, July 2015 to August 2017, exactly as dirty as they came.

`reservation_status` and its date say the answer in other words, so they are not dealt. Two columns are added:
`arrival` (year, month and day in one) and `row_id` (the row's place in the source). Nothing is planted: 180
bookings without guests, two impossible rates, undefined channels and a quarter of exact repeats are enough.

Rows that repeat in everything but their row id are one sample. In 265 such groups (1,812 rows) the source has
both answers; the answer that counts is that of the row which arrived first.
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Final

from tiltyard.examples.dealing import Deal, Delivery, Row, read_rows, without_label, write_rows

REFERENCE: Final = "row_id"
LABEL: Final = "is_canceled"
MONTHS: Final = read_rows(
    b"January February March April May June July August September October November December\n", " "
)[0]
LEAKS: Final = frozenset({"reservation_status", "reservation_status_date"})


def deal(content: bytes, seed: int) -> Deal:  # noqa: ARG001 - all examples are dealt alike; here chance has no part
    """The months in their order and the answers by row id."""
    (header, *bookings), answers = without_label(read_rows(content), LABEL, REFERENCE)
    kept = itemgetter(*(place for place, name in enumerate(header) if name not in LEAKS))
    date = itemgetter(*(header.index(f"arrival_date_{part}") for part in ("year", "month", "day_of_month")))
    months: defaultdict[str, list[Row]] = defaultdict(list)
    for booking in bookings:
        arrival = _arrival(*date(booking))
        months[arrival[:7]].append([f"{arrival}T00:00:00Z", *kept(booking)])
    names = ["arrival", *kept(header)]
    return Deal(tuple(_month(name, names, months[name]) for name in sorted(months)), answers, REFERENCE)


def _arrival(year: str, month: str, day: str) -> str:
    """The day of arrival in ISO 8601.

    >>> _arrival("2015", "July", "1")
    '2015-07-01'
    """
    return f"{year}-{MONTHS.index(month) + 1:02}-{int(day):02}"


def _month(name: str, names: Row, bookings: list[Row]) -> Delivery:
    """One month's object, handed in on the first of the next."""
    first = datetime.fromisoformat(f"{name}-01").replace(tzinfo=UTC)
    at = (first + timedelta(days=31)).replace(day=1)
    return Delivery(f"{name}.csv", write_rows([names, *bookings]), at)
