"""One rule for when two spellings name the same class, used wherever a label comes in.

Two names are the same when they are equal after this, in this order: Unicode's compatibility form (NFKC, so NFC and NFD
are one), no invisible characters (zero width, variation selectors), no difference of case, runs of space as one space
and none at the ends. They are also the same when that holds after Cyrillic and Greek letters that look like Latin ones
were read as these, in a name that then is all Latin. A project file with two classes that are the same is refused; a
label that is not exactly a class is taken as the class that it is the same as.
"""

import unicodedata
from collections.abc import Iterable
from typing import Final

LOOKALIKES: Final = str.maketrans(
    "АВЕЅІЈКМНОРСТУХԚԜӀаеѕіјорсухԁһԛԝӏ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοιρ",
    "ABESIJKMHOPCTYXQWIaesijopcyxdhqwl" + "ABEZHIKMNOPTYXoip",
)
"""Cyrillic, then Greek letters that no eye tells from Latin ones."""

INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164")
"""Letters and marks without a shape, beside Unicode's format characters and variation selectors."""

LONGEST: Final = 200
"""Characters of a class's name."""

JOINERS: Final = "\u200c\u200d"
"""What some scripts and pictures are written with; other format characters have no place in a name."""


def spellings(name: str) -> tuple[str, ...]:
    """The forms by which a name is compared: names that share one are the same.

    >>> spellings("  Cafe\u0301 "), spellings("yes") == spellings("\u200bYES"), spellings("\u0441at")
    (('café',), True, ('сat', 'cat'))
    """
    seen = "".join(mark for mark in unicodedata.normalize("NFKC", name) if not _is_invisible(mark))
    latin = seen.translate(LOOKALIKES)
    forms = [seen, latin] if latin != seen and all(_is_latin(mark) for mark in latin if mark.isalpha()) else [seen]
    return tuple(dict.fromkeys(_folded(form) for form in forms))


def is_same(one: str, other: str) -> bool:
    """Whether two spellings name one class.

    >>> is_same("Spam", "spam "), is_same("spam", "ham")
    (True, False)
    """
    return one == other or not set(spellings(one)).isdisjoint(spellings(other))


def first_same(names: Iterable[str]) -> tuple[str, str] | None:
    """The first two of the names that are the same, if any are.

    >>> first_same(["a", "b", "A"]), first_same(["a", "b"])
    (('a', 'A'), None)
    """
    met: dict[str, str] = {}
    for name in names:
        forms = spellings(name)
        known = next((met[form] for form in forms if form in met), None)
        if known is not None:
            return known, name
        met.update(dict.fromkeys(forms, name))
    return None


def misfit(name: str) -> str:
    """Why a text can be no class's name; empty where it can.

    >>> misfit("spam"), misfit("a\u202eb")
    ('', 'holds U+202E RIGHT-TO-LEFT OVERRIDE')
    """
    if not any(spellings(name)):
        return "holds nothing that can be seen"
    if len(name) > LONGEST:
        return f"has {len(name):,} characters, and {LONGEST} are the most"
    for mark in name:
        if mark not in JOINERS and unicodedata.category(mark) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Cn"}:
            return f"holds {code_point(mark)}"
    return ""


def unusual(*names: str) -> str:
    """The characters beyond ASCII in some names, by their code points, for messages; empty where there are none.

    >>> unusual("\u0441at")
    ' (U+0441 CYRILLIC SMALL LETTER ES)'
    """
    found = dict.fromkeys(mark for name in names for mark in name if not mark.isascii())
    return f" ({', '.join(code_point(mark) for mark in list(found)[:4])})" if found else ""


def code_point(mark: str) -> str:
    """A character by its code point and name.

    >>> code_point("a"), code_point("é")
    ('U+0061 LATIN SMALL LETTER A', 'U+00E9 LATIN SMALL LETTER E WITH ACUTE')
    """
    return f"U+{ord(mark):04X} {unicodedata.name(mark, '')}".strip()


def _is_invisible(mark: str) -> bool:
    """Whether a character has no shape of its own."""
    is_selector = "\ufe00" <= mark <= "\ufe0f" or "\U000e0100" <= mark <= "\U000e01ef"
    return is_selector or mark in INVISIBLE or unicodedata.category(mark) == "Cf"


def _is_latin(mark: str) -> bool:
    """Whether a letter is Latin."""
    return mark.isascii() or unicodedata.name(mark, "").startswith("LATIN ")


def _folded(text: str) -> str:
    """Text without case and with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text.casefold()).split())
