"""What an annotator says with a key or a line, and what it means."""

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
"""Keys that always work, also where a class has taken a command's letter: space, !, backspace, Esc, Ctrl-D."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was meant: an act, the class it names, the remark that came with it."""

    act: Act
    label: str | None = None
    note: str = ""


class Answers:
    """The answers that a project takes, by key and by line."""

    def __init__(self, classes: Sequence[ClassName]) -> None:
        """Take the classes of a project; their keys go before the commands' letters."""
        self.classes = list(classes)
        self._keys = {entry.key: entry.name for entry in classes if entry.key}

    @property
    def by_key(self) -> bool:
        """Whether one key is enough for every class."""
        return len(self._keys) == len(self.classes)

    def of_key(self, key: str) -> Said | None:
        """What one key means; none when it means nothing.

        >>> answers = Answers([ClassName(name="spam", key="s"), ClassName(name="ham", key="h")])
        >>> answers.of_key("s"), answers.of_key(" "), answers.of_key("x")
        (Said(act='label', label='spam', note=''), Said(act='skip', label=None, note=''), None)
        """
        if key in self._keys:
            return Said("label", self._keys[key])
        act = COMMANDS.get(key) or OTHER_KEYS.get(key)
        return Said(act) if act else None

    def of_line(self, line: str) -> Said | None:
        """What a line means: a class by key, name, number or beginning; a command by letter or word, with a remark.

        >>> answers = Answers([ClassName(name="not sure"), ClassName(name="no"), ClassName(name="yes")])
        >>> [answers.of_line(line).label for line in ("no", "y", "1", "not")]
        ['no', 'yes', 'not sure', 'not sure']
        >>> answers.of_line("f torn page"), answers.of_line("n")
        (Said(act='flag', label=None, note='torn page'), None)
        """
        said = line.strip()
        label = self._keys.get(said) or self._class_named(said)
        if label is not None:
            return Said("label", label)
        if said in WORDS:
            return Said(WORDS[said])
        word, _, note = said.partition(" ")
        act = COMMANDS.get(word) or WORDS.get(word) or OTHER_KEYS.get(line[:1])
        return Said(act, note=note.strip()) if act and (not note or act == "flag") else self._begun(said)

    def _class_named(self, said: str) -> str | None:
        """The class of that very name, or with that number in the list where no class has a digit for a name."""
        names = [entry.name for entry in self.classes]
        if said in names:
            return said
        numbered = said.isdecimal() and not any(name.isdecimal() for name in names)
        return names[int(said) - 1] if numbered and 0 < int(said) <= len(names) else None

    def _begun(self, said: str) -> Said | None:
        """The one class whose name begins like this."""
        begun = [entry.name for entry in self.classes if said and entry.name.lower().startswith(said.lower())]
        return Said("label", begun[0]) if len(begun) == 1 else None
