"""Run as a script by ``tiltyard run``: a Python module, such as Prefect's embedded server, that ends with its parent.

    python bound_server.py PARENT -m MODULE ARGUMENT...

A process that is killed cannot end its children. On Linux the kernel tells us that our parent is gone; wherever there
are parents, we look every second as well. Only the standard library is used: nothing here may shadow the module's own.
"""

import contextlib
import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

LOOK_SECONDS = 1.0
GRACE_SECONDS = 3.0
PARENT_DEATH = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


def bind(parent: int) -> None:
    """End this process, within seconds, once ``parent`` is not its parent any more."""
    told = threading.Event()
    if hasattr(signal, "SIGUSR1"):
        # The kernel also tells when only the thread ends that started us: so the signal makes us look, no more.
        signal.signal(signal.SIGUSR1, lambda *_: told.set())
        with contextlib.suppress(OSError, AttributeError):
            import ctypes

            ctypes.CDLL(None).prctl(PARENT_DEATH, signal.SIGUSR1, 0, 0, 0)
    threading.Thread(target=_watch, args=(parent, told), name="parent", daemon=True).start()


def _watch(parent: int, told: threading.Event) -> None:
    """Look until the parent is gone; then end as asked to, and after a while in any case."""
    while os.getppid() == parent:
        told.wait(LOOK_SECONDS)
        told.clear()
    with contextlib.suppress(OSError):
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def main(arguments: list[str]) -> None:
    """Run a module for a parent."""
    parent, dash_m, module, *rest = arguments
    assert dash_m == "-m", arguments
    bind(int(parent))
    # As python -m has it: the current folder comes first, not the one in which this file lies.
    sys.path[0] = str(Path.cwd())
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
