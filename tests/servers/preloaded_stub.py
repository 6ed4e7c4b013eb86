"""In a program's place: ``python -SE preloaded_stub.py SOCKET PROGRAM NAME ARGUMENT...``, see preloaded.py.

It imports nothing beyond the standard library's lightest, because it is started for each program.
"""

import array
import json
import os
import signal
import socket
import sys


def main() -> int:
    """Ask for the program, pass signals on until it ends, and end as it did."""
    place, program = sys.argv[1:3]
    caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    caller.connect(place)
    asked = {
        "program": program,
        "arguments": sys.argv[3:],
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109  # pathlib takes as long to import as the rest of this file
    }
    text = json.dumps(asked).encode() + b"\n"
    streams = array.array("i", [0, 1, 2])
    caller.sendmsg([text[:1]], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    caller.sendall(text[1:])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: caller.sendall(bytes([received])))
    status = int(caller.makefile("rb").readline() or b"1")
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    sys.exit(main())
