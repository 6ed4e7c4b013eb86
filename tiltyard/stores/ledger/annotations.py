"""Annotations: facts about samples, kept permanently and independent of any model."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeVar

import polars as pl
from sqlalchemy import ColumnElement, Row, exists, func, select, true

from tiltyard.labels.annotations import ARRIVED, mark_imported
from tiltyard.schemas.project import Labeling
from tiltyard.schemas.records import Act, Annotation, NewAnnotation, SampleId, Vote
from tiltyard.stores.ledger.annotation_writer import Circumstances, insert_annotations, restore_annotations
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database
from tiltyard.stores.ledger.database.records import SetAside, all_of, find, records, set_aside_in, voices_of

ANNOTATION = tables.annotation
LATER = ANNOTATION.alias("later")
ANSWERS: Final = ("label", "skip", "cant_tell")
LABELING: Final = Labeling()
CHUNK: Final = 2_000
"""Annotations stored at once: a statement holds no more parameters than SQLite takes."""

T = TypeVar("T")


class Annotations:
    """The part of the ledger that is never lost."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def submit(
        self,
        new: Iterable[NewAnnotation],
        *,
        contract_hash: str,
        now: datetime,
        marked: Iterable[SampleId] = (),
        labeling: Labeling = LABELING,
    ) -> list[Annotation]:
        """Store annotations and return them as kept; when this returns, they are on disk.

        A client key that is known gives the annotation stored first, so a client may send again until it is
        answered; a known key with another content is refused. ``marked`` names samples of the evaluation set
        among those that come without an assignment, and ``labeling`` says when a sample is given up or asked once
        more. All of the call's annotations are stored, or none.
        """
        circumstances = Circumstances(contract_hash, now, frozenset(marked), labeling)
        with self._database.writing() as connection:
            return [one for some in batched(new, CHUNK) for one in insert_annotations(connection, some, circumstances)]

    def take_over(self, known: Sequence[Annotation], *, imported_by: str, now: datetime) -> int:
        """Store annotations that a file brings whole, as :meth:`restore` does; how many were new.

        Who said what of which sample and why it was asked stays; that it came with a file, with whom and when is
        said by the ledger itself, so that nobody can slip in another's answer or one of long ago. Their order is
        kept, also among times that are yet to come.
        """
        return self.restore(mark_imported(known, imported_by, now))

    def restore(self, known: Iterable[Annotation]) -> int:
        """Store annotations as another ledger kept them, each with all that was known of it; how many were new.

        Only the position is assigned again, in the order of arrival. What is stored already stays; a client
        key or a payload that says otherwise than before is refused with AnnotationError, and then nothing is stored.
        """
        with self._database.writing() as connection:
            return sum(restore_annotations(connection, some) for some in batched(known, CHUNK))

    def until(self, position: int | None = None) -> list[Annotation]:
        """Every annotation up to a ledger position, in the ledger's order."""
        conditions = [] if position is None else [ANNOTATION.c.seq <= position]
        with self._database.reading() as connection:
            return all_of(connection, Annotation, *conditions)

    def voices(self, position: int | None = None) -> list[Vote]:
        """What decides over labels, of every annotation up to a ledger position: quick to read at any number."""
        return self._voices(true() if position is None else ANNOTATION.c.seq <= position)

    def arrived_before(self, moment: datetime) -> dict[SampleId, str]:
        """The label of each sample that came with data last, before a moment."""
        # By its key: what was restored from an export arrived as well, in another project.
        voices = self._voices(ANNOTATION.c.client_key.startswith(ARRIVED, autoescape=True))
        return {one.sample_id: one.label for one in voices if one.said_at < moment and one.label is not None}

    def shared_voices(self) -> list[Vote]:
        """What decides over the labels of samples that two annotators or more have answered."""
        two = func.count(func.distinct(ANNOTATION.c.annotator)) > 1
        answered = select(ANNOTATION.c.sample_id).where(ANNOTATION.c.label.is_not(None))
        return self._voices(ANNOTATION.c.sample_id.in_(answered.group_by(ANNOTATION.c.sample_id).having(two)))

    def contested_voices(self) -> list[Vote]:
        """What decides over the labels of samples of which two things or more were ever said."""
        two = func.count(func.distinct(ANNOTATION.c.label)) > 1
        answered = select(ANNOTATION.c.sample_id).where(ANNOTATION.c.label.is_not(None))
        return self._voices(ANNOTATION.c.sample_id.in_(answered.group_by(ANNOTATION.c.sample_id).having(two)))

    def set_aside(self) -> list[SetAside]:
        """The annotations that are stored and cannot count, as a ledger of before may hold them, each with why."""
        return list(set_aside_in(self._rows(true())))

    def _voices(self, *conditions: ColumnElement[bool]) -> list[Vote]:
        """The voices that fit the conditions, in the ledger's order; what cannot count is left out."""
        return list(voices_of(self._rows(*conditions)))

    def _rows(self, *conditions: ColumnElement[bool]) -> Sequence[Row[Any]]:
        """The rows behind voices."""
        statement = select(*(ANNOTATION.c[name] for name in Vote._fields)).where(*conditions)
        with self._database.reading() as connection:
            return connection.execute(statement.order_by(ANNOTATION.c.seq)).all()

    def payloads(self, position: int | None = None) -> pl.DataFrame:
        """One payload per annotated sample up to a ledger position, sorted by sample id.

        Columns: ``sample_id``, ``payload`` (JSON text) and ``payload_hash``. Should a sample have been
        annotated with two payloads, the one with the lower hash represents it, in any order of arrival.
        """
        until = true() if position is None else ANNOTATION.c.seq <= position
        columns = ("sample_id", "payload", "payload_hash")
        with self._database.reading() as connection:
            rows = connection.execute(select(*(ANNOTATION.c[name] for name in columns)).where(until)).all()
        frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
        return frame.sort("sample_id", "payload_hash").unique("sample_id", keep="first", maintain_order=True)

    def of_sample(self, sample_id: SampleId) -> list[Annotation]:
        """The history of one sample."""
        with self._database.reading() as connection:
            return all_of(connection, Annotation, ANNOTATION.c.sample_id == sample_id)

    def of_annotator(self, annotator: str, last: int) -> list[Annotation]:
        """An annotator's last annotations, newest first."""
        statement = select(ANNOTATION).where(ANNOTATION.c.annotator == annotator)
        with self._database.reading() as connection:
            return records(connection, Annotation, statement.order_by(ANNOTATION.c.seq.desc()).limit(last))

    def count(self, since: int = 0) -> int:
        """How many annotations were stored after a ledger position."""
        statement = select(func.count()).select_from(ANNOTATION).where(ANNOTATION.c.seq > since)
        with self._database.reading() as connection:
            return int(connection.scalar(statement) or 0)

    def after(self, position: int, limit: int, until: int | None = None) -> list[Annotation]:
        """The next annotations after a ledger position, at most ``limit``: none is missed by going on."""
        conditions = [ANNOTATION.c.seq > position] + ([] if until is None else [ANNOTATION.c.seq <= until])
        with self._database.reading() as connection:
            return all_of(connection, Annotation, *conditions, limit=limit)

    def by_client_key(self, client_key: str) -> Annotation | None:
        """The annotation that a client key stands for, if it was stored."""
        with self._database.reading() as connection:
            return find(connection, Annotation, ANNOTATION.c.client_key == client_key)

    def of_origin(self, origin: str) -> list[Annotation]:
        """Every annotation that came that way (``queue``, ``import``, ``label-studio`` ...), in the ledger's order."""
        with self._database.reading() as connection:
            return all_of(connection, Annotation, ANNOTATION.c.origin == origin)

    def keyed(self, beginning: str) -> list[Annotation]:
        """Every annotation whose client key begins so, in the ledger's order."""
        with self._database.reading() as connection:
            return all_of(connection, Annotation, ANNOTATION.c.client_key.startswith(beginning, autoescape=True))

    def last_of_act(self, act: Act, last: int) -> list[Annotation]:
        """The last annotations of one act, newest first."""
        statement = select(ANNOTATION).where(ANNOTATION.c.act == act).order_by(ANNOTATION.c.seq.desc()).limit(last)
        with self._database.reading() as connection:
            return records(connection, Annotation, statement)

    def standing_since(self, annotator: str, since: datetime) -> int:
        """How many answers an annotator has given since a moment that are not superseded; remarks do not count."""
        answers = (
            ANNOTATION.c.annotator == annotator,
            ANNOTATION.c.recorded_at >= since.isoformat(),
            ANNOTATION.c.act.in_(ANSWERS),
            ~exists().where(LATER.c.supersedes == ANNOTATION.c.annotation_id),
        )
        with self._database.reading() as connection:
            return int(connection.scalar(select(func.count()).select_from(ANNOTATION).where(*answers)) or 0)

    def per_day(self, since: datetime) -> list[tuple[str, str, str, int]]:
        """Day (UTC, as text), annotator, act and how many, since a moment, in that order."""
        day = func.substr(ANNOTATION.c.recorded_at, 1, 10)
        by = (day, ANNOTATION.c.annotator, ANNOTATION.c.act)
        statement = select(*by, func.count()).where(ANNOTATION.c.recorded_at >= since.isoformat())
        with self._database.reading() as connection:
            return [tuple(row) for row in connection.execute(statement.group_by(*by).order_by(*by))]


def batched(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """The things in lists of at most ``size``."""
    left = iter(things)
    while some := list(islice(left, size)):
        yield some
