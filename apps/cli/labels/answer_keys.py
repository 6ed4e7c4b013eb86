"""Parse an annotator's keys and lines: classes, and commands such as skip and undo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tiltyard.schemas.project import ClassName

Act = Literal["label", "skip", "cant_tell", "flag", "undo", "quit"]

COMMANDS: Final[dict[str, Act]] = {"s": "skip", "?": "cant_tell", "f": "flag", "u": "undo", "q": "quit"}
WORDS: Final[dict[str, Act]] = {
    "skip": "skip",
    "can't tell": "cant_tell",
    "flag": "flag",
    "undo": "undo",
    "quit": "quit",
}
OTHER_KEYS: Final[dict[str, Act]] = {
    " ": "skip",
    "!": "flag",
    "\x7f": "undo",
    "\x08": "undo",
    "\x1b": "quit",
    "\x04": "quit",
}
"""Keys that always work, even where a class uses a command's letter: space, !, backspace, Esc, Ctrl-D."""


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """A parsed answer: the act, its class, and the note of a flag."""

    act: Act
    label: str | None = None
    note: str = ""


class AnswerKeys:
    """The keys and lines that a project accepts."""

    def __init__(self, classes: Sequence[ClassName]) -> None:
        """Take the classes of a project; their keys take precedence over the commands' letters."""
        self.classes = list(classes)
        self._keys = {entry.key: entry.name for entry in classes if entry.key}

    @property
    def by_key(self) -> bool:
        """Whether every class has a key."""
        return len(self._keys) == len(self.classes)

    def parse_key(self, key: str) -> ParsedAnswer | None:
        """The answer for one key; None for an unknown key.

        >>> answers = AnswerKeys([ClassName(name="spam", key="s"), ClassName(name="ham", key="h")])
        >>> answers.parse_key("s"), answers.parse_key(" "), answers.parse_key("x")
        (ParsedAnswer(act='label', label='spam', note=''), ParsedAnswer(act='skip', label=None, note=''), None)
        """
        if key in self._keys:
            return ParsedAnswer("label", self._keys[key])
        act = COMMANDS.get(key) or OTHER_KEYS.get(key)
        return ParsedAnswer(act) if act else None

    def parse_line(self, line: str) -> ParsedAnswer | None:
        """The answer for a line: a class by key, name, number or prefix; a command by letter or word, with a note.

        >>> answers = AnswerKeys([ClassName(name="not sure"), ClassName(name="no"), ClassName(name="yes")])
        >>> [answers.parse_line(line).label for line in ("no", "y", "1", "not")]
        ['no', 'yes', 'not sure', 'not sure']
        >>> answers.parse_line("f torn page"), answers.parse_line("n")
        (ParsedAnswer(act='flag', label=None, note='torn page'), None)
        """
        text = line.strip()
        label = self._keys.get(text) or self._class_named(text)
        if label is not None:
            return ParsedAnswer("label", label)
        if text in WORDS:
            return ParsedAnswer(WORDS[text])
        word, _, note = text.partition(" ")
        act = COMMANDS.get(word) or WORDS.get(word) or OTHER_KEYS.get(line[:1])
        return (
            ParsedAnswer(act, note=note.strip())
            if act and (not note or act == "flag")
            else self._class_with_prefix(text)
        )

    def _class_named(self, text: str) -> str | None:
        """The class with this name, or with this number in the list if no class name is a number."""
        names = [entry.name for entry in self.classes]
        if text in names:
            return text
        numbered = text.isdecimal() and not any(name.isdecimal() for name in names)
        return names[int(text) - 1] if numbered and 0 < int(text) <= len(names) else None

    def _class_with_prefix(self, text: str) -> ParsedAnswer | None:
        """The only class whose name begins with the text."""
        matches = [one.name for one in self.classes if text and one.name.lower().startswith(text.lower())]
        return ParsedAnswer("label", matches[0]) if len(matches) == 1 else None
