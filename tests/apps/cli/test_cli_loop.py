"""The loop by hand, one verb after the other: what each answers to people and to programs."""

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.commands import Told, done, tiltyard
from tests.projects.small_project import a_day, deliver, make_project, truth
from tiltyard.flows.whole_cycle import STEPS
from tiltyard.workspace.workspace import Workspace, open_workspace

SLACK = {"gate": {"metric": "accuracy", "minimum_labels": 4, "resamples": 200, "rule": "not_worse", "margin": 1.0}}


def answer_by_file(folder: Path) -> Told:
    """An expert answers all that waits, through a file that names samples by the producer's reference."""
    workspace, file = open_workspace(folder), folder / "answers.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row_id", "label"])
        for one in workspace.ledger.assignments.waiting():
            writer.writerow([one.payload["row_id"], truth(one)])
    return done("import-labels", file, "--by", "row_id", "--annotator", "ada", "-p", folder, "--json")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, Told]]:
    """Two rounds of the loop, every step by its own verb and as JSON."""
    workspace = make_project(tmp_path_factory.mktemp("loop"), **SLACK)
    folder, told = workspace.project_file.parent, dict[str, Told]()
    deliver(workspace, "day-1.csv", a_day(1) + "1,2,purple,9001\nx,2,red,9002\n")
    deliver(workspace, "bad.csv", "x,y,colour,row_id\n" + "1,2,purple,1\n" * 5)
    for step in ("status", "ingest", "ask", "label", "train early", "judge early", "answers", "train", "judge"):
        told[step] = _step(step, folder)
    told["promote"] = done("promote", "--by", "ada", "-p", folder, "--json")
    told["ask again"] = done("ask", "-p", folder, "--json")
    told["answers again"] = answer_by_file(folder)
    told["train again"] = done("train", "-p", folder, "--json")
    told["judge again"] = done("judge", "-p", folder, "--json")
    told["promote again"] = tiltyard("promote", "-p", folder, "--json")
    return workspace, told


def _step(step: str, folder: Path) -> Told:
    """One step of the first round."""
    if step == "answers":
        return answer_by_file(folder)
    if step == "label":
        return done("label", "--annotator", "bea", "-p", folder, "--json", lines="y\nn\n")
    return done(step.split()[0], "-p", folder, "--json")


Story = tuple[Workspace, dict[str, Told]]


def test_a_new_project_says_what_arrived_and_what_to_do(story: Story) -> None:
    status = story[1]["status"].data
    assert (status["arrived"], status["champion"], status["next"]["command"]) == (2, None, "tiltyard ingest")


def test_ingest_counts_every_row_of_every_batch(story: Story) -> None:
    batches = {row["object"]: row for row in story[1]["ingest"].data["batches"]}
    assert (batches["day-1.csv"]["read"], batches["day-1.csv"]["accepted"]) == (62, 60)
    assert (batches["bad.csv"]["state"], batches["bad.csv"]["quarantined"]) == ("refused", 5)
    for row in batches.values():
        assert row["read"] == row["accepted"] + row["quarantined"] + row["duplicate"]


def test_ask_says_whom_it_asked_for(story: Story) -> None:
    asked = story[1]["ask"].data
    assert sum(asked["asked"].values()) == asked["waiting"] == 24
    assert asked["asked"]["evaluation"] > 0
    assert asked["query"]["strategy"] == "typical"


def test_nothing_is_trained_or_judged_too_early(story: Story) -> None:
    early = story[1]["train early"].data
    assert (early["trained"], early["due"]["now"]) == (False, False)
    assert story[1]["judge early"].data == {"judged": False, "verdict": None}


def test_the_labels_of_a_file_train_a_model_that_a_verdict_promotes(story: Story) -> None:
    workspace, told = story
    assert told["answers"].data["stored"] == 22
    assert told["train"].data["model"]["recipe"]["candidate"] == "logistic"
    verdict = told["judge"].data["verdict"]
    assert verdict["decision"] == "promote"
    move = told["promote"].data["promotion"]
    assert (move["verdict_id"], move["actor"], move["number"]) == (verdict["verdict_id"], "ada", 1)
    assert workspace.ledger.champions.history()[0].model_id == told["train"].data["model"]["model_id"]


def test_the_second_verdict_compares_with_the_champion(story: Story) -> None:
    verdict = story[1]["judge again"].data["verdict"]
    assert verdict["champion_id"] == story[1]["train"].data["model"]["model_id"]
    assert verdict["champion"]["value"] >= 0


def test_a_verdict_is_acted_on_once(story: Story) -> None:
    workspace, told = story
    done_already = told["judge"].data["verdict"]["verdict_id"]
    again = tiltyard("promote", done_already[:8], "-p", workspace.project_file)
    assert (again.code, again.err.split(";")[0]) == (2, f"tiltyard: verdict {done_already[:8]} was acted on already")


def test_looking_shows_the_loop_to_people_within_80_columns(story: Story) -> None:
    folder = story[0].project_file.parent
    for command in (["status"], ["history"], ["quarantine", "list"], ["verify"]):
        told = done(*command, "-p", folder)
        tables = [line for line in told.out.splitlines() if not line.startswith(("Next:", "Move ", "bad.csv:"))]
        assert max(map(len, tables)) <= 80
    status = done("status", "-p", folder).out
    assert "67 read = 60 accepted + 7 quarantined + 0 duplicate" in status
    assert status.rstrip().splitlines()[-1]
    assert "Next: tiltyard" in status


def test_status_and_history_agree_with_the_ledger(story: Story) -> None:
    workspace, _ = story
    folder = workspace.project_file.parent
    status, history = done("status", "-p", folder, "--json").data, done("history", "-p", folder, "--json").data
    assert status["rows"]["holds"] is True
    assert status["annotations"] == workspace.ledger.annotations.count()
    assert sum(row["training"] + row["evaluation"] for row in status["labels"]) == status["annotations"]
    assert [one["model_id"] for one in history["models"]] == [one.model_id for one in workspace.ledger.models.all()]
    assert len(history["verdicts"]) >= 2


def test_quarantine_shows_reasons_by_how_common_they_are(story: Story) -> None:
    folder = story[0].project_file.parent
    listed = done("quarantine", "list", "-p", folder, "--json").data["batches"]
    day = next(row["batch"] for row in listed if row["object"] == "day-1.csv")
    shown = done("quarantine", "show", day, "-p", folder, "--json").data
    assert [row["line"] for row in shown["rows"]] == [62, 63]
    assert {row["column"] for row in shown["reasons"]} == {"colour", "x"}
    assert shown["rows"][0]["raw"]["colour"] == "purple"
    assert "x 'x' is not a number" in done("quarantine", "show", day, "-p", folder).out


def test_retry_says_when_the_contract_is_the_same(story: Story) -> None:
    folder = story[0].project_file.parent
    retried = done("quarantine", "retry", "--all", "-p", folder, "--json").data
    assert (retried["retried"], len(retried["unchanged"])) == ([], 2)
    assert "fix the project file first" in done("quarantine", "retry", "--all", "-p", folder).out


def test_the_same_model_comes_out_again(story: Story) -> None:
    workspace, _ = story
    model = workspace.ledger.models.all()[0].model_id
    rebuilt = done("rebuild", model[:8], "-p", workspace.project_file.parent, "--json").data
    assert rebuilt == {"model_id": model, "equal": True, "changed": {}}


def test_verify_counts_what_it_looked_at(story: Story) -> None:
    found = done("verify", "-p", story[0].project_file.parent, "--json").data
    assert (found["sound"], found["problems"]) == (True, [])
    assert (found["checked"]["landed objects"], found["checked"]["samples"]) == (2, 60)


def test_the_doctor_finds_the_project_healthy(story: Story) -> None:
    told = done("doctor", "-p", story[0].project_file.parent, "--json").data
    states = {finding["name"]: finding["state"] for finding in told["findings"]}
    assert told["healthy"] is True
    assert states | {"ledger": "ok", "mlflow": "ok", "champion": "ok", "fastapi": "ok", "modAL": "ok"} == states


def a_checked_day(folder: Path) -> Workspace:
    """A project with one day in its pool, nothing trained."""
    workspace = make_project(folder)
    deliver(workspace, "day-1.csv", a_day(1))
    done("ingest", "-p", folder)
    return workspace


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("pool/*.parquet", "pool file"),
        ("objects/*/*", "landed object 'day-1.csv'"),
        ("segments/*.jsonl", "segment 1"),
        ("quarantine/*.parquet", "quarantine file"),
    ],
)
def test_verify_finds_a_flipped_byte(tmp_path: Path, where: str, said: str) -> None:
    workspace = make_project(tmp_path)
    deliver(workspace, "day-1.csv", a_day(1) + "1,2,purple,9001\n")
    done("ingest", "-p", tmp_path)
    damaged = next(workspace.folder.glob(where))
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    told = tiltyard("verify", "-p", tmp_path, "--json")
    assert told.code == 1
    assert any(said in problem for problem in told.data["problems"])
    assert "WRONG: " in tiltyard("verify", "-p", tmp_path).out


def test_a_mended_schema_lets_refused_rows_in(tmp_path: Path) -> None:
    workspace = make_project(tmp_path)
    deliver(workspace, "bad.csv", "x,y,colour,row_id\n1,2,purple,1\n2,2,red,2\n")
    done("ingest", "-p", tmp_path)
    text = workspace.project_file.read_text().replace("- red", "- purple\n      - red")
    workspace.project_file.write_text(text)
    retried = done("quarantine", "retry", "--all", "-p", tmp_path, "--json").data["retried"]
    assert [(row["attempt"], row["accepted"], row["state"]) for row in retried] == [(2, 2, "accepted")]
    assert done("quarantine", "list", "-p", tmp_path, "--json").data == {"batches": []}


def test_ask_says_when_the_queue_is_full_or_the_pool_empty(tmp_path: Path) -> None:
    make_project(tmp_path)
    assert "Next: tiltyard ingest" in done("ask", "-p", tmp_path).out
    a_checked_day(tmp_path)
    assert "Requested 5 labels" in done("ask", "--budget", "5", "-p", tmp_path).out
    assert "The queue is full: 5" in done("ask", "--budget", "5", "-p", tmp_path).out
    done("ask", "--budget", "999", "-p", tmp_path)
    asked_out = done("ask", "--budget", "999", "-p", tmp_path).out
    assert "Every sample in the pool was queried, or arrived with a label; " in asked_out
    assert "Next: tiltyard label" in asked_out


def test_roll_back_needs_a_reason_and_keeps_every_label(story: Story) -> None:
    """Last in this file: it moves the story's champion."""
    workspace, told = story
    folder = workspace.project_file.parent
    labels = workspace.ledger.annotations.count()
    if told["promote again"].code == 0:
        moved = done("rollback", "--reason", "it erred on red", "--by", "bea", "-p", folder, "--json").data
        assert moved["promotion"]["model_id"] == told["train"].data["model"]["model_id"]
        assert (moved["promotion"]["kind"], moved["promotion"]["actor"]) == ("roll_back", "bea")
        assert "it erred on red" in done("history", "-p", folder).out
    else:
        assert told["promote again"].code == 2
    assert workspace.ledger.annotations.count() == labels


def test_run_takes_the_steps_and_says_which_had_nothing_to_do(tmp_path: Path) -> None:
    """In a process of its own: the flow embeds a server."""
    workspace = make_project(tmp_path)
    deliver(workspace, "day-1.csv", a_day(1))
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "prefect"), "TILTYARD_PROJECT": str(tmp_path)}
    command = [sys.executable, "-c", "from tiltyard.apps.cli.main import main; main()", "run", "--json"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert run.returncode == 0, run.stderr
    told: list[dict[str, Any]] = Told(0, run.stdout, run.stderr).data["steps"]
    assert [line["step"] for line in told] == list(STEPS)
    said = {line["step"]: line["what"] for line in told}
    assert "Traceback" not in run.stderr
    assert said["ingest"] == "1 batch, 60 rows read, 60 accepted"
    assert said["train"].startswith("nothing to do: ")
    assert said["ask"] == "24 wait in the queue"
