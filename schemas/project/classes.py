"""The classes of a project: their names, earlier names (aliases), and retired classes."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from tiltyard.schemas.project.class_names import first_same, misfit, spellings, unusual
from tiltyard.schemas.project.columns import Part


class ClassName(Part):
    """One answer that an annotator can give."""

    name: str = Field(min_length=1, description="what annotations, models and predictions call it")
    key: str | None = Field(None, min_length=1, max_length=1, description="keyboard key in the queue")
    description: str = Field("", description="shown to the annotator")
    aliases: list[str] = Field(default_factory=list, description="former names; labels that bear them count as this")


class Names:
    """Every name of a class in a project file, and what it stands for."""

    def __init__(self, classes: Sequence[ClassName], retired: Sequence[str]) -> None:
        """Look at the classes with their aliases, and at the retired ones."""
        self.classes = [entry.name for entry in classes]
        # An alias that is the same as its own class is redundant.
        aliases = [
            alias
            for entry in classes
            for alias in entry.aliases
            if set(spellings(alias)).isdisjoint(spellings(entry.name))
        ]
        self.every = [*self.classes, *aliases, *retired]
        self._known = {name: name for name in self.every}
        for name in self.every:
            for form in spellings(name):
                self._known.setdefault(form, name)
        self._todays = {alias: entry.name for entry in classes for alias in entry.aliases}
        self._todays |= {name: name for name in self.classes}

    @property
    def answerable(self) -> frozenset[str]:
        """Every stored label that is of a class of today."""
        return frozenset(self._todays)

    def said(self, label: str) -> str | None:
        """The name that a label means, as the file spells it; none where it means none."""
        found = self._known.get(label)
        return found or next((self._known[form] for form in spellings(label) if form in self._known), None)

    def class_of(self, label: str) -> str | None:
        """Today's class that a label stands for."""
        said = self.said(label)
        return self._todays.get(said) if said is not None else None

    def refuse_alike(self) -> None:
        """Raise ValueError for names that cannot be read, and for two that are the same."""
        for name in self.every:
            if why := misfit(name):
                raise ValueError(f"class {name!r:.80} {why}; a class needs a name that can be read and typed")
        same = first_same(self.classes) or first_same(self.every)
        if same:
            raise ValueError(self._told(*same))

    def _told(self, one: str, other: str) -> str:
        """What is wrong with two names that are the same."""
        if one == other and other in self.classes:
            is_repeated = self.classes.count(one) > 1
            twice = "stands twice under 'classes'" if is_repeated else "is a class and an alias or retired too"
            return f"class {one!r} {twice}; keep one"
        return (
            f"{one!r} and {other!r} under 'classes' and 'retired' are the same but for case, space or how letters are "
            f"written{unusual(one, other)}; keep one"
        )


def named(entry: Any) -> Any:
    """A class of which only the name was given."""
    if isinstance(entry, bool):
        raise ValueError(f"a class is called {entry!r}, which is not text; put its name into quotes")
    return {"name": str(entry)} if isinstance(entry, str | int) else entry
