"""A console that no printed text can control: text from files, keys, labels and notes is escaped."""

from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment


class QuietConsole(Console):
    """A console that escapes control characters in everything printed on it."""

    def __init__(self, escape: Callable[[str], str], **options: Any) -> None:
        """Take the function that escapes a text, and the options of a console."""
        super().__init__(**options)
        self._escape = escape

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The printed segments: the console's own controls pass, those within texts are escaped."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else Segment(self._escape(piece.text), piece.style)
