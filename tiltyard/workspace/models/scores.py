"""What models said of the pool's rows, kept so that nobody asks a model about the same text twice.

Weighing the words of a text takes longer than all that follows. The same rows are asked about by the same model again
and again: to choose, to score, to compare two models, to see whether successive ones agree. A sample's content never
changes under its id, and neither does a model's file under its hash; so an answer is kept by both, and by what decides
how rows reach the model. It is only a copy: the folder may be deleted at any time, and a damaged file is left out.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import polars as pl

from tiltyard.schemas.canonical import digest
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Model, StoredFile
from tiltyard.stores.files import FileStore, ParquetStore
from tiltyard.workspace.models.provenance import code_version

if TYPE_CHECKING:
    from tiltyard.evaluation.predictions import Predictions

MOST_CELLS: Final = 4_000_000
"""Probabilities that are kept of one model (32 MB); of a larger pool the rest is asked again."""
MOST_BYTES: Final = 200_000_000
"""What all files may weigh; those of the models that were asked longest ago go first."""
IN_MEMORY: Final = 3
"""Models whose answers stay in memory: as many as one verdict asks."""
ID, DECISION = "sample_id", "decision"


class HasScores(Protocol):
    """An open project, as far as stored predictions need it."""

    @property
    def project(self) -> Project:
        """The project file."""

    @property
    def scores(self) -> "Scores":
        """The stored predictions."""


def predictions_on(workspace: HasScores, model: Model, fitted: Callable[[], Any], rows: pl.DataFrame) -> "Predictions":
    """What a model says of some rows of the pool, with ``sample_id`` and the project's columns.

    ``fitted`` gives the model as ``workspace.fitted`` does; it is asked for only if a row is new. Models without texts
    are always asked: there looking up takes longer than answering.
    """
    # They import scikit-learn, which opening a workspace should not wait for.
    from tiltyard.evaluation.predictions import Predictions, predict_rows
    from tiltyard.samples.features import feature_frame

    project = workspace.project
    if not has_texts(project) or rows.is_empty():
        return predict_rows(fitted(), feature_frame(rows, project), project)
    book = workspace.scores.of(digest([model.artifact.sha256, project.project_hash, code_version()])[:32])
    found = book.looked_up(rows[ID])
    unknown = np.ones(rows.height, dtype=bool) if found is None else found[DECISION].is_null().to_numpy()
    if not unknown.any() and found is not None:
        return _read(found, project)
    new = predict_rows(fitted(), feature_frame(rows.filter(unknown), project), project)
    book.add(rows[ID].filter(pl.Series(unknown)), new)
    if found is None:
        return new
    known = _read(found.filter(~pl.Series(unknown)), project)
    probabilities = np.empty((rows.height, len(new.class_names)))
    probabilities[unknown], probabilities[~unknown] = new.probabilities, known.probabilities
    decisions = np.empty(rows.height, dtype=object)
    decisions[unknown], decisions[~unknown] = new.decisions, known.decisions
    return Predictions(probabilities, decisions.astype(str), new.class_names, new.positive)


def has_texts(project: Project) -> bool:
    """Whether models of a project read texts."""
    return any(column.kind == "text" for column in project.columns.features.values())


class Scores:
    """The answers of all models, a few files each."""

    def __init__(self, root: Path) -> None:
        """Keep answers in a folder on this machine."""
        self.files = FileStore(root)
        self._books: dict[str, Book] = {}
        self._opening = RLock()

    def of(self, name: str) -> "Book":
        """One model's answers; those of the models that were asked last stay in memory."""
        with self._opening:
            book = self._books.pop(name, None) or Book.read(name, self.files)
            self._books[name] = book
            for oldest in list(self._books)[:-IN_MEMORY]:
                del self._books[oldest]
            return book


@dataclass(slots=True)
class Book:
    """One model's answers: ``sample_id``, ``decision``, and a probability for each class, p0, p1, ..."""

    name: str
    files: FileStore
    rows: pl.DataFrame | None

    @classmethod
    def read(cls, name: str, files: FileStore) -> "Book":
        """What is kept of a model; a file that is not what was written is removed."""
        parts = [part for file in sorted(files.names()) if file.startswith(name) for part in _intact(file, files)]
        return cls(name, files, pl.concat(parts).unique(ID, keep="first") if parts else None)

    def looked_up(self, ids: pl.Series) -> pl.DataFrame | None:
        """The answers for some samples, in their order, null where there is none; None where nothing is known."""
        if self.rows is None:
            return None
        return ids.rename(ID).to_frame().join(self.rows, on=ID, how="left", maintain_order="left")

    def add(self, ids: pl.Series, new: "Predictions") -> None:
        """Keep what a model said of some samples, as far as there is room."""
        held = 0 if self.rows is None else self.rows.height
        room = min(len(ids), max(0, MOST_CELLS // len(new.class_names) - held))
        if not room:
            return
        columns = {f"p{number}": pl.Series(column[:room]) for number, column in enumerate(new.probabilities.T)}
        decided = pl.Series(new.decisions[:room].tolist(), dtype=pl.String)
        added = pl.DataFrame({ID: ids.head(room), DECISION: decided, **columns})
        self.rows = added if self.rows is None else pl.concat([self.rows, added]).unique(ID, keep="first")
        # Where nothing more can be written, what is not kept is asked again.
        with suppress(OSError):
            ParquetStore(self.files).keep(self.name, added)
            drop_oldest(self.files, self.name)


def drop_oldest(files: FileStore, asked_now: str, most_bytes: int = MOST_BYTES) -> int:
    """Remove the files of the models that were asked longest ago until the rest weighs no more; how many."""
    paths = [files.root / name for name in files.names()]
    states = sorted(((path.stat().st_mtime_ns, path.stat().st_size, path) for path in paths), reverse=True)
    weight, removed = 0, 0
    for _, size, path in states:
        weight += size
        if weight > most_bytes and not path.name.startswith(asked_now):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _read(found: pl.DataFrame, project: Project) -> "Predictions":
    """Kept answers as predictions."""
    from tiltyard.evaluation.predictions import Predictions

    names = tuple(project.class_names)
    probabilities = found.select(f"p{number}" for number in range(len(names))).to_numpy()
    decisions = np.array(found[DECISION].to_list(), dtype=np.str_)
    return Predictions(np.ascontiguousarray(probabilities), decisions, names, project.positive_class)


def _intact(name: str, files: FileStore) -> Iterator[pl.DataFrame]:
    """A file's rows if its bytes hash to its name; else it is removed."""
    path = files.root / name
    try:
        if not name.endswith(f"-{files.sha256(name)[:16]}.parquet"):
            raise ValueError(name)
        rows = ParquetStore(files).read(StoredFile(name, "", 0))
        os.utime(path)
    except Exception:  # any damage: it is only a cache
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return
    yield rows
