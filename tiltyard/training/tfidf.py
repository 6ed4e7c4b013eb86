"""TF-IDF that learns from texts of every script, and whose vocabulary is stored as two arrays.

skops writes each value of a dict as a node of its own: a vocabulary of 60,000 terms becomes tens of megabytes and takes
seconds to write and to read. As arrays it is about as large as its text.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

VOCABULARY: Final = "vocabulary_"
PACKED: Final = "packed_vocabulary_"

Way = Literal["asked", "characters", "nothing"]


class CompactTfidfVectorizer(TfidfVectorizer):  # type: ignore[misc]  # scikit-learn ships no types
    """scikit-learn's TfidfVectorizer that is never without a vocabulary, and stored compactly.

    Where no text that it is fitted on holds a token, it takes characters (``!!!``); where there are no characters
    either (empty texts), one feature that is the same for every text. ``way_`` says which. Stored, the vocabulary is
    UTF-8 bytes, the terms' lengths and their columns.
    """

    __module__ = "tiltyard.model_classes"  # the name that archives store, wherever the class is defined

    def fit(self, raw_documents: Iterable[str], y: Any = None) -> "CompactTfidfVectorizer":
        """Learn vocabulary and weights."""
        texts = self._readied(raw_documents)
        super().fit(texts, y)
        return self

    def fit_transform(self, raw_documents: Iterable[str], y: Any = None) -> Any:
        """Learn vocabulary and weights, and give the texts' own rows (sparse)."""
        return super().fit_transform(self._readied(raw_documents), y)

    def build_analyzer(self) -> Callable[[str], list[str]]:
        """What makes terms of a text."""
        way: Way = getattr(self, "way_", "asked")
        if way == "nothing":
            return lambda _text: [""]
        if way == "characters":
            decode, prepare, longest = self.decode, self.build_preprocessor(), self.ngram_range[1]
            return lambda text: _pieces(prepare(decode(text)), longest)
        analyze: Callable[[str], list[str]] = super().build_analyzer()
        return analyze

    def _readied(self, raw_documents: Iterable[str]) -> list[str]:
        """The texts, after it is settled what terms are made of; mostly the first text tells."""
        texts = list(raw_documents)
        ways: tuple[Way, ...] = ("asked", "characters", "nothing")
        for way in ways:
            self.way_ = way
            analyze = self.build_analyzer()
            if any(analyze(text) for text in texts):
                break
        return texts

    def __getstate__(self) -> dict[str, Any]:
        """The state to store, with the vocabulary packed where there is one."""
        state = dict(super().__getstate__())
        if VOCABULARY in state:
            state[PACKED] = pack(state.pop(VOCABULARY))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a stored state back."""
        state = dict(state)
        if PACKED in state:
            state[VOCABULARY] = unpack(state.pop(PACKED))
        super().__setstate__(state)


def _pieces(text: str, longest: int) -> list[str]:
    """Every run of 1 to ``longest`` characters.

    >>> _pieces("!?!", 2)
    ['!', '?', '!', '!?', '?!']
    """
    return [text[start : start + size] for size in range(1, longest + 1) for start in range(len(text) - size + 1)]


def pack(vocabulary: dict[str, Any]) -> dict[str, Any]:
    """A vocabulary (term to column) as arrays: ``text`` uint8, ``lengths`` and ``columns`` int64 (n,), by column.

    Lone surrogates, which a text may hold and UTF-8 may not, pass.

    >>> packed = pack({"be": 1, "ä": 0})
    >>> packed["lengths"].tolist(), packed["columns"].tolist()
    ([2, 2], [0, 1])
    >>> unpack(packed)
    {'ä': 0, 'be': 1}
    """
    terms = sorted(vocabulary, key=vocabulary.__getitem__)
    encoded = [term.encode("utf-8", "surrogatepass") for term in terms]
    return {
        "text": np.frombuffer(b"".join(encoded), dtype=np.uint8).copy(),
        "lengths": np.array([len(term) for term in encoded], dtype=np.int64),
        "columns": np.array([vocabulary[term] for term in terms], dtype=np.int64),
    }


def unpack(packed: dict[str, Any]) -> dict[str, int]:
    """The vocabulary that :func:`pack` packed."""
    text, ends = packed["text"].tobytes(), np.cumsum(packed["lengths"]).tolist()
    starts = [0, *ends[:-1]]
    terms = [text[start:end].decode("utf-8", "surrogatepass") for start, end in zip(starts, ends, strict=False)]
    return dict(zip(terms, packed["columns"].tolist(), strict=True))
