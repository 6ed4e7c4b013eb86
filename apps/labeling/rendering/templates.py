"""Pages: templates that escape whatever they are given, and what every page is told."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

FOLDER: Final = Path(__file__).parents[1]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    """The templates of the package; autoescape is for all of them, whatever their names end in."""
    return Environment(loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined)


def render_page(name: str, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """A rendered page."""
    return HTMLResponse(_templates().get_template(name).render(context), status)
