"""All examples by name, and their project files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tiltyard.examples.bank import dealer as bank
from tiltyard.examples.bank import made as made_bank
from tiltyard.examples.bank.fetch import SOURCE as BANK_SOURCE
from tiltyard.examples.banking77 import dealer as banking77
from tiltyard.examples.banking77 import made as made_banking77
from tiltyard.examples.banking77.fetch import SOURCE as BANKING77_SOURCE
from tiltyard.examples.dealing import Deal, laid_over
from tiltyard.examples.digits import dealer as digits
from tiltyard.examples.digits import made as made_digits
from tiltyard.examples.fetching import Source, local_path
from tiltyard.examples.hotel import dealer as hotel
from tiltyard.examples.hotel import made as made_hotel
from tiltyard.examples.hotel.fetch import SOURCE as HOTEL_SOURCE
from tiltyard.schemas.errors import NotFound, nearest


@dataclass(frozen=True, slots=True)
class Example:
    """One example: its project file, where its data comes from and how it is dealt.

    ``rows`` is the size of the real source; ``source`` is None where the data comes with a library. ``dealer``
    turns a source's bytes and a seed into a deal, ``made`` makes a source of the same shape from a number of
    rows and a seed.
    """

    name: str
    title: str
    rows: int
    source: Source | None
    dealer: Callable[[bytes, int], Deal]
    made: Callable[[int, int], bytes]

    @property
    def project_file(self) -> Path:
        """The project file as it is published with the package."""
        return Path(__file__).parent / self.name / "project.yaml"

    @property
    def at_hand(self) -> bool:
        """Whether the real data can be read without a download."""
        return self.source is None or local_path(self.source.local) is not None

    def deal(self, seed: int = 0, file: Path | None = None) -> Deal:
        """The real data dealt out; ``file`` is the source's file where it is not to be looked for or fetched.

        Raises NotFound or ObjectError when the source cannot be had or is not the expected one.
        """
        content = digits.digits_content() if self.source is None else self.source.content(file)
        return self.dealer(content, seed)

    def made_sample(self, rows: int = 1000, seed: int = 0) -> Deal:
        """About ``rows`` made rows of the same shape, dealt in the same way: columns, kinds, dirt and drift."""
        return self.dealer(self.made(rows, seed), seed)


EXAMPLES: Final = {
    "digits": Example("digits", "which digit was written?", 1797, None, digits.deal, made_digits.made_content),
    "bank": Example("bank", "will the client take it?", 41188, BANK_SOURCE, bank.deal, made_bank.made_content),
    "hotel": Example("hotel", "will it be cancelled?", 119390, HOTEL_SOURCE, hotel.deal, made_hotel.made_content),
    "banking77": Example(
        "banking77",
        "what does the customer want?",
        10003,
        BANKING77_SOURCE,
        banking77.deal,
        made_banking77.made_content,
    ),
}
"""The examples by name."""


def example_named(name: str) -> Example:
    """The example of that name. Raises NotFound with the nearest name when there is none."""
    if name not in EXAMPLES:
        raise NotFound(f"no example {name!r}; {nearest(name, EXAMPLES)}")
    return EXAMPLES[name]


def write_project(example: Example, folder: Path, *, changes: dict[str, Any] | None = None) -> Path:
    """The path of the example's project file, copied into a folder that is made when missing.

    Without ``changes`` the file is copied with its comments; with them (those of a fix, say) it is written again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "project.yaml"
    text = example.project_file.read_text(encoding="utf-8")
    if changes:
        content = laid_over(yaml.safe_load(text), changes)
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    return path
