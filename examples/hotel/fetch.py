"""Where the bookings come from: Antonio, Almeida and Nunes (2019), "Hotel booking demand datasets", CC BY 4.0.

The article offers two files, one per hotel; these bytes are the widely used union of both with a column `hotel`
in front. No official address gives exactly that file, so it must be named with `--file hotel_bookings.csv`.
"""

from typing import Final

from tiltyard.examples.fetching import Source

SOURCE: Final = Source(
    name="hotel_bookings.csv",
    local="hotel_bookings/hotel_bookings.csv.gz",
    sha256="7c2ae42a7353905ea136e5c2287f17c92c5435826598bfbb8491c6f0c7b1fc06",
    page="https://doi.org/10.1016/j.dib.2018.11.126",
)
