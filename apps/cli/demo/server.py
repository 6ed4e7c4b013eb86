"""Prefect's own embedded server, started early: it takes seconds, which other preparations can share."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def start_server() -> Iterator["Future[None]"]:
    """Have Prefect start the server that it embeds, in the background; the result says when it answers.

    Every flow of this process uses that one server, and it ends with the process.
    """
    # Imported here and not in the thread: two threads that import the same packages wait for each other.
    from prefect.client.orchestration import get_client

    def greet() -> None:
        with get_client(sync_client=True) as client:
            client.hello()

    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(greet)
