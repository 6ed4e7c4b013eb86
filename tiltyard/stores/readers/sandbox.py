"""The parent's side of reading: start the child, wait no longer than allowed, take over what it left."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import polars as pl

from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, RawBatch, Written
from tiltyard.schemas.errors import ObjectError
from tiltyard.schemas.project import Project
from tiltyard.stores.readers.format_detection import WRITTEN, detect_format
from tiltyard.stores.readers.handover import Request

CHILD: Final = [sys.executable, "-P", "-m", "tiltyard.stores.readers.child"]
ENVIRONMENT: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "HOME")
"""What the child may see of the environment: a process that parses strangers' bytes gets no credentials."""


def read_object(path: Path, name: str, project: Project) -> RawBatch:
    """An object's rows as they arrived, read in a process of its own under the project's limits.

    ``path`` is where its bytes are, ``name`` its key, whose ending says the format where the project does not.
    Raises ObjectError, naming the object, when it cannot be read or its reader dies or takes too long.
    """
    format_name, compression = detect_format(name, project.source.format)
    with TemporaryDirectory(prefix="tiltyard-reading-") as folder:  # made with mode 0700
        request = _request(path, (format_name, compression), project, folder)
        answer = _answer(request, name)
        if "refused" in answer:
            raise ObjectError(f"{name!r}: {answer['refused']}")
        return _taken_over(Path(folder), answer, WRITTEN[format_name])


def _request(path: Path, form: tuple[str, str], project: Project, folder: str) -> Request:
    """What the child is asked to do."""
    limits, csv = project.limits, project.source.csv
    columns = [*project.columns.all_names, *([project.columns.label] if project.columns.label else [])]
    return Request(
        path=str(path),
        format=form[0],
        compression=form[1],
        columns=columns,
        only_columns=project.columns.extra == "ignore",
        delimiter=csv.delimiter,
        quote=csv.quote,
        escape=csv.escape,
        trim=csv.trim,
        max_bytes=limits.max_bytes,
        max_rows=limits.max_rows,
        max_columns=limits.max_columns,
        max_cells=limits.max_cells,
        max_line_bytes=limits.max_line_bytes,
        memory_mb=limits.reader_memory_mb,
        seconds=limits.reader_seconds,
        folder=folder,
    )


def _answer(request: Request, name: str) -> dict[str, Any]:
    """The child's answer; ObjectError when there is none."""
    environment = {key: os.environ[key] for key in ENVIRONMENT if key in os.environ}
    environment |= {"OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system", "PYTHONIOENCODING": "utf-8"}
    try:
        child = subprocess.run(  # noqa: S603  # our own module, no shell, no word of the object in the command
            CHILD,
            input=json.dumps(asdict(request)).encode(),
            capture_output=True,
            timeout=request.seconds,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ObjectError(
            f"{name!r}: its reader took longer than limits.reader_seconds, {request.seconds:g}"
        ) from error
    if child.returncode != 0:
        raise ObjectError(f"{name!r}: {_death(child.returncode, child.stderr, request)}")
    try:
        answer: dict[str, Any] = json.loads(child.stdout)
    except ValueError as error:
        raise ObjectError(f"{name!r}: its reader gave no answer but {child.stdout[:100]!r}") from error
    return answer


def _death(code: int, stderr: bytes, request: Request) -> str:
    """How the reader ended, as a sentence."""
    last = (stderr.decode("utf-8", "replace").strip().splitlines() or [""])[-1][:200]
    if code < 0:
        how = f"signal {-code}, {signal.strsignal(-code)}"
        allowed = f"{request.memory_mb} MB or {request.seconds:g} s"
        return f"the reader died ({how}); the object is damaged, or needs more than {allowed}"
    return f"the reader failed with exit code {code}: {last}"


def _taken_over(folder: Path, answer: dict[str, Any], written: Written) -> RawBatch:
    """The rows that the child left."""
    header = answer["header"]
    cells_file = folder / "cells.arrow"
    places = _frame(folder / "places.arrow")
    unreadable = _frame(folder / "unreadable.arrow").cast(QUARANTINE_TYPES)
    cells = _frame(cells_file) if cells_file.exists() else pl.DataFrame(schema=dict.fromkeys(header, pl.String))
    return RawBatch(tuple(header), cells, places["row"], places["line"], unreadable, written, answer["blank"])


def _frame(path: Path) -> pl.DataFrame:
    """An Arrow file as one frame; the file may go."""
    return pl.read_ipc(path).rechunk()
