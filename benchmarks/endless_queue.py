"""A stand-in for SQS that hands out made messages as fast as they are taken, and counts what was deleted.

It speaks as much of SQS's JSON protocol as the watch uses. moto's queue spends a tenth of a second on each request,
which would make a hundred thousand messages a matter of hours.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class EndlessQueue(ThreadingHTTPServer):
    """A queue of so many messages, made one by one; what is sent to it (dead letters) is only counted."""

    daemon_threads = True

    def __init__(self, make: Callable[[int], str], messages: int) -> None:
        """Listen on a free port of this machine."""
        self.make, self.messages = make, messages
        self.handed_out = self.deleted = self.dead = 0
        super().__init__(("127.0.0.1", 0), _Request)

    @property
    def url(self) -> str:
        """The queue's URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/123456789012/endless"

    def answer(self, action: str, said: dict[str, Any]) -> dict[str, Any]:
        """What SQS would answer."""
        if action == "ReceiveMessage":
            first = self.handed_out
            self.handed_out = min(first + int(said["MaxNumberOfMessages"]), self.messages)
            return {"Messages": [self._message(number) for number in range(first, self.handed_out)]}
        if action == "SendMessage":
            self.dead += 1
            return {"MessageId": str(self.dead)}
        self.deleted += len(said["Entries"]) if action == "DeleteMessageBatch" else 0
        return {"Successful": [{"Id": entry["Id"]} for entry in said["Entries"]], "Failed": []}

    def _message(self, number: int) -> dict[str, Any]:
        """One message as it is handed out."""
        received = {"ApproximateReceiveCount": "1"}
        return {
            "MessageId": f"m{number}",
            "ReceiptHandle": f"r{number}",
            "Body": self.make(number),
            "Attributes": received,
        }


class _Request(BaseHTTPRequestHandler):
    """One call of the API; connections stay open."""

    server: EndlessQueue
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: else the second waits 40 ms for the first to be acknowledged

    def do_POST(self) -> None:
        """Answer it."""
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(self.server.answer(self.headers["X-Amz-Target"].rpartition(".")[2], said)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def endless_queue(make: Callable[[int], str], messages: int) -> Iterator[EndlessQueue]:
    """A queue that answers until the block ends."""
    with EndlessQueue(make, messages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
