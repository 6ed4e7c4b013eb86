"""Tokens of a text in any script: words, characters where there are no spaces, symbols."""

from typing import Final

SPACELESS: Final = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese
)
"""Characters of scripts that put no spaces between words: each is a token, and pairs of them come near to words."""
MARKS: Final = "\u0300-\u036f\u0900-\u0903\u093a-\u094f\u064b-\u065f\u0591-\u05c7\u200c\u200d\ufe0e\ufe0f"
"""Marks that belong to the letter or picture before them; alone they have no meaning."""
PUNCTUATION: Final = (
    "\u0000-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf"  # ASCII and Latin-1
    "\u2000-\u206f\u3000-\u303f\uff00-\uff0f\uff1a-\uff20"
)
SYMBOL: Final = rf"[^\w\s{MARKS}{PUNCTUATION}]"
"""One emoji, arrow, heart or the like."""
TOKEN: Final = rf"(?u)[{SPACELESS}]|[^\W{SPACELESS}](?:[^\W{SPACELESS}]|[{MARKS}])*|{SYMBOL}"
"""A token is a word, of one letter too; a character of a script without spaces; or a symbol."""
