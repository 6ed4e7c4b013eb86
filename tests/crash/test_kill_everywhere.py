"""Cut off at every durable step of the cycle, then run again: the end is that of an undisturbed run."""

from pathlib import Path
from typing import Any

import pytest

from tests.crash.telling import told
from tests.sampling import sampled, sampled_count

PARTS = sampled_count(4, 1)
SAMPLED = {"ledger": 8, "file": 5, "mlflow": 3}
"""How many steps of each kind a run tries that takes no whole sets."""

EVERY_MLFLOW_COMMIT = 10
"""MLflow commits a dozen times per run, most of them reads: each tenth is cut off."""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_kill_at_any_step_changes_nothing_in_the_end(
    fresh_project: Path, undisturbed: dict[str, Any], tmp_path: Path, root: Path, part: int
) -> None:
    assert undisturbed["end"]["problems"] == []
    assert len(undisturbed["end"]["champions"]) >= 1
    assert {decision for _, decision, *_ in undisturbed["end"]["verdicts"]} == {"promote", "keep"}
    stride = {"ledger": 1, "file": 1, "mlflow": EVERY_MLFLOW_COMMIT}
    steps = [
        f"{kind}:{number}"
        for kind, count in undisturbed["steps"].items()
        for number in sampled(range(1, count + 1, stride[kind]), SAMPLED[kind], f"kills at {kind}")
    ][part::PARTS]
    ended = told("cuts", fresh_project, tmp_path / "told", steps, root)
    assert sorted(one["step"] for one in ended) == sorted(steps)
    for one in ended:
        assert one["finished"] == 0, one["step"]
        assert one["end"] == undisturbed["end"], one["step"]
