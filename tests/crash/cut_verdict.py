"""Judge a project's challenger, and die between the ledger's record of the verdict and MLflow's.

``python -m tests.crash.cut_verdict FOLDER``: the process dies at MLflow's first commit after the verdict is a fact.
"""

import os
import signal
import sys
from pathlib import Path

from tests.crash.story import judge, watch
from tiltyard.workspace.workspace import open_workspace

if __name__ == "__main__":
    workspace = open_workspace(Path(sys.argv[1]))
    before = len(workspace.ledger.champions.verdicts())

    def act(kind: str) -> None:
        """Die once there is a verdict more."""
        if kind == "mlflow" and len(workspace.ledger.champions.verdicts()) > before:
            os.kill(os.getpid(), signal.SIGKILL)

    watch(act)
    judge(sys.argv[1])
