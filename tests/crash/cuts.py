"""One story of the loop, cut off at any durable step and gone on with by a process that knows nothing of it.

What stands on disk while a process is held at a step is what SIGKILL there would leave. So the story is told once; at
each step that is asked for it is held, its folder is put aside and copied, the copy's story is told to the end by a
fresh process, and the one that was held goes on. That is half the work of a beginning for each end.

``python -m tests.crash.cuts TEMPLATE FOLDER STEP...`` says a line of JSON for each step (``ledger:12``, ``file:3``,
``mlflow:40``): where the story ended. Processes that are really killed are in test_races.py and test_a_year.py.
"""

import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from tests.crash.preloaded import preload
from tests.crash.story import end_of, in_a_fork, tell, watch
from tiltyard.workspace.workspace import open_workspace

FORKED: Final = get_context("fork")
"""A fresh process for the price of a fork: the imports are paid once."""


def cut_off(template: Path, folder: Path, steps: list[str]) -> Iterator[dict[str, Any]]:
    """Where the story ends when it is cut off at a step, for each of the steps that it comes to."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    ours, theirs = FORKED.Pipe()
    teller = FORKED.Process(target=_held, args=(folder, frozenset(steps), theirs))
    teller.start()
    theirs.close()
    while (step := _heard(ours)) is not None:
        yield {"step": step, **_gone_on_from(folder)}
        ours.send("go on")
    teller.join()
    assert teller.exitcode == 0, "the story that was held does not end"


def _held(folder: Path, steps: frozenset[str], connection: Connection) -> None:
    """Tell the story, and wait at each of the steps until it may go on."""
    seen: Counter[str] = Counter()

    def act(kind: str) -> None:
        seen[kind] += 1
        if (step := f"{kind}:{seen[kind]}") in steps:
            connection.send(step)
            connection.recv()

    watch(act)
    tell(folder)


def _heard(connection: Connection) -> str | None:
    """The next step at which the story is held; none when it has ended."""
    try:
        return str(connection.recv())
    except EOFError:
        return None


def _gone_on_from(folder: Path) -> dict[str, Any]:
    """How a process ended that found the folder as it is, and where; the folder is there again afterwards."""
    aside = folder.with_name(f"{folder.name}-held")
    folder.rename(aside)
    shutil.copytree(aside, folder)
    result = folder / "end.json"

    def on() -> None:
        tell(folder)
        result.write_text(json.dumps(end_of(open_workspace(folder))))

    finished = in_a_fork(on)
    told = {"finished": finished, "end": json.loads(result.read_text()) if finished == 0 else None}
    shutil.rmtree(folder)
    aside.rename(folder)
    return told


if __name__ == "__main__":
    preload()
    for ended in cut_off(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]):
        sys.stdout.write(json.dumps(ended) + "\n")
        sys.stdout.flush()
