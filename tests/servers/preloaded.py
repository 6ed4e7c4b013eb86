"""Programs that find their imports done: a process imports what they need, and forks each of them off itself.

A stub takes the program's place. It hands its arguments, environment, folder and standard streams over, passes signals
on, dies with the program and takes it along when it is killed; it starts in 20 ms where the program's imports take
seconds. ``python -m tests.servers.preloaded SOCKET MODULE...`` is the process that imports and forks.

That programs start by themselves too is tested where no stub is: the demo, the README's commands, the composition.
"""

import array
import atexit
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NoReturn

LIBRARIES: Final = (
    "mlflow.store.model_registry.rest_store",
    "mlflow.store.tracking.rest_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "pandera.polars",
    "psycopg",
    "skops.io",
    "sklearn.ensemble",
    "tiltyard.apps.cli.main",
)
"""What commands come to import, Prefect aside: it looks at its environment while it is imported."""

PREFECT: Final = ("prefect.flow_engine", "prefect.cli", "tiltyard.flows.whole_cycle", *LIBRARIES)
"""What a run of a flow and Prefect's commands come to import."""

STREAMS: Final = 3
STUB: Final = Path(__file__).with_name("preloaded_stub.py")


@contextmanager
def preloaded(modules: Sequence[str]) -> Iterator[Path]:
    """The socket of a process that has imported some modules; ended with the context."""
    with TemporaryDirectory(prefix="preloaded-") as folder:
        place = Path(folder) / "socket"
        process = subprocess.Popen([sys.executable, "-m", __name__, str(place), *modules])
        try:
            while not place.exists():
                assert process.poll() is None, "the modules cannot be imported"
                time.sleep(0.05)
            yield place
        finally:
            process.terminate()
            process.wait()


@cache
def shared(modules: tuple[str, ...]) -> Path:
    """The socket of a process that has imported some modules; it serves all tests of this one, and ends with it."""
    context = preloaded(modules)
    atexit.register(context.__exit__, None, None, None)
    return context.__enter__()


def stub_of(place: Path, program: str, name: str) -> list[str]:
    """The words that start a program of a name through its stub; a program is a module, or ``module:function``."""
    return [sys.executable, "-SE", str(STUB), str(place), program, name]


def put_command(place: Path, folder: Path, name: str, program: str) -> Path:
    """A command of a name in a folder, for the PATH, that starts a program through its stub."""
    folder.mkdir(exist_ok=True)
    words = " ".join(f"'{word}'" for word in stub_of(place, program, name))
    (folder / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n', "utf-8")
    (folder / name).chmod(0o755)
    return folder


def serve(place: Path) -> None:
    """Fork programs until the process is ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who look after programs
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(str(place.with_suffix(".new")))
        door.listen(64)
        place.with_suffix(".new").rename(place)
        while True:
            caller, _ = door.accept()
            if os.fork() == 0:
                door.close()
                os._exit(_look_after(caller))
            caller.close()


def _look_after(caller: socket.socket) -> int:
    """Start what a stub asks for, pass its signals on, tell it the end; when the stub is killed the program is too."""
    ended, told = os.pipe()
    for end in (ended, told):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    asked, streams = _heard(caller)
    program = os.fork()
    if program == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for one in (ended, told, caller.detach()):
            os.close(one)
        _run(asked, streams)
    signal.set_wakeup_fd(told)
    for stream in streams:
        os.close(stream)
    while not (found := os.waitpid(program, os.WNOHANG))[0]:
        ready, _, _ = select.select([ended, caller.fileno()], [], [])
        if ended in ready:
            os.read(ended, 64)
        elif word := caller.recv(1):
            os.kill(program, word[0])
        else:
            os.kill(program, signal.SIGKILL)
            return 0
    caller.sendall(f"{os.waitstatus_to_exitcode(found[1])}\n".encode())
    return 0


def _heard(caller: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What a stub asks for: a line of JSON, and its standard streams with the line's first byte."""
    room = socket.CMSG_SPACE(STREAMS * array.array("i").itemsize)
    text, ancillary, _, _ = caller.recvmsg(1, room)
    streams = array.array("i", ancillary[0][2]).tolist()
    with caller.makefile("rb") as lines:
        return json.loads(text + lines.readline()), streams


def _run(asked: dict[str, Any], streams: list[int]) -> NoReturn:
    """Be the program: in its folder and environment, with its arguments and streams; the process ends with it."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # The objects that the importing process had know its files, not the program's.
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115  # for good
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = asked["arguments"]
    sys.modules["__main__"].__package__ = None  # else Click names the program after this module
    status = 1
    try:
        if "prefect.context" in sys.modules:
            sys.modules["prefect.context"].refresh_global_settings_context()
        module, _, function = asked["program"].partition(":")
        # A module finds others where it was started, a command does not.
        sys.path[0] = asked["folder"] if not function else str(Path(sys.executable).parent)
        sys.path[1:1] = [
            one for one in asked["environment"].get("PYTHONPATH", "").split(os.pathsep) if one not in sys.path
        ]
        getattr(import_module(module), function)() if function else runpy.run_module(module, run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:
        traceback.print_exc()
    finally:
        _leave(status)
    raise AssertionError("a process that has left goes on")


def _leave(status: int) -> NoReturn:
    """End as a program ends: what runs at exit runs, what was written is out."""
    with suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]  # what the interpreter does first when it ends
    with suppress(Exception):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for name in sys.argv[2:]:
        import_module(name)
    warnings.resetwarnings()
    serve(Path(sys.argv[1]))
