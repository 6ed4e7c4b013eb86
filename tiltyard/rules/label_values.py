"""What the values in a label file stand for: keys of samples, classes, and plain text.

One rule of lossless widening holds for keys and classes, in CSV as in JSON:

- Text stands for itself; then for itself in Unicode's composed form (NFC) and without the blanks around it. What names
  a class beyond that is the project file's to say (:meth:`schemas.project.Project.said`).
- ``1.0`` stands for ``1`` too: an integer that somebody's table kept as a decimal. Numbers beyond 2⁵³ are no longer
  sure to be the integer that was meant, and stand for nothing but their digits.
- ``true`` and ``false`` stand for any of their spellings ``true``, ``True`` and ``TRUE``.
- ``null``, NaN and empty text stand for nothing.

What is tried first is what is written, so that no two values that differ in the project are ever mixed.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from schemas.canonical import canonical_json
from schemas.errors import AnnotationError
from schemas.project import Project
from tiltyard.rules.strict_json import illegible

WHOLE_NUMBER: Final = re.compile(r"([+-]?[0-9]+)\.0+")
SURE: Final = 2**53
TRUTHS: Final = {
    word: spelled for spelled in (("true", "True", "TRUE"), ("false", "False", "FALSE")) for word in spelled
}
LIST: Final = re.compile(r"""\[\s*(["'])([^"'\\]*)\1\s*\]""")
"""A list of one text as some tools write it into a cell."""


def spellings(value: Any) -> tuple[str, ...]:
    """The texts that a value may stand for, as written first; none where it stands for nothing.

    >>> spellings("5.0"), spellings(5.0), spellings(True), spellings(" a"), spellings(None)
    (('5.0', '5'), ('5.0', '5'), ('true', 'True', 'TRUE'), (' a', 'a'), ())
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ()
    if isinstance(value, bool):
        return TRUTHS[str(value)]
    if isinstance(value, float):
        written = repr(value)
        return (written, str(int(value))) if value.is_integer() and abs(value) <= SURE else (written,)
    text = str(value)
    tidy = unicodedata.normalize("NFC", text).strip()
    whole = WHOLE_NUMBER.fullmatch(tidy)
    forms = (text, tidy, *([whole[1]] if whole else []), *TRUTHS.get(tidy, ()))
    return tuple(dict.fromkeys(form for form in forms if form))


def label_text(value: Any, project: Project) -> str | None:
    """The class that a label file's value names, as the project spells it; the text itself where it names none.

    None where there is no label. Raises AnnotationError for several classes where one is wanted, and for what is
    no text.
    """
    one = _only_one(value, project)
    if isinstance(one, dict | list):
        raise AnnotationError(f"label: {one!r:.60} is not a text")
    forms = spellings(one)
    for form in forms:
        if (named := class_named(form, project)) is not None:
            return named
    return legible("label", forms[-1]) if forms else None


def class_named(text: str, project: Project) -> str | None:
    """The class that a text names, by any name it has or had, as the project spells it; none where it names none.

    Every label of a file goes through here.
    """
    return project.said(text)


def text_of(line: Mapping[str, Any], name: str) -> str | None:
    """A line's value as text; numbers as they are written, empty and NaN as missing."""
    value = line.get(name)
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return legible(name, value)
    if isinstance(value, dict | list) or (isinstance(value, float) and math.isinf(value)):
        raise AnnotationError(f"{name}: {value!r:.60} is not a text")
    return canonical_json(value)


def legible(name: str, text: str) -> str:
    """The text; AnnotationError where it holds what no ledger keeps."""
    if found := illegible(text):
        raise AnnotationError(f"{name}: {text!r:.60} holds {found}; take it out")
    return text


def _only_one(value: Any, project: Project) -> Any:
    """The one thing in a list or a choice, also where it is written into a cell; AnnotationError for several."""
    if isinstance(value, str) and (found := LIST.fullmatch(value.strip())) and class_named(value, project) is None:
        return found[2]
    if isinstance(value, dict) and isinstance(value.get("choices"), list):
        value = value["choices"]
    if not isinstance(value, list):
        return value
    different = [one for place, one in enumerate(value) if one not in value[:place]]
    if len(different) > 1:
        raise AnnotationError(f"label: {len(different)} classes are named where one is wanted, got {value!r:.80}")
    return different[0] if different else None
