"""What Prefect's own classes know of a mapping: keys that they would ignore, and what they refuse."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from tiltyard.schemas.errors import nearest

Place = str
"""Where in a file something stands, as its reader looks for it."""

Found = Iterator[str]
"""Sentences about mistakes."""


def unknown_keys(value: Mapping[str, Any], known: set[str], place: Place) -> Found:
    """Keys that Prefect does not know and would ignore."""
    yield from (f"{place}: unknown key {key!r}; {nearest(str(key), known)}" for key in value if key not in known)


def refused(make: Callable[[], object], place: Place) -> Found:
    """What Prefect's own classes refuse."""
    try:
        make()
    except ValidationError as error:
        for one in error.errors():
            yield f"{place}: {'.'.join(map(str, one['loc']))}: {one['msg']}"
    except (
        ValueError,
        TypeError,
        OverflowError,
    ) as error:  # some of Prefect's checks compare before they know what they have
        yield f"{place}: {error}"


def names_of(*models: type[BaseModel]) -> set[str]:
    """The keys of some of Prefect's classes, as a file spells them."""
    return {field.alias or name for model in models for name, field in model.model_fields.items()}
