"""How a drawing comes onto a page: SVG inside it, in the page's own colours: light, dark and paper all read well."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from matplotlib import rc_context
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# matplotlib does not know CSS variables: each colour is a placeholder that the finished drawing replaces.
INK, FAINT, BLUE, ORANGE = "#010101", "#020202", "#030303", "#040404"
VARIABLES: Final = {INK: "--ink", FAINT: "--faint", BLUE: "--blue", ORANGE: "--orange"}
"""Blue is the challenger, or what the strategy chose; orange is the champion, or chance. Lines differ in kind too."""

WIDE, NARROW, HALF = (7.0, 3.5), (3.6, 3.2), (4.2, 3.1)
"""Sizes in inches: a whole page's width on a desk, the same on a telephone, and half a desk, which fits both."""

LEFT, BOTTOM, EDGE = 0.74, 0.52, 0.14
"""Margins in inches. They are fixed, because to fit them to the text takes as long again as to draw."""

STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    # A column or class may have a dollar in its name; it is not a formula.
    "text.parse_math": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.alpha": 0.35,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
}

Draw = Callable[["Axes"], None]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart as SVG text, with its caption. ``wide`` is empty if one drawing fits all widths."""

    wide: str
    narrow: str
    caption: str


def in_two_widths(draw: Draw, caption: str, name: str) -> Chart:
    """The same drawing for a wide page and for a telephone."""
    return Chart(drawn(draw, WIDE, f"{name}-wide"), drawn(draw, NARROW, f"{name}-narrow"), caption)


def in_one_width(draw: Draw, caption: str, name: str, height: float = HALF[1], left: float = LEFT) -> Chart:
    """A drawing that fits a phone, or next to another one on a wide screen; ``height`` and ``left`` in inches."""
    return Chart("", drawn(draw, (HALF[0], height), name, left), caption)


def drawn(draw: Draw, size: tuple[float, float], salt: str, left: float = LEFT) -> str:
    """A drawing as an SVG element: no fixed size, font or date, and ids that nothing else on the page has."""
    width, height = size
    inside = (left / width, BOTTOM / height, 1 - (left + EDGE) / width, 1 - (BOTTOM + EDGE) / height)
    with rc_context({**STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=size)
        draw(figure.add_axes(inside))
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _in_page(text.getvalue(), salt)


def shortened(text: str, most: int) -> str:
    """A text that fits beside a drawing.

    >>> shortened("number_of_special_requests", 12)
    'number_of_s…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _in_page(svg: str, salt: str) -> str:
    """The drawing without its XML prolog, in the page's colours and font."""
    head, rest = svg[svg.index("<svg") :].split(">", 1)
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    svg = f"{head}>{re.sub(r'<metadata>.*?</metadata>', '', rest, flags=re.DOTALL)}"
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{salt}-", svg)
    svg = re.sub(r"font-family:[^;\"]*;?", "", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
