"""Check a mapping with Prefect's own classes: keys that they would ignore, and values that they reject."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from tiltyard.schemas.errors import nearest

Place = str
"""The place in a file, as its reader looks for it."""

Mistakes = Iterator[str]
"""A sentence for each mistake."""


def unknown_keys(value: Mapping[str, Any], known: set[str], place: Place) -> Mistakes:
    """Keys that Prefect does not know and would ignore."""
    yield from (f"{place}: unknown key {key!r}; {nearest(str(key), known)}" for key in value if key not in known)


def validation_errors(make: Callable[[], object], place: Place) -> Mistakes:
    """The values that Prefect's own classes reject."""
    try:
        make()
    except ValidationError as error:
        for one in error.errors():
            yield f"{place}: {'.'.join(map(str, one['loc']))}: {one['msg']}"
    except (
        ValueError,
        TypeError,
        OverflowError,
    ) as error:  # some of Prefect's checks compare values before they check their types
        yield f"{place}: {error}"


def keys_of(*models: type[BaseModel]) -> set[str]:
    """The keys of some of Prefect's classes, as a file spells them."""
    return {field.alias or name for model in models for name, field in model.model_fields.items()}
