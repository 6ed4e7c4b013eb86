"""``tiltyard judge --what-if``: other settings, the same rows, and not a trace in the ledger."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.clients.commands import done, tiltyard
from tests.projects.judged_project import judged_project
from tiltyard.workspace.workspace import Workspace


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return judged_project(tmp_path_factory.mktemp("what-if"), days=2)


def folder_of(workspace: Workspace) -> Path:
    return workspace.project_file.parent


def test_the_same_settings_say_the_same(judged: Workspace) -> None:
    told = done("judge", "--what-if", "-p", folder_of(judged), "--json").data
    recorded = judged.ledger.champions.verdicts()[-1]
    assert told["dry_run"] is True
    assert told["recorded"]["verdict_id"] == recorded.verdict_id
    assert told["tried"]["decision"] == recorded.decision
    assert told["tried"]["gain"] == told["recorded"]["gain"]
    assert (told["settings"], told["checks"]) == ([], [])


def test_a_stricter_gate_says_what_would_differ(judged: Workspace) -> None:
    strict = ("--set", "gate.floors={accuracy: 1.0}", "--set", "gate.minimum_labels=5000")
    told = done("judge", "--what-if", *strict, "-p", folder_of(judged), "--json").data
    assert told["tried"]["decision"] == "keep"
    assert [row["setting"] for row in told["settings"]] == ["gate.floors", "gate.minimum_labels"]
    differ = {row["check"]: (row["recorded"], row["tried"]) for row in told["checks"]}
    assert differ["labels"] == ("pass", "undecided")
    assert differ["floor accuracy"][0] is None


def test_a_dry_run_leaves_no_trace(judged: Workspace) -> None:
    before = (judged.ledger.position(), judged.ledger.champions.verdicts(), judged.ledger.champions.history())
    sets = judged.ledger.models.sets()
    page = done("judge", "--what-if", "--set", "gate.confidence=0.8", "-p", folder_of(judged)).out
    assert "Dry run: nothing was recorded" in page
    assert before == (judged.ledger.position(), judged.ledger.champions.verdicts(), judged.ledger.champions.history())
    assert sets == judged.ledger.models.sets()


def test_any_model_may_be_named_and_is_judged_against_the_champion_of_its_time(judged: Workspace) -> None:
    first = judged.ledger.models.all()[0]
    told = done("judge", "--what-if", first.model_id[:8], "-p", folder_of(judged), "--json").data
    assert told["model"] == first.model_id
    assert told["recorded"]["champion_id"] is None
    assert told["tried"]["champion"] is None


def test_a_model_without_a_verdict_is_judged_on_todays_labels(judged: Workspace, tmp_path: Path) -> None:
    shutil.copytree(folder_of(judged), tmp_path / "copy")
    copy = tmp_path / "copy"
    content = yaml.safe_load((copy / "project.yaml").read_text("utf-8"))
    content["candidates"][0]["parameters"] = {"C": 0.01}
    (copy / "project.yaml").write_text(yaml.safe_dump(content), "utf-8")
    done("train", "--force", "-p", copy, "--json")
    told = done("judge", "--what-if", "-p", copy, "--json").data
    assert told["recorded"] is None
    assert {row["recorded"] for row in told["checks"]} == {None}
    assert done("judge", "-p", copy, "--json").data["judged"] is True


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["judge", "--set", "gate.confidence=0.9"], "--what-if"),
        (["judge", "abc"], "--what-if"),
        (["judge", "--what-if", "--set", "gate.confidnce=1"], "did you mean 'confidence'"),
        (["judge", "--what-if", "--set", "seed=1"], "gate.key=value"),
        (["judge", "--what-if", "zzzz"], "zzzz"),
    ],
)
def test_mistakes_are_one_line(judged: Workspace, arguments: list[str], told: str) -> None:
    answer = tiltyard(*arguments, "-p", folder_of(judged))
    assert answer.code == 2
    assert told in answer.err
    assert answer.err.count("\n") == 1
