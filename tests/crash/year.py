"""Months of one project by S3, unattended, with crashes and outages drawn by a seed.

``python -m tests.crash.year FOLDER SEED MONTHS`` puts one object a month into the bucket and lets the loop tick, as a
schedule would, until a tick ends well; then the expert answers what waits. With a seed above nought a tick may be
killed at a durable step, or a store be taken away while it runs: which, when and for how long is said on standard
output as ``{"cut": NAME, "seconds": S}``, and whoever reads it does the cutting. The last line is the end.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.crash.preloaded import preload
from tests.crash.racing import together
from tests.crash.story import KINDS, NOW, end_of, go_round, in_a_fork, killer, watch
from tests.projects.small_project import a_day, answer_queue, deliver
from tiltyard.tasks.maintenance.repair_stores import repair_stores
from tiltyard.workspace.checks.verify import verify_workspace
from tiltyard.workspace.workspace import open_workspace

LATEST_STEP = 10
MOST_TICKS = 20
CUTS = ("s3", "postgresql", "mlflow")


def go_through(folder: Path, months: int, chance: random.Random | None) -> dict[str, int]:
    """All months; how many kills, cuts and ticks it took."""
    counts = {"kills": 0, "cuts": 0, "ticks": 0}
    for month in range(months):
        until_well(partial(_deliver, folder, month), counts)
        fault = chance.choice(["kill", "cut", "none"]) if chance else "none"
        if fault == "kill" and chance:
            step = f"{chance.choice(KINDS)}:{chance.randint(1, LATEST_STEP)}"
            counts["kills"] += in_a_fork(partial(_tick, folder, step)) < 0
        if fault == "cut" and chance:
            counts["cuts"] += 1
            _say(cut=chance.choice(CUTS), after=chance.uniform(0, 0.5), seconds=chance.uniform(0.2, 1.5))
        until_well(partial(_tick, folder, "none"), counts)
        until_well(partial(_answer, folder), counts)
    until_well(partial(_tick, folder, "none"), counts)
    return counts


def until_well(work: Callable[[], None], counts: dict[str, int]) -> None:
    """Do some work in processes of its own until one ends well: a schedule knows nothing of what failed before."""
    for _ in range(MOST_TICKS):
        counts["ticks"] += 1
        if together([work]) == [0]:
            return
        time.sleep(0.3)
    raise AssertionError("the loop does not get well again")


def a_month(number: int) -> str:
    """A month's CSV: fresh rows, two of the month before, one whose number is none."""
    again = a_day(number - 1).splitlines()[1:3] if number else []
    return a_day(number, 40) + "\n".join([*again, f"none,1,red,{number * 1000 + 999}"]) + "\n"


def _deliver(folder: Path, month: int) -> None:
    """A month's object arrives."""
    deliver(open_workspace(folder), f"month-{month:02d}.csv", a_month(month))


def _tick(folder: Path, step: str) -> None:
    """Repair and go round, as the schedule does."""
    watch(killer(step))
    repair_stores.fn(str(folder))
    go_round(str(folder))


def _answer(folder: Path) -> None:
    """The expert answers all that waits."""
    answer_queue(open_workspace(folder), NOW)


def _say(**line: Any) -> None:
    """Say a line to whoever reads."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    preload()
    project, seed, months = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    counted = go_through(project, months, random.Random(seed) if seed else None)
    workspace = open_workspace(project)
    _say(counts=counted, end=end_of(workspace), problems=verify_workspace(workspace).problems)
