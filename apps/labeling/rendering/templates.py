"""HTML pages from Jinja templates; all values are escaped."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

FOLDER: Final = Path(__file__).parents[1]
"""The folder with ``templates`` and ``static``."""


@lru_cache(maxsize=1)
def _templates() -> Environment:
    """The package's templates; autoescape holds for all of them, regardless of their extension."""
    return Environment(loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined)


def render_page(name: str, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """A template of ``templates/`` as an HTML response."""
    return HTMLResponse(_templates().get_template(name).render(context), status)
