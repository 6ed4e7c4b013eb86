"""The validity check of every annotation, from any source, before the ledger stores it permanently.

Page, API, terminal, label files, Label Studio, labels that arrive with rows and whole facts of an export all end in the
ledger's own append, and that asks here. What a project adds (its classes) is asked in
:func:`tiltyard.labels.annotations.check_annotation`.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

from tiltyard.labels.files.strict_json import lone_surrogate
from tiltyard.schemas.errors import AnnotationError
from tiltyard.schemas.records import Act, Annotation, NewAnnotation, Vote

ANSWERS: Final = frozenset({"label", "adjudicate"})
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""No clock says less or more: what does is a mistake in a file, not a clock that is wrong."""
PATIENCE: Final = timedelta(minutes=5)
"""How far a client's clock may be ahead of the ledger's before its time is replaced."""
LONGEST_LEAD: Final = 366 * 86_400_000
LONGEST_NAME: Final = 600
"""Characters of what is looked up by an index: PostgreSQL refuses entries above 2,700 bytes."""
NAMES: Final = ("client_key", "annotator", "sample_id")
TEXTS: Final = (*NAMES, "label", "note", "supersedes", "assignment_id", "suggestion", "origin", "guidelines_hash",
                "imported_by", "model_id", "strategy", "contract_hash", "payload_hash")  # fmt: skip
INDEXED: Final = (*NAMES, "supersedes", "assignment_id")


def refuse_invalid(one: NewAnnotation | Annotation) -> None:
    """Raise AnnotationError, naming the field, when something cannot be an annotation of any project."""
    problem = next(_problems(one), None)
    if problem:
        # A name that cannot be written is shown by its code points.
        where = f"annotation {one.client_key!r} of sample {one.sample_id}".encode("utf-8", "backslashreplace").decode()
        raise AnnotationError(f"{where}: {problem}")


def trusted_time(said_at: datetime, now: datetime) -> tuple[datetime, datetime | None]:
    """When something was said as the ledger keeps it, and what the client's clock claimed where that is yet to come.

    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> trusted_time(noon.replace(year=2199), noon) == (noon, noon.replace(year=2199))
    True
    """
    if said_at.tzinfo is None or said_at > LATEST:
        return said_at, None  # no clock says this: it is refused
    return (now, said_at) if said_at > now + PATIENCE else (said_at, None)


def uncounted_reason(one: Annotation | Vote) -> str | None:
    """Why an annotation that is stored already cannot count; none where it can.

    New ones are refused; an older ledger may contain some, and they stay.
    """
    said_at: datetime | None = one.said_at  # an old row may contain an invalid time
    if said_at is None or said_at.tzinfo is None:
        return "its time has no zone"
    if not one.annotator.strip() or not one.sample_id.strip():
        return "it names no annotator" if not one.annotator.strip() else "it names no sample"
    return "it is an answer without a label" if one.act in ANSWERS and not one.label else None


def _problems(one: NewAnnotation | Annotation) -> Iterator[str]:
    """What is wrong with an annotation, the first thing first."""
    for name in NAMES:
        if not getattr(one, name).strip():
            yield f"{name} may not be empty"
    yield from _unkept(one)
    if one.act not in get_args(Act):
        yield f"{one.act!r} is not an act"
    if one.act in ANSWERS and not one.label:
        yield f"a {one.act} needs a label"
    if one.act not in ANSWERS and one.label is not None:
        yield f"a {one.act} carries no label, got {one.label!r}"
    if one.act == "withdraw" and one.supersedes is None:
        yield "a withdrawal names the annotation that it supersedes"
    yield from _untimely(one)
    yield from _odd_numbers(one)


def _unkept(one: NewAnnotation | Annotation) -> Iterator[str]:
    """Texts that a database cannot keep or find again."""
    for name in TEXTS:
        text = getattr(one, name, None) or ""
        if "\x00" in text:
            yield f"{name} holds the character NUL, which cannot be kept"
        if lone_surrogate(text) is not None:
            yield f"{name} holds half of a character (a lone surrogate), which cannot be kept"
        if name in INDEXED and len(text) > LONGEST_NAME:
            yield f"{name} has {len(text):,} characters, more than the {LONGEST_NAME} that are kept"
    if not _is_plain(one.payload):
        yield "the payload holds a value that cannot be kept (NaN, an infinity, or half of a character)"


def _untimely(one: NewAnnotation | Annotation) -> Iterator[str]:
    """Times that no clock says."""
    for name in ("said_at", "claimed_at", "recorded_at"):
        moment: datetime | None = getattr(one, name, None)
        if moment is None:
            continue
        if moment.tzinfo is None:
            yield f"{name} needs a time zone, got {moment.isoformat()}"
        elif not EARLIEST <= moment <= LATEST:
            yield f"{name}: no clock says {moment.isoformat()}; it must lie between 1970 and 2200"


def _odd_numbers(one: NewAnnotation | Annotation) -> Iterator[str]:
    """Numbers that are none, or that nobody can have measured."""
    if one.lead_ms is not None and not 0 <= one.lead_ms <= LONGEST_LEAD:
        yield f"lead_ms must lie between 0 and {LONGEST_LEAD:,}, got {one.lead_ms!r:.40}"
    for name in ("score", "probability"):
        number = getattr(one, name, None)
        if number is not None and not math.isfinite(number):
            yield f"{name} must be a finite number, got {number}"


def _is_plain(value: Any) -> bool:
    """Whether a JSON value can be written and read again as the same."""
    if isinstance(value, str):
        return lone_surrogate(value) is None
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(lone_surrogate(name) is None and _is_plain(part) for name, part in value.items())
    return not isinstance(value, list) or all(_is_plain(part) for part in value)
