"""TF-IDF whose vocabulary is stored as two arrays instead of one entry per term.

skops writes each value of a dict as a node of its own: a vocabulary of 60,000 terms becomes tens of megabytes and takes
seconds to write and to read. As arrays it is about as large as its text.
"""

from typing import Any, Final

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

VOCABULARY: Final = "vocabulary_"
PACKED: Final = "packed_vocabulary_"


class CompactTfidfVectorizer(TfidfVectorizer):  # type: ignore[misc]  # scikit-learn ships no types
    """scikit-learn's TfidfVectorizer; stored, its vocabulary is UTF-8 bytes, the terms' lengths and their columns."""

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
