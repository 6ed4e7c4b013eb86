"""Deals the messages as days of 500.

The source has no order in time and is sorted by intent, so the messages are shuffled with a seed. The dates are
ours. Nothing is planted.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from tiltyard.examples.dealing import Deal, Delivery, Row, read_rows, without_label, write_rows

REFERENCE: Final = "row_id"
LABEL: Final = "category"
FIRST_DAY: Final = datetime(2026, 1, 5, 18, tzinfo=UTC)
ROWS_A_DAY: Final = 500


def deal(content: bytes, seed: int) -> Deal:
    """The days in their order and the intents by row id, the row's place in the source."""
    (header, *messages), answers = without_label(read_rows(content), LABEL, REFERENCE)
    order = np.random.default_rng(seed).permutation(len(messages))
    parts = [order[start : start + ROWS_A_DAY] for start in range(0, len(order), ROWS_A_DAY)]
    days = [_day(number, header, [messages[place] for place in part]) for number, part in enumerate(parts)]
    return Deal(tuple(days), answers, REFERENCE)


def _day(number: int, header: Row, messages: list[Row]) -> Delivery:
    """One day's messages."""
    at = FIRST_DAY + timedelta(days=number)
    return Delivery(f"{at:%Y-%m-%d}.csv", write_rows([header, *messages]), at)
