"""The fenced blocks of a Markdown page, and the commands in them."""

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block; a titled one is a file that the reader saves under that name."""

    language: str
    title: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The commands of a block: in a console the lines after a ``$``, in a script every line; comments off."""
        if self.language == "console":
            lines = [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]
        else:
            lines = self.text.splitlines() if self.language == "sh" else []
        return [line for line in (re.sub(r"\s+#\s.*$", "", line).strip() for line in lines) if line]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in its order, without their indentation."""
    found = FENCE.finditer(page.read_text("utf-8"))
    return [Block(one["language"], one["title"] or "", _outdented(one["text"], one["indent"])) for one in found]


def commands_of(page: Path) -> list[str]:
    """Every command of a page, to be run or not."""
    return [command for block in blocks(page) for command in block.commands]


def _outdented(text: str, indent: str) -> str:
    """A block's lines without the indentation of its fence."""
    return "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
