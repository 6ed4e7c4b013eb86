"""A made source in the shape of the bookings, for tests where the real one is not at hand."""

from typing import Final

import numpy as np

from tiltyard.examples.dealing import Row, read_rows, write_rows
from tiltyard.examples.hotel.dealer import MONTHS

HEADER: Final = read_rows(
    b"hotel,is_canceled,lead_time,arrival_date_year,arrival_date_month,arrival_date_week_number,"
    b"arrival_date_day_of_month,stays_in_weekend_nights,stays_in_week_nights,adults,children,babies,meal,country,"
    b"market_segment,distribution_channel,is_repeated_guest,previous_cancellations,previous_bookings_not_canceled,"
    b"reserved_room_type,assigned_room_type,booking_changes,deposit_type,agent,company,days_in_waiting_list,"
    b"customer_type,adr,required_car_parking_spaces,total_of_special_requests,reservation_status,"
    b"reservation_status_date\n"
)[0]


def made_content(rows: int, seed: int) -> bytes:
    """A made source of the same shape and dirt: repeats, no guests, impossible rates, `NULL` and `NA`."""
    rng = np.random.default_rng(seed)
    body: list[Row] = []
    for number in range(rows):
        repeats = body and number % 50 > 9 and rng.random() < 0.25
        body.append(list(body[-1]) if repeats else _made_booking(rng, number, number / rows))
    return write_rows([HEADER, *body])


def _made_booking(rng: np.random.Generator, number: int, progress: float) -> Row:
    """One booking; ``progress`` from 0 to 1 runs through the 26 months and turns what the lead time means.

    Impossible ones come at fixed distances, so that no month exceeds the limit.
    """
    month = int(progress * 26) + 6
    lead, deposit = int(rng.integers(400)), str(rng.choice(["No Deposit", "Non Refund"]))
    cancelled = rng.random() < 0.2 + (0.5 if (lead > 200) == (progress < 0.5) else 0)
    when = [str(2015 + month // 12), MONTHS[month % 12], str(rng.integers(1, 53)), str(rng.integers(1, 28))]
    guests = ["0", "0", "0"] if number % 150 == 7 else ["2", "NA" if rng.random() < 0.01 else "0", "0"]
    rate = "-6.38" if number % 200 == 9 else f"{rng.integers(40, 300)}"
    words = ["BB", "NULL" if rng.random() < 0.05 else "PRT", str(rng.choice(["Direct", "Online TA"])), "TA/TO"]
    head = [str(rng.choice(["City Hotel", "Resort Hotel"])), str(int(cancelled)), str(lead), *when]
    rooms = ["0", "0", "0", "A", "A", str(rng.integers(3)), deposit, str(rng.choice(["9", "240", "NULL"])), "NULL", "0"]
    status = ["Canceled" if cancelled else "Check-Out", "2016-01-01"]
    return [*head, "1", "2", *guests, *words, *rooms, "Transient", rate, "0", str(rng.integers(4)), *status]
