"""Whether an object has the columns that its project names, asked before any row is looked at."""

from collections import Counter

from schemas.errors import ObjectError, closest
from schemas.project import Project
from tiltyard.rules.raw_rows import RawRows

SHOWN_NAMES = 10


def check_structure(raw: RawRows, project: Project) -> None:
    """Refuse an object whose columns are not those of the project, with ObjectError naming each and what is near.

    A column may not stand twice, be missing, or (where ``columns.extra`` is ``refuse``) be unexpected. A label may
    be missing. In JSON a key that no row has is a missing column only where its cells may not be missing.
    """
    faults = [*_repeated(raw.header), *_missing(raw, project), *_unexpected(raw.header, project)]
    if faults:
        raise ObjectError(f"{'; '.join(faults)}. Mend 'columns' in the project file, or the producer's file")


def _repeated(header: tuple[str, ...]) -> list[str]:
    """The columns that stand twice."""
    twice = [name for name, count in Counter(header).items() if count > 1]
    return [f"columns that stand more than once: {_listed(twice)}"] if twice else []


def _missing(raw: RawRows, project: Project) -> list[str]:
    """The columns that the project names and the object lacks."""
    wanted = project.columns.all_names
    lacking = [name for name in wanted if name not in raw.header]
    if raw.written == "json" and len(raw.row) == 0:
        return []
    if raw.written == "json" and len(lacking) < len(wanted):
        lacking = [name for name in lacking if not _may_be_missing(name, project)]
    return [f"missing columns: {_listed(lacking)}{_delimiter_hint(raw, project)}"] if lacking else []


def _may_be_missing(name: str, project: Project) -> bool:
    """Whether every cell of a column may be missing."""
    declared = project.columns.features.get(name) or project.columns.context.get(name)
    return declared.missing if declared is not None else name in project.columns.reference


def _delimiter_hint(raw: RawRows, project: Project) -> str:
    """A guess for the person who reads the message: a header of one column that holds other delimiters."""
    if raw.written != "text" or len(raw.header) > 1:
        return ""
    others = [mark for mark in ",;\t|" if mark in raw.header[0] and mark != project.source.csv.delimiter]
    return f" (the header is one column; is source.csv.delimiter {others[0]!r}?)" if others else ""


def _unexpected(header: tuple[str, ...], project: Project) -> list[str]:
    """The columns that the project does not name, each with the nearest name."""
    if project.columns.extra == "ignore":
        return []
    known = [*project.columns.all_names, *([project.columns.label] if project.columns.label else [])]
    extra = [name for name in dict.fromkeys(header) if name not in set(known)]
    absent = [name for name in known if name not in header] or known
    if not extra:
        return []
    near = closest(extra[0], absent)
    meant = f"{extra[0]!r:.60}: did you mean {near!r:.200}?" if near else "'columns.extra: ignore' leaves them out"
    return [f"unexpected columns: {_listed(extra)} ({meant})"]


def _listed(names: list[str]) -> str:
    """Names in a row, the first few of many.

    >>> _listed(["a", "b"])
    "'a', 'b'"
    """
    shown = ", ".join(f"{name!r:.60}" for name in names[:SHOWN_NAMES])
    return shown if len(names) <= SHOWN_NAMES else f"{shown} and {len(names) - SHOWN_NAMES} more"
