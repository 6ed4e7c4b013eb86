"""``tiltyard demo``: the whole story as a newcomer runs it, and checks that notice when a law is broken."""

import copy
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.crash.story import go_round
from tests.deployments.installed_wheel import copy_of_sources, installed, wheel_of
from tiltyard.apps.cli.demo import invariants as laws
from tiltyard.apps.cli.demo.command import FOREIGN, MARK, exit_code, isolate_environment, prepare_folder
from tiltyard.apps.cli.demo.invariants import Check
from tiltyard.examples.catalogue import EXAMPLES
from tiltyard.examples.expert import ScriptedExpert
from tiltyard.examples.random_choice import curves
from tiltyard.examples.simulation import DayResult, Simulation, group_by_day
from tiltyard.schemas.errors import TiltyardError
from tiltyard.tasks.ingest.check_batch import check_batch
from tiltyard.workspace.workspace import open_workspace

COMMAND = [sys.executable, "-c", "from tiltyard.apps.cli.main import main; main()", "demo"]


@dataclass
class Ran:
    """A demo that has run: what it wrote, and where it worked."""

    folder: Path
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The demo of the installed wheel, through a pipe, in an empty folder, in an environment that points elsewhere."""
    base = tmp_path_factory.mktemp("demo")
    there = installed(wheel_of(copy_of_sources(base / "source"), base / "wheel"), base / "venv")
    folder = base / "empty" / "story"
    folder.parent.mkdir()
    nowhere = {
        "PREFECT_API_URL": "http://127.0.0.1:1/api",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:1",
        "TILTYARD_LEDGER_URL": f"sqlite:///{folder.parent / 'foreign.db'}",
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    run = there.run(there.tiltyard, "demo", "--into", folder, cwd=folder.parent, timeout=550, **nowhere)
    return Ran(folder, run.returncode, run.stdout, run.stderr)


def test_the_demo_ends_well_and_says_nothing_on_stderr(ran: Ran) -> None:
    assert ran.code == 0, ran.out + ran.err
    assert ran.err == ""
    assert "All checks hold" in ran.out
    assert not (ran.folder.parent / "foreign.db").exists()


def test_the_output_fits_80_columns(ran: Ran) -> None:
    too_wide = [line for line in ran.out.splitlines() if len(line) > 80 and str(ran.folder) not in line]
    assert too_wide == []
    assert "\x1b" not in ran.out
    assert not re.search(r"(promoted|rejected|not yet);", ran.out), "each verdict stands on a line of its own"


@pytest.mark.parametrize(
    "told",
    [
        "4 rows twice",
        "bad rows",
        "2 ragged rows",
        "refused",
        "2026-01-13.csv (2)",
        "checked again",
        "late by 2 days",
        "arrives before",
        "arrives after",
        "once more",
        "rejected",
        "promoted",
        "the operator rolls back",
        "the expert corrects",
        "Were labels lost? No. ",
        "The training after the roll-back used",
    ],
)
def test_the_story_has_everything_that_goes_wrong_in_a_real_intake(ran: Ran, told: str) -> None:
    assert told in " ".join(ran.out.split())


def test_the_stores_hold_what_was_told(ran: Ran) -> None:
    ledger = open_workspace(ran.folder).ledger
    rows = ledger.batches.conservation()
    assert (rows.read, rows.accepted, rows.quarantined, rows.duplicate) == (1814, 1797, 7, 10)
    assert [batch.state for batch in ledger.batches.all()].count("refused") == 1
    assert "roll_back" in {move.kind for move in ledger.champions.history()}
    assert f"{ledger.annotations.count()} annotations were acknowledged" in " ".join(ran.out.split())


def test_the_report_is_written_and_names_its_checks(ran: Ran) -> None:
    html = (ran.folder / "report.html").read_text("utf-8")
    for words in ("Learning curve against random choice", "law 6: every model can be rebuilt", "Rolled back to"):
        assert words in html


def test_prefect_worked_inside_the_folder(ran: Ran) -> None:
    assert (ran.folder / "prefect" / "prefect.db").is_file()


def test_ctrl_c_ends_the_demo_in_one_line_and_leaves_no_server(tmp_path: Path) -> None:
    with subprocess.Popen([*COMMAND, "--into", str(tmp_path / "demo")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, bufsize=1) as demo:  # fmt: skip
        assert demo.stdout is not None
        assert demo.stdout.readline().startswith("day")  # the server answers, and the first day is told
        servers = children_of(demo.pid)
        assert servers
        demo.send_signal(signal.SIGINT)
        _, err = demo.communicate(timeout=120)
    assert demo.returncode == 130
    assert err.splitlines()[-1] == "tiltyard: interrupted; everything stored before is kept"
    assert not set(servers) & set(running())


def running() -> list[int]:
    """The ids of all processes, zombies left out."""
    rows = subprocess.run(
        ["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [int(pid) for pid, state in map(str.split, rows) if not state.startswith("Z")]


def children_of(parent: int) -> list[int]:
    """The ids of a process's own children."""
    rows = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [int(pid) for pid, of in map(str.split, rows) if int(of) == parent]


def test_a_demo_is_made_anew_and_nothing_else_is_touched(tmp_path: Path) -> None:
    folder = prepare_folder(tmp_path / "demo")
    (folder / "left over").touch()
    assert [path.name for path in prepare_folder(tmp_path / "demo").iterdir()] == [MARK]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    (tmp_path / "file").touch()
    for name in ("mine", "file"):
        with pytest.raises(TiltyardError, match="not a demo's folder"):
            prepare_folder(tmp_path / name)
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_an_empty_folder_may_become_a_demo(tmp_path: Path) -> None:
    assert prepare_folder(tmp_path) == tmp_path.resolve()


def test_the_environment_cannot_lead_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ |= {f"{prefix}SOMETHING": "elsewhere" for prefix in FOREIGN}
    isolate_environment(tmp_path)
    assert "elsewhere" not in os.environ.values()
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "prefect")


def test_a_broken_check_is_told_to_the_shell() -> None:
    holds, broken = Check("law 1", "", True, ""), Check("law 2", "", False, "")
    assert [exit_code([holds]), exit_code([holds, broken]), exit_code([])] == [0, 1, 0]


@dataclass
class Played:
    """A short story, played without Prefect."""

    simulation: Simulation
    days: list[DayResult]

    def twin(self, folder: Path) -> "Played":
        """The same story in a copy of its folder, to break something in."""
        simulation = copy.copy(self.simulation)
        simulation.folder = Path(shutil.copytree(self.simulation.folder, folder / "twin"))
        return Played(simulation, self.days)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Five days of made scans."""
    deal = EXAMPLES["digits"].made_sample(900)
    simulation = Simulation(EXAMPLES["digits"], deal, tmp_path_factory.mktemp("played"), go_round, check_batch.fn)
    expert = ScriptedExpert(deal.answers, deal.reference)
    days = [simulation.run_day(day, [expert]) for day in group_by_day(deal)[:4]]
    go_round(str(simulation.folder))
    return Played(simulation, days)


def journal_of(played: Played) -> list[dict[str, Any]]:
    segments = played.simulation.workspace.ledger.segments
    return [line for segment in segments.all() for line in segments.lines(segment)]


def test_all_laws_hold_for_an_honest_story(played: Played, tmp_path: Path) -> None:
    twin = played.twin(tmp_path)
    found = laws.check_guarantees(twin.simulation, twin.days, go_round, lambda _: None)
    assert [(check.name, check.sentence) for check in found if not check.holds] == []
    assert [check.name for check in found] == [*(f"law {number}" for number in range(1, 7)), "verify"]


def behind_the_back(played: Played, *statements: str) -> None:
    """Change the ledger as somebody with a database client would, the guards taken off first."""
    with closing(sqlite3.connect(played.simulation.workspace.folder / "ledger.db")) as connection, connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for statement in [*(f"DROP TRIGGER {name}" for (name,) in names), *statements]:
            connection.execute(statement)


FIRST = "(SELECT seq FROM annotation ORDER BY seq LIMIT 1)"

BREAKS: dict[str, tuple[str, Callable[[Played], Check]]] = {
    "guards gone": ("SELECT 1", lambda one: laws.check_labels(one.simulation)),
    "label changed": (
        f"UPDATE annotation SET note = 'x' WHERE seq = {FIRST}",
        lambda one: laws.check_labels(one.simulation),
    ),
    "label deleted": (f"DELETE FROM annotation WHERE seq = {FIRST}", lambda one: laws.check_labels(one.simulation)),
    "row vanished": (
        "UPDATE batch SET accepted = accepted - 1",
        lambda one: laws.check_rows(one.simulation.workspace, one.days),
    ),
    "object unseen": (
        "UPDATE batch SET read = read - 1, accepted = accepted - 1",
        lambda one: laws.check_rows(one.simulation.workspace, one.days),
    ),
    "model swapped": ("UPDATE model SET predictions_hash = 'x'", lambda one: laws.check_rebuild(one.simulation)),
    "fact changed": ("UPDATE verdict SET reason = 'x'", lambda one: laws.check_stores(one.simulation.workspace)),
}


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_a_change_behind_the_programs_back_is_noticed(played: Played, tmp_path: Path, name: str) -> None:
    statement, check = BREAKS[name]
    twin = played.twin(tmp_path)
    assert check(twin).holds
    behind_the_back(twin, statement)
    assert not check(twin).holds


def test_a_loop_that_works_twice_on_the_same_object_is_noticed(played: Played, tmp_path: Path) -> None:
    twin = played.twin(tmp_path)
    expert = ScriptedExpert(twin.simulation.deal.answers, twin.simulation.deal.reference)
    restless = laws.check_once_each(twin.simulation, twin.days, lambda _: twin.simulation.answer_queue(expert, 1))
    assert not restless.holds


def test_an_alias_that_differs_and_a_move_before_its_verdict_are_noticed(played: Played, tmp_path: Path) -> None:
    twin = played.twin(tmp_path)
    workspace, journal = twin.simulation.workspace, journal_of(twin)
    assert laws.check_moves(workspace, journal).holds
    early = [line | {"seq": 0} if line["kind"] == "promotion" else line for line in journal]
    assert not laws.check_moves(workspace, early).holds
    versions = {model.registry_version for model in workspace.ledger.models.all()}
    workspace.registry.set_alias(min(versions - {workspace.registry.aliases()["champion"]}), "champion")
    assert not laws.check_moves(workspace, journal).holds


def test_an_evaluation_row_that_a_strategy_chose_is_noticed(played: Played) -> None:
    workspace, journal = played.simulation.workspace, journal_of(played)
    assert laws.check_evaluation(workspace, journal).holds
    chosen = [
        line | {"fact": {**line["fact"], "purpose": "query"}} if line["kind"] == "assignment" else line
        for line in journal
    ]
    assert not laws.check_evaluation(workspace, chosen).holds


def test_a_changed_file_is_noticed(played: Played, tmp_path: Path) -> None:
    twin = played.twin(tmp_path)
    pooled = next((twin.simulation.workspace.folder / "pool").glob("*.parquet"))
    content = bytearray(pooled.read_bytes())
    content[len(content) // 2] ^= 1
    pooled.write_bytes(content)
    assert not laws.check_stores(twin.simulation.workspace).holds


def test_chance_has_as_many_labels_as_the_strategy_had(played: Played) -> None:
    found = curves(played.simulation.workspace, played.simulation.deal, seed=0)
    sizes = [
        labeled.rows for labeled in played.simulation.workspace.ledger.models.sets() if labeled.purpose == "training"
    ]
    assert [point.labels for point in found.random] == [point.labels for point in found.chosen]
    assert found.chosen[-1].labels == sizes[-1]
    assert all(point.low <= point.score <= point.high for point in (*found.random, *found.chosen))
    workspace = played.simulation.workspace
    pool = workspace.pool.scan(workspace.pool_files(), 10_000)
    assert found.rows == sum(chunk.filter("evaluation").height for chunk in pool)
    assert curves(played.simulation.workspace, played.simulation.deal, seed=0) == found
