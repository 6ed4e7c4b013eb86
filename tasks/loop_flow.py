"""Make functions flows: runs are named after the project, and a failure is announced."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from prefect import Flow, flow

from tiltyard.tasks.labels.announcements import announce_failure
from tiltyard.tasks.step import redact_failures

P = ParamSpec("P")
R = TypeVar("R")


def loop_flow(name: str) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Make a function with a parameter ``project`` a flow of the loop."""
    make = flow(
        name=name,
        flow_run_name=f"{name} {{project}}",
        on_failure=[announce_failure],
        on_crashed=[announce_failure],
    )

    def decorate(function: Callable[P, R]) -> Flow[P, R]:
        return make(redact_failures(function))

    return decorate
