"""The bank's 26 months through the whole loop: refused, mended, late, crossed, redelivered, rejected, rolled back."""

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
import pytest

from tests.projects.example_story import Story, begin
from tests.projects.outcomes import outcome_of, recorded, recorded_ids
from tiltyard.schemas.records import LabeledSet, Promotion, Verdict
from tiltyard.stores.ledger.chain.integrity import verify_ledger

pytestmark = [pytest.mark.real_data, pytest.mark.timeout(1800)]

NEXT_YEAR = datetime(2011, 1, 1, tzinfo=UTC)
QUICK = {
    "candidates": [
        {"name": "logistic", "estimator": "sklearn.linear_model.LogisticRegression", "parameters": {"max_iter": 500}}
    ],
    "gate": {"resamples": 500},
}
"""One quick candidate: 27 rounds of fits are for a benchmark."""


@dataclass
class Told:
    """The story at its end, and the verdicts and moves before and after the roll-back."""

    story: Story
    verdicts: list[Verdict]
    moves: list[Promotion]
    after_roll_back: LabeledSet


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    story = begin("bank", tmp_path_factory.mktemp("bank"), 6000, **QUICK)
    with recorded_ids("bank", real=story.example.at_hand):
        return told_to_its_end(story.tell())


def told_to_its_end(story: Story) -> Told:
    """The story after a roll-back and one more round."""
    champions = story.workspace.ledger.champions
    verdicts, moves = champions.verdicts(), champions.history()
    story.roll_back()
    story.round()
    return Told(story, verdicts, moves, story.trainings()[-1])


def test_it_ends_as_it_always_did(told: Told) -> None:
    assert outcome_of(told.story.workspace) == recorded("bank", real=told.story.example.at_hand)


def test_every_object_is_processed_once(told: Told) -> None:
    batches = told.story.workspace.ledger.batches
    keys = {delivery.key for delivery in told.story.deal.deliveries}
    assert len(told.story.deal.deliveries) == len(keys) + 1  # one was redelivered
    assert len(batches.latest()) == len(keys) == 26
    assert len(batches.all()) == 26 + 1  # and one was checked twice


def test_rows_are_conserved(told: Told) -> None:
    found = told.story.workspace.ledger.batches.conservation()
    assert found.holds
    if told.story.example.at_hand:
        assert (found.read, found.accepted, found.quarantined, found.duplicate) == (41261, 41176, 8, 77)


def test_the_refused_batch_was_kept_and_let_in_once_mended(told: Told) -> None:
    attempts = [batch for batch in told.story.workspace.ledger.batches.all() if batch.object_id == _mended(told)]
    first, second = attempts
    assert (first.state, first.accepted, first.quarantined) == ("refused", 0, first.read)
    assert "the limit is 10.0%" in first.reason
    assert (second.state, second.attempt, second.read) == ("accepted", 2, first.read)
    assert second.accepted + second.duplicate == first.read
    assert second.contract_hash != first.contract_hash


def _mended(told: Told) -> str:
    """The object that was refused."""
    assert told.story.retried is not None
    return told.story.retried.object_id


def test_no_acknowledged_annotation_is_lost(told: Told) -> None:
    assert len(told.story.acknowledged) >= 1000
    assert told.story.lost() == []
    assert verify_ledger(told.story.workspace.ledger) == []


def test_labels_come_in_the_number_that_a_small_team_can_give(told: Told) -> None:
    days = [annotation.said_at for annotation in told.story.acknowledged]
    assert max(days.count(day) for day in set(days)) <= 60


def test_challengers_are_promoted_and_rejected(told: Told) -> None:
    judged = [verdict for verdict in told.verdicts if verdict.champion_id]
    assert {"promote", "keep"} <= {verdict.decision for verdict in judged}
    assert [move.verdict_id for move in told.moves] == [
        verdict.verdict_id for verdict in told.verdicts if verdict.decision == "promote"
    ]


def test_every_training_holds_every_label_rejections_or_not(told: Told) -> None:
    trainings = told.story.trainings()
    assert len(trainings) >= 20
    assert [told.story.left_out(labeled) for labeled in trainings] == [set()] * len(trainings)
    assert [labeled.rows for labeled in trainings] == sorted(labeled.rows for labeled in trainings)


def test_after_the_roll_back_the_next_training_still_holds_everything(told: Told) -> None:
    history = told.story.workspace.ledger.champions.history()
    back = history[len(told.moves)]
    assert (back.kind, back.model_id) == ("roll_back", told.moves[-1].previous_id)
    assert told.after_roll_back.rows > told.story.workspace.ledger.models.get_set(_training_of(told, back)).rows
    assert told.story.left_out(told.after_roll_back) == set()


def _training_of(told: Told, move: Promotion) -> str:
    """The training set of the model that a move made champion."""
    return told.story.workspace.ledger.models.get(move.model_id).training_id


def test_no_evaluation_row_was_ever_trained_on(told: Told) -> None:
    workspace = told.story.workspace
    sets = workspace.ledger.models.sets()
    evaluated, trained = (
        pl.concat([workspace.labeled_rows(one.set_id)["sample_id"] for one in sets if one.purpose == purpose]).unique()
        for purpose in ("evaluation", "training")
    )
    assert evaluated.len() > 100
    assert not trained.is_in(evaluated.implode()).any()


def test_answering_again_adds_nothing(told: Told) -> None:
    expert, workspace = told.story.expert, told.story.workspace
    before = workspace.ledger.annotations.count()
    waiting = workspace.ledger.assignments.lease(expert.name, NEXT_YEAR, 3)
    answers = [expert.annotate(assignment, NEXT_YEAR) for assignment in waiting]
    for _ in range(2):
        workspace.ledger.annotations.submit(answers, contract_hash=workspace.contract_hash, now=NEXT_YEAR)
    assert len(answers) == 3
    assert workspace.ledger.annotations.count() == before + 3
