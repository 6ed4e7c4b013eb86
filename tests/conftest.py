"""What all tests share: one thread per fit, quiet tracking, and where the real data sets are."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.sampling import told_sample

if TYPE_CHECKING:
    from tests.servers.databases import Place

# A busy machine is no failure; what takes too long is stopped by the time limit of each test. Examples are the same in
# each run, so that a red run tells of the change and not of chance: 'pytest --hypothesis-profile=search' looks further.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
# 'make check' draws fewer of the same examples; 'make test' draws them all.
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=20)
settings.load_profile("repeatable")

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

ROOT = Path(__file__).parent.parent
LONG = (
    "test_compose_installation",
    "test_prefect_deployments",
    "test_unattended",
    "test_label_studio.py",
    "test_commands_run",
    "test_kill_everywhere",
    "test_a_year",
    "test_approval",
    "test_kill_labeling",
    "/crash/",
    "/e2e/",
    "test_watch",
    "/flows/",
)
"""Parts of the paths of tests that take minutes, the longest first."""


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="module", autouse=True)
def own_modules_are_forgotten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test file loaded from folders that it made is unknown to the next one, whichever worker runs both."""
    yield
    made = str(tmp_path_factory.getbasetemp().resolve())
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(made):
            del sys.modules[name]


@pytest.fixture(scope="session", autouse=True)
def ready_made_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fresh SQLite databases of this process are copies of one that was migrated once."""
    from tests.templates import ready_made

    with ready_made(tmp_path_factory):
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The SQLAlchemy URL of a real PostgreSQL server, one for each worker."""
    from tests.servers.databases import running_postgresql

    with running_postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> "Iterator[Place]":
    """Where a fresh ledger is: each test that asks for it runs on SQLite and on PostgreSQL."""
    from tests.servers.databases import COPIED, Place, copied_database, sqlite_in

    if request.param == "sqlite":
        yield sqlite_in(tmp_path)
        return
    with copied_database(request.getfixturevalue("postgresql")) as url:
        yield Place(url, COPIED, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def each_database(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a fresh ledger, set in the environment: what opens a workspace runs on SQLite and on PostgreSQL."""
    from tests.servers.databases import copied_database, sqlite_in

    with ExitStack() as databases:
        if request.param == "sqlite":
            url = sqlite_in(tmp_path).url
        else:
            url = databases.enter_context(copied_database(request.getfixturevalue("postgresql")))
        monkeypatch.setenv("TILTYARD_LEDGER_URL", url)
        yield url


@pytest.fixture(scope="session")
def aws_server() -> Iterator[str]:
    """The URL of a server with S3, SQS, SNS, EventBridge and IAM, one for each worker."""
    from tests.servers.s3_server import running_aws

    with running_aws() as url:
        yield url


@pytest.fixture
def aws(aws_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same URL, with boto3's own variables in the environment of this test and of what it starts."""
    from tests.servers.s3_server import credentials

    for name, value in credentials(aws_server).items():
        monkeypatch.setenv(name, value)
    return aws_server


def pytest_report_header() -> str:
    """Say which part of the exhaustive sets this run takes, so that a red run can be repeated."""
    return told_sample()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which sample ran, and loudly which examples ran on made samples because their real data is not at hand."""
    from tiltyard.examples.catalogue import EXAMPLES

    terminalreporter.write_line(told_sample())
    absent = sorted(name for name, example in EXAMPLES.items() if not example.at_hand)
    if absent:
        terminalreporter.section("made samples instead of real data", sep="!", red=True, bold=True)
        terminalreporter.write_line(
            f"No real data for {', '.join(absent)}: their tests ran on small made samples. "
            "Set TILTYARD_DATA to the folder that holds the sources."
        )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes, so that no worker begins with it when the others are done."""
    items.sort(key=lambda item: next((place for place, name in enumerate(LONG) if name in str(item.path)), len(LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a file's tests on one worker, for their shared fixtures; each kill test may have one of its own.

    pytest-xdist's groups do not reach its scheduler under pytest 9.2: it writes them into a field that is not read.
    """
    from xdist.scheduler import LoadScopeScheduling

    class FileByFile(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist ships no types
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if nodeid.startswith("tests/crash/") else nodeid.partition("::")[0]

    return FileByFile(config, log)
