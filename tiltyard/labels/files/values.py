"""What the values in a label file stand for: keys of samples, classes, and plain text.

What a value says counts, not how its file stores it: the rule is that of :mod:`tiltyard.ingest.casting.lossless`.
A key that names no sample as it is written is tried in Unicode's composed form and without the blanks around it, and a
class goes by every name that the project file gives it (:meth:`Project.said`).
What is tried first is what is written, so that no two values that differ in the project are ever mixed.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from tiltyard.ingest.casting.lossless import match_class, plain_text, shortest_decimal
from tiltyard.labels.files.strict_json import unstorable_character
from tiltyard.schemas.canonical import canonical_json
from tiltyard.schemas.errors import AnnotationError
from tiltyard.schemas.project import Project

LIST: Final = re.compile(r"""\[\s*(["'])([^"'\\]*)\1\s*\]""")
"""A list of one text as some tools write it into a cell."""


def key_spellings(value: Any) -> tuple[str, ...]:
    """The texts that a key may stand for, as written first; none where it stands for nothing.

    Raises ValueError for a number that stands for several integers or for none.

    >>> key_spellings("5.0"), key_spellings(5.0), key_spellings(True), key_spellings(" a"), key_spellings(None)
    (('5.0', '5'), ('5',), ('true',), (' a', 'a'), ())
    """
    text = plain_text(value) or ""
    tidy = _tidy(text)
    return tuple(dict.fromkeys(form for form in (text, tidy, shortest_decimal(tidy)) if form))


def parse_label(value: Any, project: Project) -> str | None:
    """The class that a label file's value names, as the project spells it; the text itself where it names none.

    None where there is no label. Raises AnnotationError for several classes where one is wanted, and for what is
    no text.
    """
    one = _only_one(value, project)
    if isinstance(one, dict | list):
        raise AnnotationError(f"label: {one!r:.60} is not a text")
    try:
        text = _tidy(plain_text(one) or "")
    except ValueError as error:
        raise AnnotationError(f"label: {error}") from error
    return match_class_name(one, project) or refuse_illegible("label", text) if text else None


def match_class_name(value: Any, project: Project) -> str | None:
    """The class that a plain value names, by any name that it has or had, as the project spells it; none for no class.

    Every label of a file goes through here.
    """
    try:
        text = _tidy(plain_text(value) or "")
        said = project.said(text) if text else None
        if said is not None or not text:
            return said
        widened = match_class(text if isinstance(value, str) else value, project.names.every)
    except ValueError:
        return None
    return widened if widened in project.names.every else None


def text_value(line: Mapping[str, Any], name: str) -> str | None:
    """A line's value as text; numbers as they are written, empty and NaN as missing."""
    value = line.get(name)
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return refuse_illegible(name, value)
    if isinstance(value, dict | list) or (isinstance(value, float) and math.isinf(value)):
        raise AnnotationError(f"{name}: {value!r:.60} is not a text")
    return canonical_json(value)


def refuse_illegible(name: str, text: str) -> str:
    """The text; AnnotationError where it holds what no ledger keeps."""
    if found := unstorable_character(text):
        raise AnnotationError(f"{name}: {text!r:.60} holds {found}; take it out")
    return text


def _only_one(value: Any, project: Project) -> Any:
    """The one thing in a list or a choice, also where it is written into a cell; AnnotationError for several."""
    if isinstance(value, str) and (found := LIST.fullmatch(value.strip())) and project.said(value) is None:
        return found[2]
    if isinstance(value, dict) and isinstance(value.get("choices"), list):
        value = value["choices"]
    if not isinstance(value, list):
        return value
    different = [one for place, one in enumerate(value) if one not in value[:place]]
    if len(different) > 1:
        raise AnnotationError(f"label: {len(different)} classes are named where one is wanted, got {value!r:.80}")
    return different[0] if different else None


def _tidy(text: str) -> str:
    """A text in Unicode's composed form, without the blanks around it."""
    return unicodedata.normalize("NFC", text).strip()
