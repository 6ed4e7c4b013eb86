"""Several processes go round one project at once, and one of them may be killed on the way.

``python -m tests.crash.racing FOLDER RACERS SEED`` goes through the same days as the story in
:mod:`tests.crash.story`, each round by so many racers at the same moment. A seed above nought kills one racer of each
round at a durable step drawn by it. The end is printed as a line of JSON.
"""

import json
import os
import random
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.crash.preloaded import preload
from tests.crash.story import KINDS, NOW, ROUNDS, end_of, go_round, in_a_fork, killer, watch
from tests.projects.small_project import a_day, answer_queue, deliver
from tiltyard.workspace.workspace import open_workspace

LATEST_STEP = 12
KILLED = 256 - signal.SIGKILL
"""What a parent says of a child that was killed."""


def race(folder: Path, racers: int, chance: random.Random | None) -> None:
    """All rounds, each by all racers together; the expert answers in between."""
    for number in range(ROUNDS):
        assert in_a_fork(partial(_deliver, folder, number)) == 0
        step = f"{chance.choice(KINDS)}:{chance.randint(1, LATEST_STEP)}" if chance else "none"
        first, *others = together([partial(_round, folder, step), *[partial(_round, folder, "none")] * (racers - 1)])
        assert first in {0, KILLED}
        assert {*others, in_a_fork(partial(_finish_round, folder))} == {0}
    assert set(together([partial(_round, folder, "none")] * racers)) == {0}


def together(works: Sequence[Callable[[], None]]) -> list[int]:
    """Do some works at the same moment, each in a process of its own; their exit statuses."""
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            os._exit(in_a_fork(work) % 256)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _deliver(folder: Path, day: int) -> None:
    """A day's object arrives."""
    deliver(open_workspace(folder), f"day-{day}.csv", a_day(day))


def _round(folder: Path, step: str) -> None:
    """One racer's round; it is killed at its step, if it comes to it."""
    watch(killer(step))
    go_round(str(folder))


def _finish_round(folder: Path) -> None:
    """What a killed racer left is finished by whoever comes next; then the expert answers."""
    go_round(str(folder))
    answer_queue(open_workspace(folder), NOW)


if __name__ == "__main__":
    preload()
    project, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    race(project, count, random.Random(seed) if seed else None)
    sys.stdout.write(json.dumps(end_of(open_workspace(project))) + "\n")
