"""Where the bank's calls come from: Moro, Cortez and Rita (2014), UCI Machine Learning Repository, CC BY 4.0."""

from typing import Final

from tiltyard.examples.fetching import Source

SOURCE: Final = Source(
    name="bank-additional-full.csv",
    local="bank_marketing/bank-additional-full.csv.gz",
    sha256="74adfc578bf77a7ff4bb1ba4a9f8709d9e3c6907342959c2c8416847e0afb4d8",
    url="https://archive.ics.uci.edu/static/public/222/bank+marketing.zip",
    member="bank-additional-full.csv",
    page="https://archive.ics.uci.edu/dataset/222/bank+marketing",
)
