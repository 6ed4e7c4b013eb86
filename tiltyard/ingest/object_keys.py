"""Which keys are batches, on disk and in a bucket alike: whole objects of data, no traces of the tools around them."""

from fnmatch import fnmatchcase
from typing import Final

UNFINISHED: Final = (
    *(".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".uploading", ".writing"),
    *(".inprogress", ".in-progress", ".incomplete", "._copying_", ".swp", "~"),
)
"""How names end while their object is under construction, in small letters."""

UNFINISHED_NAMES: Final = ("~$", "_tmp.", "_task_tmp.", "__magic", "_temporary-")
"""How such names begin."""

UNFINISHED_FOLDERS: Final = ("_temporary", "_tmp", "_inprogress")

MARKERS: Final = (
    *("_success", "_failure", "_metadata", "_common_metadata", "_spark_metadata", "_delta_log"),
    *("thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store", ".gitkeep", ".gitignore", ".keep", ".directory"),
    *("$recycle.bin", "system volume information", "lost+found", "__macosx"),
)
"""Lower-case names of files and folders that tools leave next to the data: they are never batches."""

MARKER_BEGINNINGS: Final = ("_committed_", "_started_")
FOLDER_MARK: Final = "_$folder$"


def is_marker(key: str) -> bool:
    """Whether a key is a mark that some tool leaves beside the data, or stands for a folder.

    >>> [is_marker(key) for key in ("days/_SUCCESS", "days_$folder$", "days/", "Thumbs.db", "success.csv")]
    [True, True, True, True, False]
    """
    parts = key.casefold().split("/")
    is_left = any(part in MARKERS or part.startswith(MARKER_BEGINNINGS) for part in parts)
    return is_left or key.endswith(("/", FOLDER_MARK)) or FOLDER_MARK in parts


def matches_pattern(key: str, pattern: str) -> bool:
    """Whether a key, or the one that it will have once it is whole, fits a shell pattern."""
    ending = next((end for end in UNFINISHED if key.casefold().endswith(end)), "")
    return fnmatchcase(key, pattern) or (ending != "" and fnmatchcase(key[: -len(ending)], pattern))


def skip_reason(key: str) -> tuple[str, str] | None:
    """What of a key keeps it from being a batch (the key, or the folder in it) and why; None where nothing does.

    >>> skip_reason("out/_temporary/0/part.csv")
    ('out/_temporary/', 'under construction')
    >>> skip_reason("days/.old.csv"), skip_reason("days/old.csv")
    (('days/.old.csv', 'hidden: its name begins with a dot'), None)
    """
    parts = key.split("/")
    for place, part in enumerate(parts):
        is_last = place == len(parts) - 1
        why = _why(part, is_last)
        if why:
            return "/".join(parts[: place + 1]) + ("" if is_last else "/"), why
    return None


def _why(part: str, is_last: bool) -> str:
    """What is wrong with one part of a key; empty where nothing is."""
    if not _is_utf8(part):
        return "its name is not UTF-8; rename it"
    if part.startswith("."):
        return "hidden: its name begins with a dot"
    small = part.casefold()
    unfinished = small in UNFINISHED_FOLDERS or small.startswith(UNFINISHED_NAMES) or small.endswith(UNFINISHED)
    # A folder may be called what it likes otherwise: 'until.tmp/' is known only by what is written into it.
    return "under construction" if unfinished and (is_last or not small.endswith("~")) else ""


def _is_utf8(text: str) -> bool:
    """Whether a name that the file system gave is text; what is not arrives with lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_batch(key: str, pattern: str) -> bool:
    """Whether an object is meant for the project: its key fits the pattern, and it is a whole object of data.

    >>> [is_batch(key, "*.csv") for key in ("days/1.csv", "1.txt", ".trash/1.csv")], is_batch("1.csv.part", "*")
    ([True, False, False], False)
    """
    return fnmatchcase(key, pattern) and not is_marker(key) and skip_reason(key) is None


def printable_key(key: str) -> str:
    """A key as text that can be written: bytes that are not UTF-8 as escapes.

    >>> printable_key("caf\\udce9.csv")
    'caf\\\\xe9.csv'
    """
    return key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
