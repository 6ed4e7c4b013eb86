"""Public names of a room that are imported on first use, so that importing one module of the room loads only that."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(room: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's ``__getattr__`` (PEP 562) that imports each name from its module within the room.

    Raises AttributeError for any other name, as Python does.

    >>> lazy_exports("tiltyard.schemas", {"digest": "canonical"})("digest")({})[:8]
    '44136fa3'
    """

    def load(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        return getattr(import_module(f"{room}.{modules[name]}"), name)

    return load
