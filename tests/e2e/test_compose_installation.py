"""The compose file and its page, without containers: its parts as processes, from an empty folder to a champion."""

import json
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tests.architecture.sources import ROOT
from tests.architecture.written_commands import commands_of
from tests.deployments.composed import FOLDER, Composition, composition
from tests.servers.whole_postgresql import running_whole_postgresql
from tiltyard.examples.catalogue import example_named

PAGE = ROOT / "docs" / "how-to" / "run-with-docker-compose.md"
STARTED = ("prefect", "mlflow", "aws")
DEAL = example_named("digits").deal()
AT_ONCE = 10
"""Samples that one annotator may hold."""

AFTER = ("worker", "labeling", "watch")
ONCE = ("landing-bucket", "deploy")


class Laptop:
    """Somebody who types what the page says; what Docker itself does is not done."""

    def __init__(self, parts: Composition) -> None:
        self.parts = parts
        self.said: list[tuple[str, str]] = []

    def type(self, command: str) -> None:
        """One line of the page."""
        words = shlex.split(command)
        if words[:2] != ["docker", "compose"]:
            return
        verb = words[2]
        if verb == "up" and not self.parts.running:
            self.up()
        elif verb == "run":
            self.said.append((command, self.run(words[3:])))

    def up(self) -> None:
        """Start every part, in the order that the file asks for."""
        for name in STARTED:
            self.parts.start(name)
        for name in ONCE:
            self.parts.run(name)
        for name in AFTER:
            self.parts.start(name)

    def run(self, words: list[str]) -> str:
        """``docker compose run``: a part's place, another command."""
        after = words.index("--user") + 2 if "--user" in words else words.index("--rm") + 1
        if words[-1] == "ID":
            words = [*words[:-1], self.schedule()]
        return self.parts.run(words[after], words[after + 1 :])

    def schedule(self) -> str:
        """The id that the page's reader finds in what was said last."""
        return str(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", self.said[-1][1])[0])

    @property
    def token(self) -> str:
        """ada's token, which is shown this once."""
        return str(re.findall(r"\S{40,}", next(said for typed, said in self.said if "annotators add" in typed))[0])

    def status(self) -> dict[str, Any]:
        """How the project stands."""
        told: dict[str, Any] = json.loads(self.parts.run("cli", ["tiltyard", "status", "--json"]))
        return told

    def rows(self, table: str) -> int:
        """How many facts of a kind the project's ledger has; to ask the command would take seconds each time."""
        engine = create_engine(self.parts.environment("worker")["TILTYARD_LEDGER_URL"], poolclass=NullPool)
        with engine.connect() as connection:
            return int(connection.scalar(text(f"SELECT count(*) FROM digits.{table}")) or 0)


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A copy of deployments/compose with an .env of its own, and PostgreSQL."""
    place = tmp_path_factory.mktemp("laptop")
    shutil.copytree(FOLDER, place / "compose", ignore=shutil.ignore_patterns(".env", "projects"))
    subprocess.run(["sh", "make_env.sh"], cwd=place / "compose", check=True, capture_output=True)
    with running_whole_postgresql() as server, composition(place / "compose", server) as parts:
        yield Laptop(parts)


def typed(upto: str) -> list[str]:
    """The page's commands up to a section."""
    whole, lines = PAGE.read_text("utf-8"), commands_of(PAGE)
    return [line for line in lines if whole.index(line) < whole.index(f"\n## {upto}")]


@pytest.mark.timeout(600)
def test_the_page_is_true(laptop: Laptop) -> None:
    """Up to 'Your own project': a file in the bucket, rows in the pool, samples in the queue, an answer of ada's."""
    for line in typed("Label samples"):
        laptop.type(line)
    wait_for_queue(laptop)
    batches = {one["object"]: one for one in laptop.status()["batches"]}
    assert sorted(batches) == ["2026-01-05.csv", "2026-01-06.csv", "2026-01-07.csv"]
    assert batches["2026-01-06.csv"]["duplicate"] == 4
    for line in [line for line in typed("Your own project") if line not in typed("Label samples")]:
        laptop.type(line)
    assert answered(laptop, 1) == 1
    assert laptop.status()["annotations"] == 1


def wait_for_queue(laptop: Laptop) -> None:
    """Wait until samples are in the queue: nobody started anything."""
    laptop.status()  # makes the ledger's tables, if no other part has yet
    end = time.monotonic() + 240
    while time.monotonic() < end:
        if laptop.rows("batch") >= 3 and laptop.rows("assignment"):
            return
        time.sleep(1)
    raise AssertionError(f"no queue: {laptop.parts.log('watch')[-1500:]}\n{laptop.parts.log('worker')[-3000:]}")


def answered(laptop: Laptop, most: int) -> int:
    """Answer samples by the labeling API with what is true, as the page in the browser does; how many."""
    address = f"http://127.0.0.1:{laptop.parts.ports['labeling']}/api/v1/projects/digits"
    with httpx.Client(headers={"Authorization": f"Bearer {laptop.token}"}, timeout=30) as client:
        lease = client.post(f"{address}/lease", json={"count": most}).raise_for_status().json()
        answers = [answer(one) for one in lease["assignments"]]
        if answers:
            client.post(f"{address}/annotations", json={"annotations": answers}).raise_for_status()
    return len(answers)


def answer(assignment: dict[str, Any]) -> dict[str, str]:
    """The true answer to an assignment."""
    return {
        "client_key": uuid5(NAMESPACE_URL, assignment["assignment_id"]).hex,
        "act": "label",
        "sample_id": assignment["sample_id"],
        "assignment_id": assignment["assignment_id"],
        "label": DEAL.answers[str(assignment["payload"][DEAL.reference])],
        "said_at": datetime.now(UTC).isoformat(),
    }


@pytest.mark.timeout(900)
def test_labels_become_a_champion(laptop: Laptop) -> None:
    """Nobody starts anything: labels wake a training, a verdict is recorded, MLflow's alias shows the champion."""
    end, given = time.monotonic() + 600, 0
    while not laptop.rows("promotion") and time.monotonic() < end:
        while some := answered(laptop, AT_ONCE):
            given += some
        time.sleep(1)
    assert laptop.status()["champion"] is not None, (
        f"{given} labels: {laptop.status()}\n{laptop.parts.log('worker')[-3000:]}"
    )
    told = json.loads(laptop.parts.run("cli", ["tiltyard", "history", "--json"]))
    assert told["verdicts"], told
    address = f"http://127.0.0.1:{laptop.parts.ports['mlflow']}/api/2.0/mlflow/registered-models"
    asked = httpx.get(f"{address}/alias", params={"name": "digits", "alias": "champion"}, auth=of_mlflow(laptop))
    shown = asked.raise_for_status().json()
    assert shown["model_version"]["name"] == "digits"


def of_mlflow(laptop: Laptop) -> tuple[str, str]:
    """MLflow's user and password."""
    known = laptop.parts.environment("worker")
    return known["MLFLOW_TRACKING_USERNAME"], known["MLFLOW_TRACKING_PASSWORD"]


def test_mlflow_lets_nobody_in_without_the_password(laptop: Laptop) -> None:
    address = f"http://127.0.0.1:{laptop.parts.ports['mlflow']}/api/2.0/mlflow/experiments/search"
    assert httpx.post(address, json={"max_results": 1}).status_code == 401
    assert httpx.post(address, json={"max_results": 1}, auth=("tiltyard", "guessed")).status_code == 401
    assert httpx.post(address, json={"max_results": 1}, auth=of_mlflow(laptop)).status_code == 200


def test_the_labeling_server_may_write_no_promotion(laptop: Laptop) -> None:
    """It answers all the while as a role that owns nothing."""
    url = laptop.parts.environment("labeling")["TILTYARD_LEDGER_URL"]
    assert "tiltyard_writer" in url
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text("INSERT INTO digits.promotion DEFAULT VALUES"))


def test_mlflow_answers_to_its_names_only(laptop: Laptop) -> None:
    address, port = f"http://127.0.0.1:{laptop.parts.ports['mlflow']}/", laptop.parts.ports["mlflow"]
    known = of_mlflow(laptop)
    assert httpx.get(address, headers={"Host": f"mlflow:{port}"}, auth=known).status_code == 200
    assert httpx.get(address, headers={"Host": "elsewhere.example"}, auth=known).status_code == 403


def test_prefect_lets_nobody_in_without_the_password(laptop: Laptop) -> None:
    address = f"http://127.0.0.1:{laptop.parts.ports['prefect']}/api"
    assert httpx.post(f"{address}/deployments/filter", json={}).status_code == 401
    user, _, password = laptop.parts.environment("worker")["PREFECT_API_AUTH_STRING"].partition(":")
    found = httpx.post(f"{address}/deployments/filter", json={}, auth=(user, password))
    assert {one["name"] for one in found.json()} == {"digits"}


def test_parts_end_when_they_are_asked_to(laptop: Laptop) -> None:
    assert laptop.parts.stop("watch") == 0
    assert laptop.parts.stop("worker") == 0
    assert not laptop.parts.is_healthy("watch")


def test_a_part_without_its_secret_does_not_start(tmp_path: Path) -> None:
    """There is no default password: without .env nothing is filled in."""
    shutil.copytree(FOLDER, tmp_path / "compose", ignore=shutil.ignore_patterns(".env", "projects"))
    (tmp_path / "compose" / ".env").write_text("TILTYARD_PROJECT_NAME=digits\n", "utf-8")
    with pytest.raises(ValueError, match="PASSWORD"):
        _ = Composition(tmp_path / "compose", None).services  # type: ignore[arg-type]  # nothing is started
