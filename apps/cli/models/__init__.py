"""Model commands: train, judge, promote and roll back, run the whole loop; show, compare and explain models."""

from tiltyard.apps.cli.models.diff import diff
from tiltyard.apps.cli.models.explain import explain
from tiltyard.apps.cli.models.judge import judge
from tiltyard.apps.cli.models.promote import approve, promote, rollback
from tiltyard.apps.cli.models.run import run
from tiltyard.apps.cli.models.show import show
from tiltyard.apps.cli.models.train import model_row, rebuild, train

__all__ = [
    "approve",
    "diff",
    "explain",
    "judge",
    "model_row",
    "promote",
    "rebuild",
    "rollback",
    "run",
    "show",
    "train",
]
