"""The words and symbols of a text, and the text without each of them."""

import re
from typing import Final

from tiltyard.samples.tokens import SYMBOL

MOST_WORDS: Final = 200
"""Words of a text that are tried, in their order; what decides a long text mostly stands at its start."""

WORD: Final = re.compile(rf"\w+(?:['’]\w+)*|{SYMBOL}")


def without_each_word(text: str, most: int = MOST_WORDS) -> list[tuple[str, str]]:
    """Each distinct word of a text, as first written and in that order, with the text that is left without it.

    A word is left out wherever it stands, however its letters are cased. At most ``most`` and ``MOST_WORDS``
    words are tried.

    >>> without_each_word("Win a prize, win!")
    [('Win', ' a prize, !'), ('a', 'Win  prize, win!'), ('prize', 'Win a , win!')]
    >>> without_each_word("👍👎👍")
    [('👍', '👎'), ('👎', '👍👍')]
    """
    spans: dict[str, list[tuple[int, int]]] = {}
    for match in WORD.finditer(text):
        spans.setdefault(match.group().casefold(), []).append(match.span())
    tried = list(spans.values())[: min(most, MOST_WORDS)]
    return [(text[slice(*own[0])], _without(text, own)) for own in tried]


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """The text without some stretches of it, given in their order."""
    starts = [0, *(end for _, end in spans)]
    ends = [*(start for start, _ in spans), len(text)]
    return "".join(text[start:end] for start, end in zip(starts, ends, strict=True))
