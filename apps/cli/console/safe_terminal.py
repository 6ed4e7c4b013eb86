"""A terminal that no printed text can steer: whatever comes from a file, a key, a label or a note is only shown."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from tiltyard.apps.cli.console.output import shown


class QuietConsole(Console):
    """A console on which control characters are written out, wherever a text was put together."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The pieces of what is printed; the console's own controls are left, those within texts are not."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else Segment(shown(piece.text), piece.style)
