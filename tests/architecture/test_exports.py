"""Files for people: one place writes them, so that one function stops formulas in all of them."""

import re

from tests.architecture.sources import product_sources

WRITERS = re.compile(r"csv\.writer|DictWriter|\.write_csv\(|\.sink_csv\(|\.to_csv\(|\.write_excel\(|\.to_excel\(")
THE_PLACE = "tiltyard/stores/files/label_files.py"
DEALT = {"examples/dealing.py"}
"""Made data on its way into a project's folder: no person opens it."""


def test_tables_for_people_are_written_in_one_place() -> None:
    assert {one.name for one in product_sources() if WRITERS.search(one.text)} == {THE_PLACE, *DEALT}
