"""Prefect's embedded server, which ends with the process that started it, however that ends."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

BOUND: Final = Path(__file__).with_name("bound_server.py")


class _Subprocess:
    """The module ``subprocess`` as Prefect's server sees it: what it starts ends with this process."""

    def __getattr__(self, name: str) -> Any:
        """Everything else is as it was."""
        return getattr(subprocess, name)

    def Popen(self, args: Sequence[str], **more: Any) -> "subprocess.Popen[Any]":  # its own name
        """Start a process, bound to this one where it is a Python module."""
        return subprocess.Popen(bound(list(args)), **more)  # noqa: S603 # what Prefect itself starts


def bound(command: list[str]) -> list[str]:
    """A command that runs a Python module, bound to this process; any other as it is.

    >>> bound(["ls"])
    ['ls']
    """
    if command[:2] != [sys.executable, "-m"]:
        return command
    return [sys.executable, str(BOUND), str(os.getpid()), *command[1:]]


def bind_embedded_server() -> None:
    """Let the server that Prefect starts for flows without one end with this process.

    Prefect ends it at exit; a process that is killed has no exit, and the server would keep running.
    """
    from prefect.server.api import server

    if not isinstance(getattr(server, "subprocess", None), _Subprocess):
        vars(server)["subprocess"] = _Subprocess()
