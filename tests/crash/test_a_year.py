"""Months by S3, unattended: crashes and outages drawn by chance change nothing in the end.

They are compared with quiet months in a folder: that the stores make no difference is tested with it.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.projects.small_project import CONTENT
from tests.sampling import sampled_count
from tests.servers.cut_off import stores_to_cut
from tests.servers.tcp_proxy import Proxy

GATE = {"metric": "accuracy", "minimum_labels": 8, "resamples": 200, "rule": "not_worse", "margin": 0.02}
MONTHS = sampled_count(26, 9)
FEWEST_FAULTS = sampled_count(10, 3)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [1])
def test_months_with_crashes_and_outages_end_like_months_without(
    tmp_path: Path, root: Path, postgresql: str, seed: int
) -> None:
    with ThreadPoolExecutor(1) as beside:
        quiet = beside.submit(lived_through, project_in(tmp_path / "quiet"), root, 0, dict(os.environ), {})
        disturbed, undisturbed = a_year(project_in(tmp_path / "disturbed"), root, seed, postgresql), quiet.result()
    assert undisturbed["problems"] == []
    assert len(undisturbed["end"]["champions"]) >= 2
    assert {decision for _, decision, *_ in undisturbed["end"]["verdicts"]} == {"promote", "keep"}
    assert disturbed["counts"]["kills"] + disturbed["counts"]["cuts"] >= FEWEST_FAULTS
    assert disturbed["problems"] == []
    for told in (disturbed, undisturbed):
        # A batch's id names the place where its object arrived: here a bucket, there a folder.
        told["end"]["batches"] = sorted(batch[1:] for batch in told["end"]["batches"])
    for part, ended in undisturbed["end"].items():
        assert (part, disturbed["end"][part]) == (part, ended)


def project_in(folder: Path) -> Path:
    """A fresh project's folder."""
    folder.mkdir()
    (folder / "project.yaml").write_text(yaml.safe_dump({**CONTENT, "gate": GATE}), "utf-8")
    return folder


def a_year(folder: Path, root: Path, seed: int, postgresql: str) -> Any:
    """Where the months end on S3, PostgreSQL and an MLflow server, each of which is away at times."""
    # The clients below us give up soon: it is the next tick that goes on.
    hasty = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "AWS_MAX_ATTEMPTS": "2"}
    with stores_to_cut(folder, postgresql) as stores:
        return lived_through(folder, root, seed, {**os.environ, **stores.environment, **hasty}, stores.proxies)


def lived_through(
    folder: Path, root: Path, seed: int, environment: Mapping[str, str], proxies: Mapping[str, Proxy]
) -> Any:
    """The last line of the months' process, whose calls for outages are answered on the way."""
    command = [sys.executable, "-m", "tests.crash.year", str(folder), str(seed), str(MONTHS)]
    last: Any = {}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=root, env=environment) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            last = json.loads(line)
            if "cut" in last:
                threading.Thread(target=_take_away, args=(proxies[last["cut"]], last), daemon=True).start()
    assert process.returncode == 0, (folder / "log").read_text()[-4000:]
    (folder / "end.json").write_text(json.dumps(last, indent=1))
    return last


def _take_away(proxy: Proxy, said: Mapping[str, float]) -> None:
    """Cut a store off for a while, some time from now."""
    time.sleep(said["after"])
    proxy.cut()
    time.sleep(said["seconds"])
    proxy.mend()
