"""Rate limits: logins by address, requests by annotator, and the error above the limit."""

from pathlib import Path

import pytest

from tests.clients.web import API, bearer, logged_in, proof_in, serving
from tests.projects.made_queue import NUMBERS, made_project, numbers, token_for
from tiltyard.apps.labeling.api import ApiError
from tiltyard.apps.labeling.auth import new_token
from tiltyard.apps.labeling.auth.rate_limits import RateLimit
from tiltyard.schemas.labeling_settings import LabelingSettings


def test_guesses_are_throttled_by_address_and_shut_nobody_out(tmp_path: Path) -> None:
    """Behind one proxy all clients have one address: a valid token is accepted all the same."""
    workspace = made_project(tmp_path, numbers(1), NUMBERS)
    token, session = token_for(workspace, "ada"), token_for(workspace, "bea")
    with serving(workspace.project_file, login_rate="3/minute") as client:
        logged_in(client, session)
        proof = proof_in(client.get("/login").text)
        tried = [client.post("/login", data={"csrf": proof, "token": new_token()}) for _ in range(4)]
        for _ in range(10):
            guessed = client.get(API, headers=bearer(new_token()))
        by_token, by_session = client.get(API, headers=bearer(token)), client.get(API)
        right = client.post("/login", data={"csrf": proof, "token": token})
    assert [one.status_code for one in tried] == [401, 401, 401, 429]
    assert 0 < int(tried[-1].headers["retry-after"]) <= 61
    assert guessed.status_code == 429, "guessing at the API counts as well"
    assert [one.status_code for one in (by_token, by_session, right)] == [200, 200, 303]


def test_large_limits_are_counted_in_steps_and_hold_all_the_same() -> None:
    limit = RateLimit("1000/minute")
    assert 1000 <= _passed(limit, "ada") <= 1020
    with pytest.raises(ApiError, match="too many"):
        limit.hit("ada")
    limit.hit("bea")


def _passed(limit: RateLimit, key: str) -> int:
    """How many requests pass before one does not."""
    for number in range(2000):
        try:
            limit.hit(key)
        except ApiError:
            return number
    return 2000


def test_a_team_behind_one_address_logs_in(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(1), NUMBERS)
    token = token_for(workspace, "ada")
    with serving(workspace.project_file, login_rate="3/minute") as client:
        for _ in range(6):
            logged_in(client, token)
            client.cookies.clear()


def test_requests_are_limited_per_annotator(tmp_path: Path) -> None:
    workspace = made_project(tmp_path, numbers(1), NUMBERS)
    ada, bea = bearer(token_for(workspace, "ada")), bearer(token_for(workspace, "bea"))
    with serving(workspace.project_file, request_rate="3/minute") as client:
        told = [client.get(API, headers=ada).status_code for _ in range(4)]
        assert client.get(API, headers=bea).status_code == 200
        limited = client.get(API, headers=ada)
    assert told == [200, 200, 200, 429]
    assert int(limited.headers["retry-after"]) >= 1


@pytest.mark.parametrize("rate", ["", "many", "10", "10/fortnight", "10/minute;", "-1/minute", "0/minute"])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="login_rate"):
        LabelingSettings(login_rate=rate)
