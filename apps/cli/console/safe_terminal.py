"""A console that no printed text can control: text from files, keys, labels and notes is escaped."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from tiltyard.apps.cli.console.output import escape


class QuietConsole(Console):
    """A console that escapes control characters in everything printed on it."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The printed segments: the console's own controls pass, those within texts are escaped."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else Segment(escape(piece.text), piece.style)
