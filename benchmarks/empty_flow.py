"""A flow that does nothing: what a run of a deployment costs by itself."""

from prefect import flow


@flow
def nothing() -> None:
    """Begin and end."""
