"""A connection that can be cut and mended: a server behind it goes away and comes back, itself unharmed."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

CHUNK: Final = 1 << 16


class Proxy:
    """Forwards a port of this machine to a server; while it is cut, connections break and new ones are refused."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        """Forward to a host and port, or to a Unix socket's path."""
        self._target = target
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._listener: socket.socket | None = None
        self.mend()

    def mend(self) -> None:
        """Forward from now on."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            broken, self._open = self._open, set()
        for one in broken:
            _break(one)

    def _accept(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
                server = self._connected()
            except OSError:
                if self._listener is not listener:
                    return
                continue
            with self._lock:
                self._open |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    def _connected(self) -> socket.socket:
        """A fresh connection to the server."""
        if not isinstance(self._target, str):
            return socket.create_connection(self._target)
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        return server


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Carry bytes one way until either side ends."""
    with suppress(OSError):
        while content := source.recv(CHUNK):
            sink.sendall(content)
    for one in (source, sink):
        _break(one)


def _break(one: socket.socket) -> None:
    """End a connection."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def between(target: tuple[str, int] | str) -> Iterator[Proxy]:
    """A proxy in front of a server, cut at the end."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.cut()
