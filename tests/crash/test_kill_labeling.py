"""SIGKILL under load: every answer that the labeling server acknowledged is in the ledger, once."""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest

from tests.projects.made_queue import NUMBERS, made_project, numbers, token_for
from tests.sampling import sampled_count
from tests.servers.labeling_server import Expert, Server
from tiltyard.stores.ledger.chain.integrity import verify_ledger

ROUNDS = sampled_count(50, 12)
EXPERTS = 6


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("each_database")
def test_what_was_acknowledged_before_a_kill_is_there_once(tmp_path: Path) -> None:
    workspace = made_project(tmp_path / "small", numbers(ROUNDS * 250), NUMBERS)
    tokens = [token_for(workspace, f"expert-{i}") for i in range(EXPERTS)]
    server, until, rng = Server([workspace.project_file]), Event(), random.Random(4)
    experts = [Expert(server.url, "small", token) for token in tokens]
    server.start()
    with ThreadPoolExecutor(EXPERTS) as threads:
        working = [threads.submit(expert.work, until) for expert in experts]
        try:
            acknowledged = [kill_and_start(server, experts, rng) for _ in range(ROUNDS)]
        finally:
            until.set()
        for one in working:
            one.result()
    server.stop()
    assert all(later > earlier for earlier, later in pairwise(acknowledged))
    assert [failure for expert in experts for failure in expert.failures] == []
    told = {key: said for expert in experts for key, said in expert.acknowledged.items()}
    kept = workspace.ledger.annotations.until()
    assert max(Counter(one.client_key for one in kept).values()) == 1
    found = {one.client_key: (one.sample_id, one.label) for one in kept}
    assert {key: found.get(key) for key in told} == told
    assert max(Counter(one.sample_id for one in kept).values()) == 1
    assert verify_ledger(workspace.ledger) == []
    workspace.ledger.close()


def kill_and_start(server: Server, experts: list[Expert], rng: random.Random) -> int:
    """Let experts work a while, kill the server in the midst of it, start it again; answers acknowledged so far."""
    before = done(experts)
    deadline = time.monotonic() + 60
    while done(experts) < before + 10:
        assert time.monotonic() < deadline, "nobody gets an answer through"
        time.sleep(0.01)
    time.sleep(rng.random() * 0.2)
    server.kill()
    server.start()
    return done(experts)


def done(experts: list[Expert]) -> int:
    """How many answers are acknowledged."""
    return sum(len(expert.acknowledged) for expert in experts)
