"""Deals the bank's calls as 26 months, May 2008 to November 2010, through the crisis.

The source is in the order of the calls and has no dates: a new batch begins where the month changes, a new year
where the month number falls. Each object keeps the source's own spelling (`;`, every cell as it stood), without
the answer, plus two columns: `called_in` (the first of the month) and `row_id` (the row's place in the source).
"""

from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

import numpy as np

from tiltyard.examples.dealing import Deal, Delivery, Mend, Row, arranged, read_rows, without_label, write_rows
from tiltyard.examples.planting import Damage, crossed, damaged, delayed, ragged, redelivered, repeated

REFERENCE: Final = "row_id"
LABEL: Final = "y"
DELIMITER: Final = ";"
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FIRST_YEAR: Final = 2008

BAD_CELLS: Final[tuple[Damage, ...]] = (
    {"age": "fifty"},
    {"age": "176"},
    {"job": "astronaut"},
    {"campaign": "-1"},
    {"euribor3m": ""},
    {"day_of_week": "sun"},
)
"""What a call centre's hurried export gets wrong."""


def deal(content: bytes, seed: int) -> Deal:
    """The months in the order of arrival, with planted events, and the answers by row id."""
    rows, answers = without_label(read_rows(content, DELIMITER), LABEL, REFERENCE)
    months = _planted(_months(rows), np.random.default_rng(seed))
    return Deal(arranged(months), answers, REFERENCE, _mend(months))


def _months(rows: list[Row]) -> list[Delivery]:
    """One delivery per run of a month, each handed in on the first of the next."""
    header, *calls = rows
    place = header.index("month")
    months, year, before = [], FIRST_YEAR, 0
    for name, run in groupby(calls, key=lambda call: call[place]):
        number = MONTHS.index(name) + 1
        year, before = year + (number < before), number
        months.append(_month(datetime(year, number, 1, tzinfo=UTC), header, list(run)))
    return months


def _month(first: datetime, header: Row, calls: list[Row]) -> Delivery:
    """One month's object."""
    body = [[f"{first:%Y-%m-%dT00:00:00Z}", *call] for call in calls]
    content = write_rows([["called_in", *header], *body], DELIMITER)
    at = (first + timedelta(days=31)).replace(day=1)
    return Delivery(f"{first:%Y-%m}.csv", content, at, delimiter=DELIMITER)


def _planted(months: list[Delivery], rng: np.random.Generator) -> list[Delivery]:
    """The months with their events; ``months[0]`` is May 2008, and July 2009 breaks the Euribor's limit by itself."""
    months = list(months)
    months[1] = repeated(months[1], 25, rng)
    months[2] = ragged(damaged(months[2], BAD_CELLS, rng), rng)
    months[3] = repeated(months[3], 40, rng, source=months[2])
    months[8], months[9] = crossed(months[8], months[9])
    months[18] = delayed(months[18], timedelta(days=75))
    return [*months, redelivered(months[5], months[7].at + timedelta(days=1))]


def _mend(months: list[Delivery]) -> Mend:
    """The change that lets the crisis in."""
    changes = {"columns": {"features": {"euribor3m": {"min": -1}}}}
    return Mend(months[11].key, changes, "the Euribor fell below 1 %: the limit was written before the crisis")
