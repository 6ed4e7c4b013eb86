"""An undecided verdict asks for labels where two models differ, and is looked at again; a champion is watched."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.projects.small_project import STUMP, a_day, copied, deliver, make_project, truth
from tiltyard.project.status import standing_of
from tiltyard.reports.next_step import next_step
from tiltyard.schemas.records import Assignment, ModelId, NewAnnotation, Verdict
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import judge_challenger, question_to_settle, unjudged_challenger
from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger
from tiltyard.tasks.models.roll_back_champion import roll_back_champion
from tiltyard.tasks.monitoring.watch_champion import watch_champion
from tiltyard.workspace.evaluation_set import compare_population, load_compared_rows
from tiltyard.workspace.lookup import current_labels
from tiltyard.workspace.workspace import Workspace, open_workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GATE = {"metric": "accuracy", "minimum_labels": 20, "confidence": 0.9, "resamples": 200, "watch": {"labels": 40}}
LINE = {"name": "line", "estimator": "sklearn.linear_model.LogisticRegression"}
CHANGES = {"gate": GATE, "evaluation": {"share": 0.5, "budget_share": 0.35}, "query": {"budget": 60}}


def project_of(workspace: Workspace) -> str:
    return str(workspace.project_file.parent)


def ingest(workspace: Workspace, day: int, rows: int) -> None:
    deliver(workspace, f"day-{day}.csv", a_day(day, rows))
    land_objects.fn(project_of(workspace))
    for object_id in objects_to_check.fn(project_of(workspace)):
        check_batch.fn(project_of(workspace), object_id)


def answer(workspace: Workspace, tell: Callable[[Assignment], str] = truth) -> list[Assignment]:
    """The expert answers all that waits; what was answered."""
    waiting = workspace.ledger.assignments.lease("ada", NOW, 10_000)
    said = [
        NewAnnotation(
            f"ada {one.sample_id}", "ada", "label", one.sample_id, one.payload, NOW, tell(one),
            assignment_id=one.assignment_id,
        )
        for one in waiting
    ]  # fmt: skip
    workspace.ledger.annotations.submit(said, contract_hash=workspace.contract_hash, now=NOW)
    return waiting


def train(workspace: Workspace) -> ModelId:
    project = project_of(workspace)
    return fit_candidates.fn(project, snapshot_labels.fn(project, "training"))


def judge(workspace: Workspace) -> Verdict | None:
    """The challenger that awaits a verdict is judged."""
    project = project_of(workspace)
    evaluation = snapshot_labels.fn(project, "evaluation")
    challenger = unjudged_challenger.fn(project, evaluation)
    if challenger is None:
        return None
    return workspace.ledger.champions.verdict(judge_challenger.fn(project, challenger, evaluation))


def promote(workspace: Workspace) -> None:
    verdict = pending_verdict.fn(project_of(workspace))
    assert verdict is not None
    promote_challenger.fn(project_of(workspace), verdict)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A champion that sees one column, and a challenger that sees them all: too few labels to tell who is better."""
    folder = tmp_path_factory.mktemp("questions") / "template"
    workspace = make_project(folder, **CHANGES, candidates=[STUMP])
    ingest(workspace, 0, 400)
    choose_samples.fn(project_of(workspace))
    answer(workspace)
    train(workspace)
    first = judge(workspace)
    if first is None or first.decision != "promote":
        pytest.fail(f"no first champion: {first}")
    promote(workspace)
    workspace = make_project(folder, **CHANGES, candidates=[LINE])
    train(workspace)
    second = judge(workspace)
    if second is None or second.decision != "keep":
        pytest.fail(f"the question is not open: {second}")
    workspace.ledger.close()
    return folder


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    """The project with its open question."""
    return copied(template, tmp_path / "project")


def question(workspace: Workspace) -> Verdict:
    return workspace.ledger.champions.verdicts()[-1]


def settle(workspace: Workspace) -> Verdict:
    """The labels that the question wants are asked for, answered, and looked at."""
    project = project_of(workspace)
    while not question_to_settle.fn(project):
        choose_samples.fn(project)
        assert answer(workspace), "no label is left to ask for"
    verdict = judge(workspace)
    assert verdict is not None
    return verdict


def test_an_undecided_verdict_is_asked_labels_for_where_the_two_models_differ(workspace: Workspace) -> None:
    verdict, ledger = question(workspace), workspace.ledger
    assert verdict.evidence is not None
    assert (verdict.evidence["wanted_where"], verdict.evidence["look"]) == ("disagreement", 1)
    assert choose_samples.fn(project_of(workspace))
    query = ledger.assignments.queries()[-1]
    drawn = [one for one in ledger.assignments.waiting() if one.strategy == "disagreement"]
    assert query.verdict_id == verdict.verdict_id
    assert 0 < len(drawn) <= min(verdict.evidence["labels_wanted"], (60 - 21) // 2 + 1)
    assert {one.purpose for one in drawn} == {"evaluation"}
    pair = [ledger.models.get(str(one)) for one in (verdict.challenger_id, verdict.champion_id)]
    population = compare_population(workspace, pair[0], pair[1], str(verdict.evaluation_id))
    there = population.unlabeled["sample_id"].to_list()
    # Chance took the lowest numbers of all, then the lowest of those that differ were drawn.
    by_chance = {one.sample_id for one in ledger.assignments.waiting() if one.strategy == "evaluation"}
    left = [sample for sample in there if sample not in by_chance]
    assert {one.sample_id for one in drawn} == set(left[: len(drawn)])
    assert {one.probability for one in drawn} == {len(drawn) / len(left)}
    rows = population.rows.filter(pl.col("sample_id").is_in([one.sample_id for one in drawn]))
    assert rows["_differs"].all()
    assert rows["evaluation"].all()


def test_where_the_project_stands_tells_the_open_question(workspace: Workspace) -> None:
    challenger = question(workspace).challenger_id[:8]
    told = standing_of(workspace, current_labels(workspace))
    assert told.question.startswith(f"whether challenger {challenger} may be champion: ")
    assert told.question.endswith(
        "labels where it and the champion differ are wanted, 0 were asked for and 0 of these answered"
    )
    assert told.to_judge is None
    choose_samples.fn(project_of(workspace))
    waiting = standing_of(workspace, current_labels(workspace))
    assert f"open is {waiting.question}" in next_step(waiting).why
    answer(workspace)
    assert (
        next_step(standing_of(workspace, current_labels(workspace))).why == f"challenger {challenger} awaits a verdict"
    )


def test_the_question_is_settled_once_its_labels_are_there_and_each_counts_for_what_it_stands_for(
    workspace: Workspace,
) -> None:
    project, first = project_of(workspace), question(workspace)
    assert question_to_settle.fn(project) is None
    choose_samples.fn(project)
    assert question_to_settle.fn(project) is None
    assert judge(workspace) is None
    second = settle(workspace)
    assert second.challenger_id == first.challenger_id
    assert second.decision == "promote", second.reason
    assert second.evidence is not None
    assert (second.evidence["look"], second.evidence["level"]) == (2, pytest.approx(0.1 / 6))
    assert second.evidence["lure"]["gain"] > 0
    assert second.rows > first.rows
    champions, models = workspace.ledger.champions, workspace.ledger.models
    pair = models.get(second.challenger_id), models.get(str(second.champion_id))
    judged = load_compared_rows(workspace, *pair, str(second.evaluation_id))
    assert judged.strata is not None
    assert judged.population is not None
    assert judged.strata.sizes == (judged.population.rows.height - judged.population.differ, judged.population.differ)
    # The gain is of the whole population, not of the labels, most of which are where the two differ.
    right = [
        (side.predictions.decisions == judged.labels).mean() for side in (judged.challenger, judged.champion) if side
    ]
    assert second.gain is not None
    assert 0 < second.gain.value < right[0] - right[1]
    promote(workspace)
    assert champions.champion_id == second.challenger_id
    assert question_to_settle.fn(project) is None
    assert judge(workspace) is None


def test_labels_drawn_for_one_pair_are_no_random_sample_for_another(workspace: Workspace) -> None:
    """A third model, judged on all labels, looks only at those that chance asks for, and at its own."""
    settle(workspace)
    project = project_of(workspace)
    make_project(Path(project), **CHANGES, candidates=[{**STUMP, "parameters": {"max_depth": 2, "random_state": 1}}])
    workspace = open_workspace(project)
    train(workspace)
    verdict = judge(workspace)
    assert verdict is not None
    labeled = workspace.ledger.models.get_set(str(verdict.evaluation_id)).rows
    by_chance = {one.sample_id for one in workspace.ledger.assignments.to_evaluate() if one.strategy == "evaluation"}
    assert len(by_chance) <= verdict.rows < labeled


def test_a_window_leaves_only_the_newest_batches_to_judge_on(workspace: Workspace) -> None:
    project, verdict = project_of(workspace), question(workspace)
    ingest(workspace, 1, 200)
    choose_samples.fn(project)
    answer(workspace)
    make_project(Path(project), **{**CHANGES, "gate": {**GATE, "window": 1}}, candidates=[LINE])
    narrow = open_workspace(project)
    pair = (narrow.ledger.models.get(verdict.challenger_id), narrow.ledger.models.get(str(verdict.champion_id)))
    evaluation = snapshot_labels.fn(project, "evaluation")
    newest = pl.concat(narrow.pool.scan(narrow.pool_files()[-1:], 1000)).filter("evaluation")["sample_id"]
    judged, labeled = load_compared_rows(narrow, *pair, evaluation), narrow.labeled_rows(evaluation)["sample_id"]
    assert judged.population is not None
    assert set(judged.population.rows["sample_id"]) == set(newest)
    assert set(judged.rows["sample_id"]) == set(labeled) & set(newest)
    assert 0 < judged.rows.height < len(labeled)


def test_a_twin_that_comes_late_gets_the_verdict_that_stands(workspace: Workspace) -> None:
    """Judged by one run, promoted, and then asked for by a slower run that had found the question open."""
    project, first = project_of(workspace), question(workspace)
    second = settle(workspace)
    before = workspace.ledger.position()
    assert judge_challenger.fn(project, first.challenger_id, str(first.evaluation_id)) == second.verdict_id
    promote(workspace)
    position = workspace.ledger.position()
    assert position > before
    assert judge_challenger.fn(project, first.challenger_id, str(first.evaluation_id)) == second.verdict_id
    assert workspace.ledger.position() == position


def test_a_question_over_a_champion_that_reigns_no_more_is_judged_again(workspace: Workspace) -> None:
    settle(workspace)
    promote(workspace)
    first, before = workspace.ledger.champions.history()[0].model_id, workspace.ledger.champions.champion_id
    project = project_of(workspace)
    ingest(workspace, 1, 100)
    choose_samples.fn(project)
    answer(workspace)
    newest = train(workspace)
    stale = judge(workspace)
    assert stale is not None
    assert stale.champion_id == before
    roll_back_champion.fn(project, "ada", "the counter complains")
    again = judge(workspace)
    assert again is not None
    assert (again.challenger_id, again.champion_id, again.evidence["look"] if again.evidence else 0) == (
        newest,
        first,
        1,
    )
    assert judge(workspace) is None


def test_a_champion_that_fresh_labels_speak_against_is_sent_back(workspace: Workspace) -> None:
    project, champions = project_of(workspace), workspace.ledger.champions
    settle(workspace)
    promote(workspace)
    promoted = champions.champion_id
    assert watch_champion.fn(project) is None
    # From now on the answers are turned round: what was right is wrong.
    ingest(workspace, 1, 400)
    moves = len(champions.history())
    while (number := watch_champion.fn(project)) is None:
        assert choose_samples.fn(project, 400), "the pool is asked out"
        answer(workspace, lambda one: "no" if truth(one) == "yes" else "yes")
    assert number == moves + 1
    move, verdict = champions.history()[-1], question(workspace)
    assert (move.kind, move.actor, move.previous_id) == ("roll_back", "watch", promoted)
    assert (verdict.decided_by, verdict.decision, verdict.verdict_id) == ("watch", "roll_back", move.verdict_id)
    assert verdict.gain is not None
    assert verdict.gain.low > 0
    assert verdict.evidence is not None
    assert verdict.rows == verdict.evidence["look"] * 40
    assert verdict.evidence["since_move"] == moves
    assert f"on {verdict.rows} labels" in move.reason
    assert workspace.registry.aliases()["champion"] == workspace.ledger.models.get(move.model_id).registry_version
    assert watch_champion.fn(project) is None
    assert question_to_settle.fn(project) is None


def test_a_champion_that_fresh_labels_speak_for_stays(workspace: Workspace) -> None:
    settle(workspace)
    promote(workspace)
    for _ in range(4):
        choose_samples.fn(project_of(workspace))
        answer(workspace)
        assert watch_champion.fn(project_of(workspace)) is None
    assert len(workspace.ledger.champions.history()) == 2


def test_labels_wanted_by_chance_are_asked_for_beside_the_usual_share(tmp_path: Path) -> None:
    """The first champion needs labels to be judged on at all: these come first, up to half of the queue."""
    gate = {**GATE, "minimum_labels": 60}
    workspace = make_project(tmp_path, **{**CHANGES, "gate": gate}, candidates=[LINE])
    project = project_of(workspace)
    ingest(workspace, 0, 400)
    choose_samples.fn(project)
    usual = workspace.ledger.assignments.waiting_count("evaluation")
    answer(workspace)
    train(workspace)
    verdict = judge(workspace)
    assert verdict is not None
    assert verdict.evidence is not None
    assert verdict.evidence["wanted_where"] == "chance"
    choose_samples.fn(project)
    assert workspace.ledger.assignments.waiting_count("evaluation") > usual + 10
    assert workspace.ledger.assignments.queries()[-1].verdict_id == verdict.verdict_id
    assert {one.strategy for one in workspace.ledger.assignments.waiting() if one.purpose == "evaluation"} == {
        "evaluation"
    }
