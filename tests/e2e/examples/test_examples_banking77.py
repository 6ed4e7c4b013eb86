"""Messages of 77 intents: from no label at all to a first champion, and on."""

import pytest

from tests.projects.example_story import Story, begin
from tests.projects.outcomes import outcome_of, recorded, recorded_ids

pytestmark = [pytest.mark.real_data, pytest.mark.timeout(1800)]

DAYS = 6


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    story = begin("banking77", tmp_path_factory.mktemp("banking77"), 3000)
    with recorded_ids("banking77", real=story.example.at_hand):
        return story.tell(DAYS)


def test_it_ends_as_it_always_did(story: Story) -> None:
    assert outcome_of(story.workspace) == recorded("banking77", real=story.example.at_hand)


def test_it_starts_with_typical_messages_and_no_model(story: Story) -> None:
    first = story.workspace.ledger.assignments.queries()[0]
    assert (first.strategy, first.model_id) == ("typical", None)


def test_a_first_champion_comes_from_zero_labels(story: Story) -> None:
    verdicts = story.workspace.ledger.champions.verdicts()
    first = next(verdict for verdict in verdicts if verdict.decision == "promote")
    early = verdicts[: verdicts.index(first)]
    assert first.champion_id is None
    assert early
    assert all(verdict.rows < story.workspace.project.gate.minimum_labels for verdict in early)
    assert first.rows >= story.workspace.project.gate.minimum_labels


def test_the_champion_beats_guessing_by_far(story: Story) -> None:
    champion = story.workspace.ledger.champions.verdicts()[-1].champion
    assert champion is not None
    assert champion.value > 0.3  # guessing gives 0.013 of 77 intents, 0.1 of the made ten


def test_later_queries_ask_by_the_champion(story: Story) -> None:
    last = story.workspace.ledger.assignments.queries()[-1]
    assert (last.strategy, last.model_id) == ("margin_kmeans", story.workspace.ledger.champions.champion_id)


def test_most_intents_are_met_early(story: Story) -> None:
    labels = {annotation.label for annotation in story.acknowledged}
    assert len(labels) >= (65 if story.example.at_hand else 10)


def test_texts_stay_as_they_were_written(story: Story) -> None:
    texts = story.workspace.pool.scan(story.workspace.pool_files(), 100_000)
    kept = {text for chunk in texts for text in chunk["text"]}
    assert any(text != text.strip() for text in kept)


def test_nothing_is_lost(story: Story) -> None:
    assert story.lost() == []
    assert story.workspace.ledger.batches.conservation().holds
    assert [story.left_out(labeled) for labeled in story.trainings()] == [set()] * len(story.trainings())
