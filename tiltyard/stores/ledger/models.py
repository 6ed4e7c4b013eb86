"""Labeled sets and the models that came of them."""

from sqlalchemy import func, select

from tiltyard.schemas.errors import NotFound, the_one
from tiltyard.schemas.records import LabeledSet, Model, ModelId, ProjectVersion
from tiltyard.stores.ledger.database import tables
from tiltyard.stores.ledger.database.engine import Database
from tiltyard.stores.ledger.database.records import all_of, append, find, records

SET, MODEL, PROJECT = tables.labeled_set, tables.model, tables.project_version


class Models:
    """The part of the ledger about project versions, labeled sets and models."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def remember_project(self, version: ProjectVersion) -> None:
        """Record a version of the project file, once."""
        with self._database.writing() as connection:
            if find(connection, ProjectVersion, PROJECT.c.project_hash == version.project_hash) is None:
                append(connection, version)

    def project_version(self, project_hash: str) -> ProjectVersion:
        """The project file as it was under a hash; NotFound when it was never used here."""
        with self._database.reading() as connection:
            found = find(connection, ProjectVersion, PROJECT.c.project_hash == project_hash)
        if found is None:
            raise NotFound(f"no project file with hash {project_hash[:12]!r} was used here")
        return found

    def keep_set(self, labeled: LabeledSet) -> LabeledSet:
        """Record a labeled set, once."""
        with self._database.writing() as connection:
            known = find(connection, LabeledSet, SET.c.set_id == labeled.set_id)
            if known is None:
                append(connection, labeled)
            return known or labeled

    def known_set(self, set_id: str) -> LabeledSet | None:
        """One labeled set, if it was recorded."""
        with self._database.reading() as connection:
            return find(connection, LabeledSet, SET.c.set_id == set_id)

    def trained_until(self) -> int:
        """The ledger position of the last training set that a model came of; 0 before the first.

        Other sets do not count: a run that was killed while it fitted is still due.
        """
        learnt = select(func.max(SET.c.position)).join(MODEL, MODEL.c.training_id == SET.c.set_id)
        with self._database.reading() as connection:
            return int(connection.scalar(learnt) or 0)

    def get_set(self, set_id: str) -> LabeledSet:
        """One labeled set; NotFound when there is none."""
        found = self.known_set(set_id)
        if found is None:
            raise NotFound(f"no labeled set {set_id!r}")
        return found

    def sets(self) -> list[LabeledSet]:
        """All labeled sets, in the ledger's order."""
        with self._database.reading() as connection:
            return all_of(connection, LabeledSet)

    def rows_by_set(self) -> dict[str, int]:
        """How many rows each labeled set has, by its id."""
        return {labeled.set_id: labeled.rows for labeled in self.sets()}

    def keep(self, model: Model) -> Model:
        """Record a trained candidate, once."""
        with self._database.writing() as connection:
            known = find(connection, Model, MODEL.c.model_id == model.model_id)
            if known is None:
                append(connection, model)
            return known or model

    def known(self, model_id: ModelId) -> Model | None:
        """One model by its whole id, if it was recorded."""
        with self._database.reading() as connection:
            return find(connection, Model, MODEL.c.model_id == model_id)

    def get(self, model_id: str) -> Model:
        """One model by its id or an unambiguous beginning of it; NotFound otherwise."""
        with self._database.reading() as connection:
            found = all_of(connection, Model, MODEL.c.model_id.startswith(model_id, autoescape=True))
        return the_one(found, "model", model_id, "'tiltyard history' lists the models")

    def all(self) -> list[Model]:
        """All candidates ever trained, promoted or not, in the ledger's order."""
        with self._database.reading() as connection:
            return all_of(connection, Model)

    def last(self) -> Model | None:
        """The candidate trained last, if any."""
        statement = select(MODEL).order_by(MODEL.c.seq.desc()).limit(1)
        with self._database.reading() as connection:
            found = records(connection, Model, statement)
        return found[0] if found else None
