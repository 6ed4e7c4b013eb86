"""One page of HTML with everything in it: styles, drawings and words, and nothing from elsewhere."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tiltyard.pages.beside import Beside
from tiltyard.pages.charts import choice_chart, gate_chart
from tiltyard.pages.facts import Facts, facts_of
from tiltyard.rules.story import interval_text
from tiltyard.stores.workspace import Workspace


def write_report(workspace: Workspace, path: Path, beside: Beside | None = None) -> Path:
    """Write a project's report as one HTML file; its path. What is there already is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page_of(facts_of(workspace), beside or Beside()), "utf-8")
    return path


def page_of(facts: Facts, beside: Beside) -> str:
    """The report as HTML. Everything that came from outside is escaped; only our own drawings are not."""
    charts = {
        "choice": choice_chart(beside.curves, facts.metric) if beside.curves else None,
        "gate": gate_chart(facts.curve, facts.moves, facts.metric) if facts.curve else None,
    }
    return _templates().get_template("project.html").render(facts=facts, beside=beside, charts=charts)


def _templates() -> Environment:
    """The templates: escaping is on, and a name that is not there is a mistake."""
    templates = Environment(
        loader=PackageLoader("tiltyard.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"count": count, "share": share, "value": value, "interval": interval_text, "drawing": drawing}
    return templates


def count(number: int) -> str:
    """A whole number with its thousands apart.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,}"


def share(part: int, whole: int) -> str:
    """A part of a whole in percent, for a width; nothing of nothing is 0.

    >>> share(1, 8), share(0, 0)
    ('12.50%', '0%')
    """
    return f"{100 * part / whole:.2f}%" if whole else "0%"


def value(number: float | None) -> str:
    """A number of a check to four digits, a dash for none.

    >>> value(0.123456), value(None)
    ('0.1235', '–')
    """
    return "–" if number is None else f"{number:.4g}"


def drawing(svg: str) -> Any:
    """A drawing of ours, which is markup already; it holds no text from outside."""
    return Markup(svg)  # noqa: S704 - charts.py writes numbers and words of its own only
