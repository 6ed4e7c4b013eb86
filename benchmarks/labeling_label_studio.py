"""Label Studio answered by so many experts at once, by its own API: the next task, then its annotation."""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.servers.label_studio_server import TOKEN, Server, running

CONFIG = """<View><Text name="x" value="$x"/><Choices name="label" toName="x">
<Choice value="no"/><Choice value="yes"/></Choices></View>"""
RESULT = [{"from_name": "label", "to_name": "x", "type": "choices", "value": {"choices": ["yes"]}}]


@contextmanager
def running_label_studio(tasks: int) -> Iterator[tuple[Server, int]]:
    """A fresh Label Studio on SQLite with so many tasks in one project; the server and the project's number."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, running(Path(name) / "data") as server:
        project = server.call("POST", "/api/projects", {"title": "queue", "label_config": CONFIG})["id"]
        rows = [{"data": {"x": str(number)}} for number in range(tasks)]
        server.call("POST", f"/api/projects/{project}/import", rows)
        yield server, project


def answer_label_studio(server: Server, project: int, experts: int, most: int) -> tuple[list[float], list[str], float]:
    """The milliseconds of each submission, what failed, and the seconds that it all took."""
    took: list[float] = []
    failures: list[str] = []
    began = time.perf_counter()
    with ThreadPoolExecutor(experts) as threads:
        for done in [threads.submit(_expert, server.url, project, most // experts) for _ in range(experts)]:
            own, failed = done.result()
            took += own
            failures += failed
    return took, failures, time.perf_counter() - began


def _expert(url: str, project: int, most: int) -> tuple[list[float], list[str]]:
    """One expert, who tries each task once."""
    took: list[float] = []
    failures: list[str] = []
    with httpx.Client(base_url=url, headers={"Authorization": f"Token {TOKEN}"}, timeout=120) as client:
        for _ in range(most):
            task: Any = client.get(f"/api/projects/{project}/next")
            if task.status_code != 200:
                failures.append(f"next: {task.status_code}")
                continue
            body = {"result": RESULT, "lead_time": 1.0, "unique_id": str(uuid4())}
            began = time.perf_counter()
            told = client.post(f"/api/tasks/{task.json()['id']}/annotations/", json=body)
            took.append(1e3 * (time.perf_counter() - began))
            if told.status_code != 201:
                failures.append(f"submit: {told.status_code}")
    return took, failures
