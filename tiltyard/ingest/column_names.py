"""Names of columns as objects write them: other writings of one name, and letters that the eye does not tell apart.

The reader's own process asks too, so nothing heavy is imported here.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

LOOKS: Final = dict(
    zip(
        "АВЕЗКМНОРСТУХаеорсухіјѕԁһӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορυχⅰⅼ",
        "ABE3KMHOPCTYXaeopcyxijsdhlABEZHIKMNOPTYXaivopuxil",
        strict=True,
    )
)
"""Letters of other scripts by the Latin letter that they look like."""

SHOWN_LETTERS: Final = 5


def normalize_name(name: str) -> str:
    r"""A name without what is only a way to write it: Unicode's form, line breaks, spaces in a row or around it.

    >>> normalize_name(" order\n id "), normalize_name("cafe\u0301") == normalize_name("caf\u00e9")
    ('order id', True)
    """
    return " ".join(unicodedata.normalize("NFC", name).replace("\ufeff", "").split())


def match_header(header: Sequence[str], columns: Collection[str]) -> list[str]:
    r"""A header with the project's own names, wherever a name is another writing of one of them and of no other.

    >>> match_header(["order\nid", "x", "cafe\u0301"], ["order id", "x", "caf\u00e9"])
    ['order id', 'x', 'café']
    >>> match_header(["a", "a "], ["a"]), match_header([" a", "a "], ["a"])
    (['a', 'a '], [' a', 'a '])
    """
    own, met = set(columns), Counter(map(normalize_name, header))
    wanted = Counter(map(normalize_name, columns))
    known = {normalize_name(name): name for name in columns if wanted[normalize_name(name)] == 1}
    return [
        name if name in own or met[normalize_name(name)] > 1 else known.get(normalize_name(name), name)
        for name in header
    ]


def unusual_letters(name: str) -> list[str]:
    r"""The letters of a name that cannot be seen, or pass for others beside Latin ones, by their code points.

    >>> unusual_letters("a\u200bge"), unusual_letters("\u0430ge"), unusual_letters("größe"), unusual_letters("возраст")
    (['U+200B ZERO WIDTH SPACE'], ['U+0430 CYRILLIC SMALL LETTER A'], [], [])
    """
    is_latin = any(mark.isascii() and mark.isalpha() for mark in name)
    found = [
        mark for mark in name if _is_unseen(mark) or (mark in LOOKS and (is_latin or lookalike_form(name).isascii()))
    ]
    return [f"U+{ord(mark):04X} {unicodedata.name(mark, '(no name)')}" for mark in dict.fromkeys(found)]


def lookalike_form(name: str) -> str:
    r"""What a name looks like: without unseen letters, foreign ones by the Latin letters that they look like.

    >>> lookalike_form("\u0430g\u200be")
    'age'
    """
    return "".join(LOOKS.get(mark, mark) for mark in normalize_name(name) if not _is_unseen(mark))


def quote_name(name: str) -> str:
    r"""A name in quotes for messages, with its odd letters named.

    >>> quote_name("age"), quote_name("\u0430ge"), quote_name("")
    ("'age'", "'аge' (with U+0430 CYRILLIC SMALL LETTER A)", "'' (no name)")
    """
    odd = unusual_letters(name)
    more = f" and {len(odd) - SHOWN_LETTERS} more" if len(odd) > SHOWN_LETTERS else ""
    told = f" (with {', '.join(odd[:SHOWN_LETTERS])}{more})" if odd else "" if name.strip() else " (no name)"
    return f"{name!r:.60}{told}"


def _is_unseen(mark: str) -> bool:
    """Whether a mark shows nothing, or passes for a plain space."""
    return mark != " " and (unicodedata.category(mark) in {"Cf", "Cc", "Zs", "Zl", "Zp", "Cn"} or mark == "\u3164")


def partition_hint(key: str, columns: Sequence[str]) -> str:
    """A hint for a missing column whose value is only in the object's key, as Hive writes partitions.

    >>> partition_hint("dt=2024-01-01/a.csv", ["dt"])
    '; the key says dt=2024-01-01, but values in keys are not read: write the column into the file'
    """
    said = next((part for part in re.split("[/]", key)[:-1] if part.partition("=")[0] in columns and "=" in part), "")
    return f"; the key says {said}, but values in keys are not read: write the column into the file" if said else ""
