"""No secret leaves in a message: errors, logs, states, notices, health, commands."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tiltyard.apps.cli.console.findings import Finding
from tiltyard.apps.cli.main import app
from tiltyard.apps.labeling.api import error_response, json_error
from tiltyard.schemas import errors
from tiltyard.schemas.redaction import RedactedRecord, redact_logs, without_secrets
from tiltyard.tasks.step import step

SECRET = "S3cretPw"
ADDRESS = f"http://bob:{SECRET}@127.0.0.1:9/x?token={SECRET}"
OURS = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.TiltyardError)]


@pytest.mark.parametrize("kind", OURS)
def test_no_error_of_ours_tells_one(kind: type[errors.TiltyardError]) -> None:
    error = kind(f"cannot reach {ADDRESS}", 3)
    assert SECRET not in f"{error!r} {error}"
    assert error.args[1] == 3


class Odd(Exception):
    """A foreign error that keeps its text where it wants to."""

    def __init__(self) -> None:
        super().__init__()
        self.where = ADDRESS

    def __str__(self) -> str:
        return f"odd {self.where}"


@pytest.mark.parametrize("error", [ValueError(ADDRESS), OSError(2, "no", ADDRESS), Odd(), KeyError(ADDRESS)])
def test_a_foreign_error_is_told_without(error: Exception) -> None:
    clean = without_secrets(error)
    assert SECRET not in f"{clean!r} {clean}"
    assert type(error).__name__ in str(clean)


def test_an_error_without_a_secret_is_the_same() -> None:
    error = ValueError("see http://127.0.0.1:9/x")
    assert without_secrets(error) is error


def test_a_step_and_its_flow_tell_none(caplog: pytest.LogCaptureFixture) -> None:
    @step("leaks")
    def leaks(project: str) -> None:
        raise ValueError(f"{project}: cannot reach {ADDRESS}")

    with pytest.raises(RuntimeError, match="ValueError: p: cannot reach http://bob") as caught:
        leaks.fn("p")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert SECRET not in caplog.text


def test_logs_of_the_whole_process_tell_none(caplog: pytest.LogCaptureFixture) -> None:
    redact_logs()
    assert logging.getLogRecordFactory() is RedactedRecord
    log = logging.getLogger("somebody.elses")
    try:
        raise ValueError(ADDRESS)
    except ValueError:
        log.exception("cannot reach %s", ADDRESS)
    log.warning("%r", {"password": SECRET})
    assert "cannot reach http://bob:***@" in caplog.text
    assert SECRET not in caplog.text


def test_what_the_server_and_the_doctor_say_tells_none() -> None:
    for response in (
        json_error(503, ADDRESS),
        error_response("/api/x", 503, ADDRESS),
        error_response("/x", 503, ADDRESS),
    ):
        assert SECRET not in bytes(response.body).decode()
    assert SECRET not in str(Finding("prefect", "fail", f"the server at {ADDRESS} does not answer"))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TILTYARD_LEDGER_URL", f"postgresql+psycopg://bob:{SECRET}@127.0.0.1:9/x"),
        ("TILTYARD_LEDGER_URL", f"nonsense://bob:{SECRET}@127.0.0.1:9/x"),
        ("TILTYARD_LEDGER_URL", f"postgresql+psycopg://bob:{SECRET}/@#@127.0.0.1:x/x"),
        ("TILTYARD_RETRY_SECONDS", f"http://bob:{SECRET}@h"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_no_command_tells_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, as_json: bool
) -> None:
    from tests.projects.made_queue import NUMBERS

    (tmp_path / "project.yaml").write_text(json.dumps(NUMBERS))
    monkeypatch.setenv(variable, value)
    words = ["status", "--project", str(tmp_path), *(["--json"] if as_json else [])]
    told: Any = CliRunner().invoke(app, words)
    assert told.exit_code != 0
    assert SECRET not in told.output
