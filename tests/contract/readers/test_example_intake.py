"""The examples' rows through reader and contract: how many are taken, quarantined, duplicate; real data where at hand.

Without the real data the same laws are checked on a made sample, and the summary of the test run says so.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
import yaml

from tiltyard.examples.catalogue import EXAMPLES, Example
from tiltyard.examples.dealing import Deal, Delivery, laid_over, references
from tiltyard.ingest.validation import CheckedRows, check_rows, split_duplicates
from tiltyard.samples.identity import sample_ids
from tiltyard.schemas.frames import load_pandera
from tiltyard.schemas.project import Project, parse_project
from tiltyard.stores.readers.sandbox import read_object

pytestmark = pytest.mark.real_data


@dataclass
class Intake:
    """What became of the rows of a whole deal, and why."""

    deal: Deal
    rows: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)


def taken_in(example: Example, deal: Deal, folder: Path) -> Intake:
    """The deal through reader, contract and duplicates; the project file is mended after the refused batch."""
    content = yaml.safe_load(example.project_file.read_text())
    project, intake = parse_project(content, example.name), Intake(deal)
    for delivery in _new_keys(deal):
        checked = _checked(delivery, project, folder)
        if checked.bad_share > project.limits.bad_rows:
            intake.refused.append(delivery.key)
            assert deal.mend is not None, f"{delivery.key}: {checked.failed}"
            project = parse_project(laid_over(content, deal.mend.changes), example.name)
            checked = _checked(delivery, project, folder)
        _count(checked, project, intake)
    return intake


def _new_keys(deal: Deal) -> Iterator[Delivery]:
    """The deliveries less the redelivered ones."""
    yield from {delivery.key: delivery for delivery in deal.deliveries}.values()


def _checked(delivery: Delivery, project: Project, folder: Path) -> CheckedRows:
    """One delivery's rows under the contract."""
    path = folder / delivery.key
    path.write_bytes(delivery.content)
    schema = load_pandera(project.pandera, project.name) if project.pandera else None
    return check_rows(read_object(path, delivery.key, project), project, schema)


def _count(checked: CheckedRows, project: Project, intake: Intake) -> None:
    """Add one batch to the counts."""
    ids = sample_ids(checked.good, project)
    parts = split_duplicates(checked.good.with_columns(ids.alias("sample_id")), ids.is_in(list(intake.seen)))
    intake.seen |= set(parts.fresh["sample_id"])
    intake.rows.update(
        read=checked.read, accepted=parts.fresh.height, quarantined=checked.bad.height, duplicate=parts.duplicate
    )
    columns = (reason["column"] for reasons in checked.bad["reasons"] for reason in json.loads(reasons))
    intake.reasons.update(columns)


@pytest.fixture(scope="module", params=sorted(EXAMPLES))
def intake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Example, Intake]:
    example = EXAMPLES[request.param]
    deal = example.deal() if example.at_hand else example.made_sample(2000)
    return example, taken_in(example, deal, tmp_path_factory.mktemp(example.name))


def test_rows_are_conserved(intake: tuple[Example, Intake]) -> None:
    rows = intake[1].rows
    assert rows["read"] == rows["accepted"] + rows["quarantined"] + rows["duplicate"]


def test_every_row_that_was_dealt_is_read(intake: tuple[Example, Intake]) -> None:
    deal, rows = intake[1].deal, intake[1].rows
    planted = sum(delivery.extra_rows for delivery in _new_keys(deal))
    assert rows["read"] == len(deal.answers) + planted


def test_only_the_planted_batch_is_refused_and_the_mend_lets_it_in(intake: tuple[Example, Intake]) -> None:
    mend = intake[1].deal.mend
    assert intake[1].refused == ([mend.after] if mend else [])


MEASURED = {
    "digits": {"read": 1814, "accepted": 1797, "quarantined": 7, "duplicate": 10},
    "bank": {"read": 41261, "accepted": 41176, "quarantined": 8, "duplicate": 77},
    "hotel": {"read": 119390, "accepted": 86700, "quarantined": 187, "duplicate": 32503},
    "banking77": {"read": 10003, "accepted": 10003, "quarantined": 0, "duplicate": 0},
}
"""Bank: 12 repeats of the source, 65 planted. Hotel: 180 without guests, 2 rates, 5 undefined channels."""


def test_the_real_rows_end_where_they_were_measured(intake: tuple[Example, Intake]) -> None:
    example, result = intake
    if not example.at_hand:
        pytest.skip(f"{example.name}: the real data is not at hand; the made sample was taken in instead")
    assert {name: result.rows[name] for name in MEASURED[example.name]} == MEASURED[example.name]


def test_the_source_is_dealt_whole(intake: tuple[Example, Intake]) -> None:
    example, result = intake
    if not example.at_hand:
        pytest.skip(f"{example.name}: the real data is not at hand; the made sample was taken in instead")
    assert len(result.deal.answers) == example.rows
    sizes = [len(references(one, result.deal.reference)) for one in _new_keys(result.deal)]
    expected = {"digits": 18, "bank": 26, "hotel": 26, "banking77": 21}
    assert len(sizes) == expected[example.name]
    if example.name == "bank":
        assert (min(sizes), max(sizes)) == (10, 7763)


@pytest.mark.parametrize("intake", ["hotel"], indirect=True)
def test_reasons_name_the_dirt_of_the_bookings(intake: tuple[Example, Intake]) -> None:
    reasons = intake[1].reasons
    assert reasons[""] > 0  # somebody_comes is about the whole row
    assert reasons["adr"] > 0


def test_the_answer_key_knows_every_accepted_row(intake: tuple[Example, Intake]) -> None:
    deal = intake[1].deal
    for delivery in deal.deliveries:
        known = pl.Series(references(delivery, deal.reference)).is_in(list(deal.answers))
        assert known.all()
