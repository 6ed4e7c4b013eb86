"""A step holds the libraries that compute to one thread: those that are loaded, and those that are loaded later."""

import json
import os
import subprocess
import sys
from pathlib import Path

CODE = """
import json, sys
from threadpoolctl import threadpool_info
from tiltyard.tasks.step import step

@step("counting")
def counting(project: str) -> list[int]:
    return [library["num_threads"] for library in threadpool_info()]

before = counting.fn(".")
import sklearn.ensemble
print(json.dumps([before, counting.fn("."), [library["num_threads"] for library in threadpool_info()]]))
"""


def test_a_library_that_is_imported_between_two_steps_has_one_thread_too() -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"}
    ran = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=Path(__file__).parents[3],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    before, after, outside = json.loads(ran.stdout.splitlines()[-1])
    assert len(after) > len(before)
    assert {*before, *after} <= {1}
    assert 3 in outside
