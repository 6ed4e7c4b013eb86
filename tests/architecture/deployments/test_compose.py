"""The compose file: closed, without default secrets, in an order that works; its scripts and its page fit it."""

import copy
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.deployments.compose_files import problems_of
from tests.architecture.sources import ROOT, pages
from tests.architecture.written_commands import blocks, commands_of
from tests.deployments.composed import FOLDER, VARIABLE, filled, variables_of
from tests.deployments.deployed_commands import problems_of as problems_of_command
from tests.deployments.deployed_variables import unknown

TEXT = (FOLDER / "compose.yaml").read_text("utf-8")
CONTENT: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES = CONTENT["services"]
VERBS = {"build", "up", "ps", "logs", "run", "exec", "down"}

BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "a key that is not known": lambda all_: all_["worker"].update(enviroment={}),
    "an open port": lambda all_: all_["labeling"].update(ports=["8765:8765"]),
    "a writable system": lambda all_: all_["watch"].update(read_only=False),
    "a default password": lambda all_: all_["postgres"]["environment"].update(POSTGRES_PASSWORD="${A_PASSWORD:-x}"),
    "a password in the clear": lambda all_: all_["postgres"]["environment"].update(POSTGRES_PASSWORD="tiltyard"),
    "a password that may be empty": lambda all_: all_["watch"]["environment"].update(TILTYARD_LABEL_SECRET="${SECRET}"),
    "a variable that nobody reads": lambda all_: all_["watch"]["environment"].update(TILTYARD_WATCH_QEUE="x"),
    "a number for a text": lambda all_: all_["worker"]["environment"].update(PREFECT_WORKER_QUERY_SECONDS=2),
    "a command that is not there": lambda all_: all_["watch"].update(command=["tiltyard", "look"]),
    "an option that is not there": lambda all_: all_["prefect"]["command"].append("--hosts=x"),
    "no healthcheck": lambda all_: all_["mlflow"].pop("healthcheck"),
    "waiting for nobody": lambda all_: all_["worker"]["depends_on"].update(redis={"condition": "service_healthy"}),
    "waiting for ever": lambda all_: all_["deploy"].update(restart="unless-stopped"),
    "waiting for a profile": lambda all_: all_["watch"]["depends_on"]["landing-bucket"].pop("required"),
    "a volume that is not there": lambda all_: all_["mlflow"].update(volumes=["models:/data"]),
    "an image of any version": lambda all_: all_["postgres"].update(image="postgres"),
}  # fmt: skip


def test_nothing_is_wrong() -> None:
    assert problems_of(CONTENT) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(name: str) -> None:
    broken = copy.deepcopy(CONTENT)
    BROKEN[name](broken["services"])
    assert problems_of(broken) != []


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An .env as make_env.sh writes it."""
    (tmp_path / "make_env.sh").write_bytes((FOLDER / "make_env.sh").read_bytes())
    subprocess.run(["sh", "make_env.sh", "bank"], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / ".env"


def test_the_env_file_is_what_compose_wants(environment: Path) -> None:
    variables = variables_of(environment.read_text("utf-8"))
    wanted = {found["name"] for found in VARIABLE.finditer(TEXT) if found["how"] == "?"}
    assert wanted <= set(variables)
    assert set(variables) - wanted == {"COMPOSE_PROFILES", "TILTYARD_LABEL_ORIGINS", "TILTYARD_LABEL_TRUSTED_PROXIES"}
    assert filled(SERVICES, variables)["worker"]["environment"]["TILTYARD_PROJECT"] == "/projects/bank"


def test_secrets_are_drawn_by_chance_and_kept_to_oneself(environment: Path) -> None:
    secrets = [
        value
        for name, value in variables_of(environment.read_text("utf-8")).items()
        if name.endswith(("WORD", "SECRET"))
    ]
    assert len(secrets) == len(set(secrets)) == 9
    assert all(len(one) == 48 and int(one, 16) for one in secrets)
    assert environment.stat().st_mode & 0o777 == 0o600


def test_secrets_are_never_written_over(environment: Path) -> None:
    before = environment.read_bytes()
    again = subprocess.run(["sh", "make_env.sh"], cwd=environment.parent, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert ".env is there already" in again.stderr
    assert environment.read_bytes() == before


@pytest.mark.parametrize("name", ["try.env", "aws.env.example"])
def test_the_ways_to_a_store_say_what_the_parts_need(name: str) -> None:
    variables = variables_of((FOLDER / name).read_text("utf-8"))
    assert unknown(variables) == []
    assert {"TILTYARD_SOURCE_URL", "TILTYARD_WATCH_QUEUE", "TILTYARD_WATCH_DEAD_LETTERS", "AWS_REGION"} <= set(
        variables
    )
    assert "{project}" in variables["TILTYARD_SOURCE_URL"]


@pytest.mark.parametrize(
    "name", ["deployments/compose/.env", "deployments/compose/aws.env", "deployments/compose/projects/a"]
)
def test_git_takes_no_secret(name: str) -> None:
    asked = subprocess.run(["git", "check-ignore", "--no-index", "-q", name], cwd=ROOT, check=False)
    assert asked.returncode == 0


def test_the_script_of_the_databases_is_where_the_image_looks() -> None:
    assert "./databases.sh:/docker-entrypoint-initdb.d/databases.sh:ro" in SERVICES["postgres"]["volumes"]
    assert subprocess.run(["sh", "-n", FOLDER / "databases.sh"], check=False).returncode == 0


COMPOSE_COMMANDS = [
    (page, line) for page in pages() for line in commands_of(page) if line.startswith("docker compose ")
]


@pytest.mark.parametrize(("page", "line"), COMPOSE_COMMANDS, ids=[line for _, line in COMPOSE_COMMANDS])
def test_pages_name_parts_and_commands_that_exist(page: Path, line: str) -> None:
    words = shlex.split(line)[2:]
    assert words[0] in VERBS
    if words[0] == "run":
        rest = words[words.index("--user") + 2 :] if "--user" in words else words[words.index("--rm") + 1 :]
        assert rest[0] in SERVICES
        assert "entrypoint" in SERVICES[rest[0]] or problems_of_command(rest[1:]) == []


def test_what_a_page_adds_fits_the_file() -> None:
    added = [block for page in pages() for block in blocks(page) if block.title == "compose.override.yaml"]
    assert added
    for block in added:
        for name, service in yaml.safe_load(block.text)["services"].items():
            assert name in SERVICES
            assert unknown(service["environment"]) == []


def test_containers_may_read_projects(environment: Path) -> None:
    """They run as another user than the one who made .env."""
    assert (environment.parent / "projects").stat().st_mode & 0o005 == 0o005


def test_the_script_of_the_databases_is_executed() -> None:
    """PostgreSQL's image takes a script that is not executable into its own shell, which 'set -u' would end."""
    assert (FOLDER / "databases.sh").stat().st_mode & 0o111 == 0o111


def test_scripts_may_be_read_by_the_image() -> None:
    """Mounted into a container, they are read by another user."""
    assert all((FOLDER / name).stat().st_mode & 0o044 for name in ("databases.sh", "try.env"))
