"""Deals scikit-learn's handwritten digits as 18 days of scans, with everything that goes wrong in a real intake.

The scans and their order are the source's own (UCI, "Optical Recognition of Handwritten Digits"): writers
follow each other, so that the days differ. The dates are ours.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from sklearn.datasets import load_digits

from tiltyard.examples.dealing import Deal, Delivery, Mend, Row, arranged, read_rows, without_label, write_rows
from tiltyard.examples.planting import Damage, crossed, damaged, delayed, ragged, redelivered, repeated, rewritten

PIXELS: Final = [f"pixel_{number}" for number in range(64)]
REFERENCE: Final = "scan_id"
FIRST_DAY: Final = datetime(2026, 1, 5, 18, tzinfo=UTC)
DAYS: Final = 18
NEW_LEVELS: Final = 20
"""The scanner that comes on day 9 counts ink from 0 to 20, not to 16."""


def digits_content() -> bytes:
    """The scans that scikit-learn brings along, as CSV: 64 pixels (0 to 16) and the digit, 1,797 rows."""
    scans = load_digits()
    rows = [[*map(str, pixels), str(digit)] for pixels, digit in zip(scans.data.astype(int), scans.target, strict=True)]
    return write_rows([[*PIXELS, "digit"], *rows])


def deal(content: bytes, seed: int) -> Deal:
    """The days in the order of arrival, with planted events, and the answers by scan id."""
    rows, answers = without_label(read_rows(content), "digit", REFERENCE)
    days = _planted(_days(rows), np.random.default_rng(seed))
    return Deal(arranged(days), answers, REFERENCE, _mend(days))


def _days(rows: list[Row]) -> list[Delivery]:
    """One delivery per day, the rows in the source's order."""
    header, *scans = rows
    parts = np.array_split(np.arange(len(scans)), DAYS)
    return [_day(number, header, [scans[place] for place in part]) for number, part in enumerate(parts)]


def _day(number: int, header: Row, scans: list[Row]) -> Delivery:
    """One day's object, sent at the end of the day."""
    at = FIRST_DAY + timedelta(days=number)
    body = [[f"{at:%Y-%m-%dT00:00:00Z}", *scan] for scan in scans]
    return Delivery(f"{at:%Y-%m-%d}.csv", write_rows([["scanned_at", *header], *body]), at)


def _planted(days: list[Delivery], rng: np.random.Generator) -> list[Delivery]:
    """The days with their events; ``days[0]`` is day 1."""
    days = list(days)
    days[1] = repeated(days[1], 4, rng)
    days[3] = repeated(days[3], 6, rng, source=days[2])
    days[4] = ragged(damaged(days[4], _bad_cells(), rng), rng)
    days[6], days[7] = crossed(days[6], days[7])
    days[8] = rewritten(days[8], PIXELS, _rescaled, f"a new scanner counts ink to {NEW_LEVELS}: past the limit")
    days[12] = delayed(days[12], timedelta(days=2, hours=1))
    return [*days, redelivered(days[10], days[11].at + timedelta(hours=1))]


def _bad_cells() -> list[Damage]:
    """What a failing scanner writes, and a sheet of blank paper."""
    cells = [{"pixel_10": "99"}, {"pixel_20": "dark"}, {"pixel_30": ""}, {"pixel_40": "-3"}]
    return [*cells, dict.fromkeys(PIXELS, "0")]


def _rescaled(ink: str) -> str:
    """The ink of one pixel on the new scanner's scale."""
    return str(round(int(ink) * NEW_LEVELS / 16))


def _mend(days: list[Delivery]) -> Mend:
    """The change that lets the new scanner's days in."""
    features = {"pixel_{0..63}": {"max": NEW_LEVELS}}
    return Mend(days[8].key, {"columns": {"features": features}}, f"the new scanner counts ink from 0 to {NEW_LEVELS}")
