"""Keys of the project file that were added later: their default, which held before there was the key, changes no hash.

So the hash of a project's file, and with it the ids of its models, stays what it was under a newer Tiltyard.
"""

from collections.abc import Iterator
from typing import Any, Final

EVERY: Final = "*"

LATER: Final[dict[str, Any]] = {
    "retired": [],
    "trusted": [],
    "models": {"keep_rejected": None},
    "classes.*.aliases": [],
    "columns.features.*.missing_as": None,
    "columns.context.*.missing_as": None,
    "limits.max_line_bytes": 50_000_000,
    "source.csv.decimal": ".",
    "source.csv.thousands": "",
    "source.csv.escape": "",
    "source.csv.trim": False,
}
"""Each key by its place, with the value that means what held before; a new key of the file belongs here too."""


def without_later(body: dict[str, Any]) -> dict[str, Any]:
    """A project file (as JSON) without the later keys that have their default; the body itself, changed.

    >>> without_later({"name": "p", "retired": [], "classes": [{"name": "a", "aliases": ["b"]}]})
    {'name': 'p', 'classes': [{'name': 'a', 'aliases': ['b']}]}
    """
    for place, default in LATER.items():
        *path, key = place.split(".")
        for part in _parts(body, path):
            if key in part and part[key] == default:
                del part[key]
    return body


def _parts(node: Any, path: list[str]) -> Iterator[dict[str, Any]]:
    """The mappings at a path; ``*`` stands for every entry of a mapping or a list."""
    if not path:
        if isinstance(node, dict):
            yield node
        return
    step, *rest = path
    if step == EVERY:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        for one in inner:
            yield from _parts(one, rest)
    elif isinstance(node, dict) and step in node:
        yield from _parts(node[step], rest)
