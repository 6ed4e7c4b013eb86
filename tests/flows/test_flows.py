"""The flows on a real Prefect: an embedded server, real runs, real artifacts."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOGGING_LEVEL,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness

from tests.projects.small_project import LENIENT, STUMP, a_day, answer_queue, deliver, make_project
from tests.servers.prefect_server import events_to, wait_until
from tiltyard.flows.ask_experts import ask_experts
from tiltyard.flows.ingest_batch import ingest_batch
from tiltyard.flows.promote_model import promote_model
from tiltyard.flows.reconcile_stores import reconcile
from tiltyard.flows.retrain_challenger import retrain_challenger
from tiltyard.flows.roll_back import roll_back
from tiltyard.flows.score_batch import score_batch
from tiltyard.flows.watch_drift import watch_drift
from tiltyard.flows.whole_cycle import STEPS, whole_cycle
from tiltyard.schemas.errors import NotFound
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.judge_challenger import judge_challenger
from tiltyard.workspace.workspace import Workspace

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    """Prefect's own test server; without the heartbeat that costs each synchronous flow a second."""
    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_LOGGING_LEVEL: "ERROR"}),
        events_to(str(PREFECT_API_URL.value())),
    ):
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh project whose MLflow database is made already: making one takes seconds."""
    made = make_project(tmp_path_factory.mktemp("flows") / "template")
    assert made.registry.client
    made.ledger.close()
    return project_folder(made)


@pytest.fixture(scope="module")
def workspace(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Three days of the loop through Prefect: the first champion is there, and a queue that waits."""
    made = make_project(Path(shutil.copytree(template, tmp_path_factory.mktemp("flows") / "small")))
    for number in range(3):
        deliver(made, f"day-{number}.csv", a_day(number))
        assert whole_cycle(project_of(made)) == list(STEPS)
        answer_queue(made, made.clock())
    whole_cycle(project_of(made))
    return made


def project_folder(workspace: Workspace) -> Path:
    return workspace.project_file.parent


def project_of(workspace: Workspace) -> str:
    return str(project_folder(workspace))


def runs_of(flow: str) -> list[FlowRun]:
    """The runs of a flow that Prefect knows, oldest first."""

    async def ask() -> list[FlowRun]:
        async with get_client() as client:
            return await client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])))

    return sorted(asyncio.run(ask()), key=lambda run: str(run.created))


def task_runs_of(run: FlowRun) -> list[TaskRun]:
    async def ask() -> list[TaskRun]:
        async with get_client() as client:
            of_run = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
            found: list[TaskRun] = await client.read_task_runs(flow_run_filter=of_run)
            return found

    return asyncio.run(ask())


def artifacts() -> dict[str, Any]:
    """The newest artifact of each key."""

    async def ask() -> dict[str, Any]:
        async with get_client() as client:
            return {str(one.key): one for one in await client.read_latest_artifacts()}

    return asyncio.run(ask())


def test_the_loop_brings_a_champion(workspace: Workspace) -> None:
    ledger = workspace.ledger
    assert ledger.champions.champion_id is not None
    assert len(ledger.batches.all()) == 3
    assert ledger.batches.conservation().holds
    assert ledger.assignments.waiting_count() > 0


def test_prefect_shows_the_runs_and_hands_on_ids_only(workspace: Workspace) -> None:
    runs = [run for run in runs_of("whole-cycle") if run.parameters["project"] == project_of(workspace)]
    assert len(runs) >= 4
    assert {run.state_type.value for run in runs if run.state_type} == {"COMPLETED"}
    assert all(isinstance(value, str) for run in runs for value in run.parameters.values())


def test_every_step_is_a_task_run_of_its_flow(workspace: Workspace) -> None:
    first = next(run for run in runs_of("whole-cycle") if run.parameters["project"] == project_of(workspace))
    names = {str(run.name).rsplit("-", 1)[0] for run in task_runs_of(first)}
    assert {"land-objects", "objects-to-check", "check-batch", "training-due", "choose-samples", "seal-ledger"} <= names


def test_the_artifacts_tell_batches_verdict_and_learning_curve(workspace: Workspace) -> None:
    found = artifacts()
    assert {f"small-{what}" for what in ("validation", "verdict", "checks", "learning-curve")} <= set(found)
    assert "day-2.csv" in str(found["small-validation"].data)
    last = [one for one in workspace.ledger.champions.verdicts() if one.decision != "roll_back"][-1]
    assert last.reason.split(";")[0] in str(found["small-verdict"].data)
    assert f"tiltyard report {last.verdict_id[:8]}" in str(found["small-verdict"].data)
    run = workspace.ledger.models.get(last.challenger_id).run_id
    kept = {file.path for file in workspace.registry.client.list_artifacts(run)}
    assert {"project.html", f"verdict-{last.verdict_id[:12]}.html"} <= kept
    assert "labels" in str(found["small-learning-curve"].data)


def test_a_cycle_with_nothing_to_do_changes_nothing(workspace: Workspace) -> None:
    whole_cycle(project_of(workspace))
    before = workspace.ledger.position()
    whole_cycle(project_of(workspace))
    assert workspace.ledger.position() == before


def test_a_verdict_that_no_run_came_to_publish_is_published_by_the_next(template: Path, tmp_path: Path) -> None:
    made = make_project(Path(shutil.copytree(template, tmp_path / "unpublished")), gate=LENIENT)
    project = project_of(made)
    deliver(made, "day-0.csv", a_day(0))
    whole_cycle(project, last="ingest")
    ask_experts(project)
    answer_queue(made, made.clock())
    whole_cycle(project, first="train", last="train")
    (challenger,) = made.ledger.models.all()
    verdict = judge_challenger.fn(project, challenger.model_id, snapshot_labels.fn(project, "evaluation"))
    whole_cycle(project, first="settle", last="settle")
    kept = {file.path for file in made.registry.client.list_artifacts(challenger.run_id)}
    assert {"project.html", f"verdict-{verdict[:12]}.html"} <= kept
    assert verdict[:8] in str(artifacts()["small-verdict"].data)


def test_a_run_goes_from_one_step_to_another_and_is_resumed_by_the_next(template: Path, tmp_path: Path) -> None:
    made = make_project(Path(shutil.copytree(template, tmp_path / "resumed")))
    deliver(made, "day.csv", a_day(1))
    assert whole_cycle(project_of(made), first="ask", last="seal") == ["ask", "seal"]
    assert made.ledger.batches.all() == []
    assert whole_cycle(project_of(made), last="ingest") == ["ingest"]
    assert made.ledger.assignments.waiting_count() == 0
    whole_cycle(project_of(made))
    assert len(made.ledger.batches.all()) == 1
    assert made.ledger.assignments.waiting_count() > 0


def test_a_users_mistake_fails_the_run_at_once_and_is_not_retried(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="no verdict 'nonsense'"):
        promote_model(project_of(workspace), verdict="nonsense")
    run = runs_of("promote-model")[-1]
    assert run.state_type is not None
    assert run.state_type.value == "FAILED"
    # What tasks did reaches the server a little later than what the flow did.
    wait_until(lambda: any(one.name.startswith("promote-challenger") for one in task_runs_of(run)), "its task", 60)
    assert [one.run_count for one in task_runs_of(run) if one.name.startswith("promote-challenger")] == [1]


def test_the_steps_as_flows_of_their_own(template: Path, tmp_path: Path) -> None:
    """Ingest, ask, retrain, promote, roll back, score, watch and reconcile, one after another on one project."""
    made = make_project(Path(shutil.copytree(template, tmp_path / "parts")), candidates=[STUMP], gate=LENIENT)
    project = project_of(made)
    deliver(made, "day-0.csv", a_day(0))
    assert [type(one) for one in ingest_batch(project)] == [str]
    assert isinstance(ask_experts(project, budget=60), str)
    answer_queue(made, made.clock())
    assert isinstance(retrain_challenger(project), str)
    first = made.ledger.champions.champion_id
    assert promote_model(project) is None  # the retraining promoted already; no verdict is left to act on
    assert score_batch(project) == [f"{made.ledger.batches.all()[0].batch_id}-{first}.parquet"]
    assert score_batch(project) == []
    assert watch_drift(project) == []
    with pytest.raises(NotFound, match="is the first"):
        roll_back(project, "ada", "try it")
    make_project(tmp_path / "parts", gate=LENIENT)  # with the project's own candidate, which learns something
    retrain_challenger(project, force=True)
    assert made.ledger.champions.champion_id not in {first, None}
    before = made.ledger.annotations.until()
    assert roll_back(project, "ada", "the counter complains") == 3
    assert made.ledger.champions.champion_id == first
    assert made.ledger.annotations.until() == before
    deliver(made, "day-1.csv", a_day(1))
    assert reconcile(project) == [
        f"ingested 1 object that no run had checked: {made.ledger.batches.all()[-1].batch_id[:8]}"
    ]
