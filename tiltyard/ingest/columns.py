"""Whether an object has the columns that its project names, asked before any row is looked at."""

from collections import Counter
from collections.abc import Sequence

from tiltyard.ingest.column_names import lookalike_form, quote_name
from tiltyard.ingest.raw_batch import RawBatch
from tiltyard.schemas.errors import ObjectError, closest
from tiltyard.schemas.project import Project

SHOWN_NAMES = 10


def check_columns(raw: RawBatch, project: Project) -> None:
    """Refuse an object whose columns are not those of the project, with ObjectError naming each and what is near.

    A column may not stand twice, be missing, or (where ``columns.extra`` is ``refuse``) be unexpected. A label may
    be missing. In JSON a key that no row has is a missing column only where its cells may not be missing.
    """
    faults = [*_repeated(raw.header, project), *_missing(raw, project), *_unexpected(raw.header, project)]
    if faults:
        raise ObjectError(f"{'; '.join(faults)}. Correct 'columns' in the project file, or the producer's file")


def _repeated(header: tuple[str, ...], project: Project) -> list[str]:
    """The columns that stand twice; those without a name may, where the project does not ask for them."""
    is_ignored = project.columns.extra == "ignore" and "" not in project.columns.all_names
    twice = [name for name, count in Counter(header).items() if count > 1 and (name or not is_ignored)]
    return [f"columns that stand more than once: {_listed(twice)}"] if twice else []


def _missing(raw: RawBatch, project: Project) -> list[str]:
    """The columns that the project names and the object lacks."""
    wanted = project.columns.all_names
    lacking = [name for name in wanted if name not in raw.header]
    if raw.written == "json" and len(raw.row) == 0:
        return []
    if raw.written == "json" and len(lacking) < len(wanted):
        lacking = [name for name in lacking if not _may_be_missing(name, project)]
    hint = _delimiter_hint(raw, project) or _twin_hint(raw, lacking, project)
    return [f"missing columns: {_listed(lacking)}{hint}"] if lacking else []


def _may_be_missing(name: str, project: Project) -> bool:
    """Whether every cell of a column may be missing."""
    declared = project.columns.features.get(name) or project.columns.context.get(name)
    return declared.missing if declared is not None else name in project.columns.reference


def _delimiter_hint(raw: RawBatch, project: Project) -> str:
    """A guess for the person who reads the message: a header of one column that holds other delimiters."""
    if raw.written != "text" or len(raw.header) > 1:
        return ""
    others = [mark for mark in ",;\t|" if mark in raw.header[0] and mark != project.source.csv.delimiter]
    return f" (the header is one column; is source.csv.delimiter {others[0]!r}?)" if others else ""


def ignored_columns(raw: RawBatch, project: Project) -> tuple[str, ...]:
    """The columns of an object that 'columns.extra: ignore' leaves out, in the object's order."""
    known = {*project.columns.all_names, project.columns.label}
    is_ignored = project.columns.extra == "ignore"
    return tuple(name for name in dict.fromkeys(raw.header) if is_ignored and name not in known)


def _twin_hint(raw: RawBatch, lacking: list[str], project: Project) -> str:
    """What of the columns that are left out looks or reads like the first one that is missing."""
    others = ignored_columns(raw, project)
    twin = (_alike(lacking[0], others) or closest(lacking[0], others)) if lacking else None
    return f" (the object has {quote_name(twin)})" if twin else ""


def _unexpected(header: tuple[str, ...], project: Project) -> list[str]:
    """The columns that the project does not name, each with the nearest name."""
    if project.columns.extra == "ignore":
        return []
    known = [*project.columns.all_names, *([project.columns.label] if project.columns.label else [])]
    extra = [name for name in dict.fromkeys(header) if name not in set(known)]
    absent = [name for name in known if name not in header] or known
    if not extra:
        return []
    near = _alike(extra[0], absent) or closest(extra[0], absent)
    meant = f"{extra[0]!r:.60}: did you mean {near!r:.200}?" if near else "'columns.extra: ignore' leaves them out"
    return [f"unexpected columns: {_listed(extra)} ({meant})"]


def _alike(name: str, known: Sequence[str]) -> str | None:
    """The known name that looks the same."""
    return next((other for other in known if lookalike_form(other) == lookalike_form(name)), None)


def _listed(names: list[str]) -> str:
    """Names separated by commas, at most the first few, with their look-alike letters named.

    >>> _listed(["a", "b"])
    "'a', 'b'"
    """
    shown = ", ".join(map(quote_name, names[:SHOWN_NAMES]))
    return shown if len(names) <= SHOWN_NAMES else f"{shown} and {len(names) - SHOWN_NAMES} more"
