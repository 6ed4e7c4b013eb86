"""Where the messages come from: Casanueva and others (2020), PolyAI, CC BY 4.0."""

from typing import Final

from tiltyard.examples.fetching import Source

ADDRESS: Final = "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master/banking_data"
PAGE: Final = "https://github.com/PolyAI-LDN/task-specific-datasets"

SOURCE: Final = Source(
    name="banking77 train.csv",
    local="banking77/train.csv.gz",
    sha256="b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
    url=f"{ADDRESS}/train.csv",
    page=PAGE,
)

TEST_SOURCE: Final = Source(
    name="banking77 test.csv",
    local="banking77/test.csv.gz",
    sha256="d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d",
    url=f"{ADDRESS}/test.csv",
    page=PAGE,
)
