"""A flow that does nothing for a while, for tests that end its process in the middle."""

import time

from prefect import flow


@flow
def sleep(seconds: float = 600) -> None:
    """Be Running for some seconds."""
    time.sleep(seconds)
