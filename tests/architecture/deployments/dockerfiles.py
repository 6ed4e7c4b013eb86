"""A Dockerfile as stages of instructions, and what .dockerignore lets into the build."""

import json
import re
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Instruction:
    """One instruction, its lines joined."""

    word: str
    rest: str

    @property
    def words(self) -> list[str]:
        """The words of an instruction that is written as JSON."""
        return [str(one) for one in json.loads(self.rest)]

    @property
    def copied(self) -> list[str]:
        """What a COPY takes from the build's context; nothing for a copy between stages."""
        words = self.rest.split()
        return [] if self.word != "COPY" or "--from=" in self.rest else words[:-1]


@dataclass
class Stage:
    """What stands between one FROM and the next."""

    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def of(self, word: str) -> list[Instruction]:
        """Its instructions of one kind."""
        return [one for one in self.instructions if one.word == word]


def stages_of(text: str) -> list[Stage]:
    """The stages of a Dockerfile, in its order."""
    stages: list[Stage] = []
    joined = re.sub(r"\\\n(\s*#[^\n]*\n)*\s*", " ", re.sub(r"^#[^\n]*\n", "", text, flags=re.MULTILINE))
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append(Stage(rest.split(" AS ")[-1]))
        elif stages:
            stages[-1].instructions.append(Instruction(word, rest.strip()))
    return stages


def is_ignored(path: str, patterns: list[str]) -> bool:
    """Whether .dockerignore keeps a file out: the last pattern that fits it, or a folder above it, decides.

    >>> is_ignored("a/b.py", ["*", "!a/"]), is_ignored("a/b.pyc", ["*", "!a/", "**/*.pyc"]), is_ignored("c", ["*"])
    (False, True, True)
    """
    ignored = False
    for pattern in patterns:
        plain = pattern.removeprefix("!").rstrip("/")
        if any(_fits(part, plain) for part in (path, *map(str, PurePosixPath(path).parents))):
            ignored = not pattern.startswith("!")
    return ignored


def _fits(path: str, pattern: str) -> bool:
    """Whether a path fits one pattern; ``**/`` stands for any folders, ``*`` for a part of one name."""
    if pattern.startswith("**/"):
        return fnmatch(PurePosixPath(path).name, pattern[3:])
    return path.count("/") == pattern.count("/") and fnmatch(path, pattern)
