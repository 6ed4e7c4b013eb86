"""The bookings' first months through the loop: a quarter of exact repeats, dirt with reasons, and not a row lost."""

import json
from collections import Counter

import pytest

from tests.projects.example_story import Story, begin
from tests.projects.outcomes import outcome_of, recorded, recorded_ids
from tiltyard.monitoring.drift import profile_rows

pytestmark = [pytest.mark.real_data, pytest.mark.timeout(1800)]

MONTHS = 5
QUICK = {
    "candidates": [
        {"name": "logistic", "estimator": "sklearn.linear_model.LogisticRegression", "parameters": {"max_iter": 300}}
    ],
    "gate": {"resamples": 500},
    # As the recorded story names it, for a project file's hash is part of a model's id.
    "pandera": "examples.hotel.pandera_schema:Bookings",
}
"""One quick candidate: what is measured here is the intake."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    story = begin("hotel", tmp_path_factory.mktemp("hotel"), 3000, **QUICK)
    with recorded_ids("hotel", real=story.example.at_hand):
        return story.tell(MONTHS)


def test_it_ends_as_it_always_did(story: Story) -> None:
    assert outcome_of(story.workspace) == recorded("hotel", real=story.example.at_hand)


def test_rows_are_conserved(story: Story) -> None:
    found = story.workspace.ledger.batches.conservation()
    assert found.holds
    assert found.objects == MONTHS
    if story.example.at_hand:
        assert (found.read, found.accepted, found.quarantined, found.duplicate) == (19076, 11198, 27, 7851)


def test_no_month_is_refused_for_its_dirt(story: Story) -> None:
    assert {batch.state for batch in story.workspace.ledger.batches.all()} == {"accepted"}


def test_quarantined_bookings_say_why(story: Story) -> None:
    reasons: Counter[str] = Counter()
    for batch in story.workspace.ledger.batches.all():
        if batch.quarantine_file is not None:
            held = story.workspace.quarantine.read(batch.quarantine_file)
            assert held.height == batch.quarantined
            reasons.update(reason["check"] for row in held["reasons"] for reason in json.loads(row))
    assert reasons["somebody_comes"] > 0


def test_undefined_spellings_are_missing_cells_and_not_words(story: Story) -> None:
    pool = story.workspace.pool.scan(story.workspace.pool_files(), 1_000_000)
    companies = {company for chunk in pool for company in chunk["company"]}
    assert None in companies
    assert not companies & {"NULL", "NA", ""}


def test_each_batch_keeps_its_profile(story: Story) -> None:
    first = story.workspace.ledger.batches.all()[0]
    assert first.pool_file is not None
    rows = story.workspace.pool.parquet.read(first.pool_file)
    assert first.statistics["profile"] == json.loads(json.dumps(profile_rows(rows, story.workspace.project)))


def test_labels_lead_to_a_champion_and_none_is_lost(story: Story) -> None:
    assert story.workspace.ledger.champions.champion_id is not None
    assert story.lost() == []
    assert [story.left_out(labeled) for labeled in story.trainings()] == [set()] * len(story.trainings())
