"""One page of HTML with everything in it: styles, drawings and words, and nothing from elsewhere."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tiltyard.reports.tables import interval_text


def render(template: str, **values: Any) -> str:
    """A page as HTML. Everything that came from outside is escaped; only our own drawings are not."""
    return _templates().get_template(template).render(**values)


def write(path: Path, page: str) -> Path:
    """Write a page as a file; its path. An existing file is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, "utf-8")
    return path


@cache
def _templates() -> Environment:
    """The templates: escaping is on, and a name that is not there is a mistake."""
    templates = Environment(
        loader=PackageLoader("tiltyard.reports.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = {"count": count, "share": share, "value": value, "amount": amount, "setting": setting}
    templates.filters |= {**filters, "interval": interval_text, "drawing": drawing}
    return templates


def count(number: int) -> str:
    """A whole number with its thousands apart.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,}"


def amount(number: float) -> str:
    """How many rows, where each may stand for several.

    >>> amount(1234.4), amount(0.0)
    ('1,234', '0')
    """
    return f"{round(number):,}"


def share(part: float, whole: float) -> str:
    """A part of a whole in percent, for a width; nothing of nothing is 0.

    >>> share(1, 8), share(0, 0)
    ('12.50%', '0%')
    """
    return f"{100 * part / whole:.2f}%" if whole else "0%"


def value(number: float | None) -> str:
    """A number of a check to three digits, whole numbers whole, a dash for none.

    >>> value(0.123456), value(12345.0), value(-0.00012), value(None)
    ('0.123', '12,345', '-0.00012', '–')
    """
    if number is None:
        return "–"
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:.3g}"


def setting(given: Any) -> str:
    """A setting of the project file in one line.

    >>> setting({"minimum": 30, "columns": []}), setting(None)
    ('minimum: 30, columns: none', 'none')
    """
    if isinstance(given, dict):
        return ", ".join(f"{key}: {setting(one)}" for key, one in given.items()) or "none"
    if isinstance(given, list | tuple):
        return ", ".join(map(str, given)) or "none"
    return "none" if given is None else str(given)


def drawing(svg: str) -> Any:
    """One of our drawings, already markup; foreign names in it were escaped when it was drawn."""
    return Markup(svg)  # noqa: S704 - matplotlib escapes the text that it writes, and our pictures hold numbers only
