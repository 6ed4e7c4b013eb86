"""Start Prefect's embedded server early, in parallel with other preparations, because it takes seconds."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def start_server() -> Iterator["Future[None]"]:
    """Start Prefect's embedded server in the background; the future is done when the server is ready.

    Every flow of this process uses this server, which ends with the process.
    """
    # Imported here and not in the thread: two threads that import the same packages wait for each other.
    from prefect.client.orchestration import get_client

    def greet() -> None:
        with get_client(sync_client=True) as client:
            client.hello()

    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(greet)
