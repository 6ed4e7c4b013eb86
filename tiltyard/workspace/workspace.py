"""The workspace: the stores of one project, opened together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tiltyard.ingest.inference.project_yaml import MOST_BYTES, decode_project_file, parse_yaml
from tiltyard.samples.schema_migration import migrate_rows
from tiltyard.schemas.errors import NotFound, ProjectFileError, SettingsError
from tiltyard.schemas.project import Project, parse_project
from tiltyard.schemas.records import Model, ProjectVersion, StoredFile
from tiltyard.schemas.settings import Settings
from tiltyard.stores.files import Files, FileStore, FolderObjects, ParquetStore, Pool
from tiltyard.stores.files.landing import LandedObjects, ObjectStore
from tiltyard.stores.files.skipped_objects import SkippedObjects
from tiltyard.stores.ledger.database.owner import claim_ledger
from tiltyard.stores.ledger.ledger import Ledger
from tiltyard.stores.registry.released_models import ReleasedModels
from tiltyard.stores.user_code.own_code import refresh
from tiltyard.training.estimators import named_types

if TYPE_CHECKING:
    from tiltyard.stores.files import FileCache
    from tiltyard.stores.registry.registry import Registry
    from tiltyard.workspace.models.scores import Scores

PROJECT_FILE = "project.yaml"
LABELED_COLUMNS = ("sample_id", "label", "annotations")
"""What a labeled set's file has beside the project's own columns."""
BUCKET = "s3://"
"""How a place begins that is a bucket, not a folder."""


_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)


def utc_now() -> datetime:
    """The current time in UTC, or the one that :func:`time_is` set."""
    return _moment.get() or datetime.now(UTC)


@contextmanager
def time_is(moment: datetime | None) -> Iterator[None]:
    """A context in which all workspaces take ``moment`` for the current time; None changes nothing.

    Steps open the workspace themselves, by the project's path, so that they cannot be given a clock one by one.
    Raises SettingsError for a moment without a time zone.
    """
    if moment is None:
        yield
        return
    if moment.tzinfo is None:
        raise SettingsError(f"now={moment.isoformat()} has no time zone; add one, for example tzinfo=UTC")
    before = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(before)


@dataclass(frozen=True)
class Workspace:
    """The stores of one project; each is opened when it is first used."""

    project: Project
    project_file: Path
    folder: Path
    settings: Settings
    clock: Callable[[], datetime] = utc_now

    @cached_property
    def contract_hash(self) -> str:
        """What decides over rows today: columns, limits and the Pandera model's source."""
        # It brings Pandera, whose import takes a second.
        from tiltyard.schemas.frames import contract_hash

        return contract_hash(self.project)

    @cached_property
    def source(self) -> ObjectStore:
        """Where producers put objects: what the settings say, else the project file."""
        place = _of_project(self.settings.source_url or self.project.source.folder, self.project)
        if not place.startswith(BUCKET):
            return FolderObjects(self.project_file.parent / place)
        # It brings boto3, whose import takes a quarter of a second.
        from tiltyard.stores.s3 import S3Objects, parse_bucket

        bucket, files_url = parse_bucket(place), self.settings.files_url
        if files_url and bucket.overlaps(parse_bucket(_of_project(files_url, self.project))):
            raise SettingsError(
                f"the source {bucket} and TILTYARD_FILES_URL overlap: our own files would be taken for objects; "
                "give each a prefix of its own"
            )
        return S3Objects(bucket)

    def files(self, kind: str) -> Files:
        """The place of one kind of immutable files: in the bucket that the settings name, else in the folder."""
        if self.settings.files_url is None:
            return FileStore(self.folder / kind)
        from tiltyard.stores.s3 import S3Files, parse_bucket

        return S3Files(parse_bucket(_of_project(self.settings.files_url, self.project)).below(kind), self.cache)

    @cached_property
    def cache(self) -> "FileCache":
        """Copies of what the files' bucket holds; all kinds share its room."""
        from tiltyard.stores.files import FileCache

        return FileCache(self.folder / "cache", self.settings.cache_mb * 1_000_000)

    @cached_property
    def landed(self) -> LandedObjects:
        """Our copies of all objects."""
        return LandedObjects(self.files("objects"))

    @cached_property
    def left(self) -> SkippedObjects:
        """Skipped objects of the source that were reported so far."""
        return SkippedObjects(self.files("left"))

    @cached_property
    def pool(self) -> Pool:
        """Accepted samples."""
        return Pool(ParquetStore(self.files("pool")), self.project)

    @cached_property
    def quarantine(self) -> ParquetStore:
        """Bad rows with their reasons."""
        return ParquetStore(self.files("quarantine"))

    @cached_property
    def labeled_sets(self) -> ParquetStore:
        """The rows and labels behind each training and each comparison."""
        return ParquetStore(self.files("labeled_sets"))

    @cached_property
    def predictions(self) -> ParquetStore:
        """Champions' predictions, a file per batch and model."""
        return ParquetStore(self.files("predictions"))

    @cached_property
    def scores(self) -> "Scores":
        """What models said of texts in the pool; copies on this machine, which may be deleted at any time."""
        from tiltyard.workspace.models.scores import Scores

        return Scores(self.folder / "scores")

    @cached_property
    def searches(self) -> Files:
        """What searches came to that a clock may have ended, a file per model."""
        return self.files("searches")

    @cached_property
    def let_go(self) -> ReleasedModels:
        """Models whose files were deleted on purpose."""
        return ReleasedModels(self.files("let_go"))

    @cached_property
    def ledger(self) -> Ledger:
        """The append-only record. Raises SettingsError when the settings give it the ledger of another project."""
        url = self.settings.ledger_url or f"sqlite:///{self.folder / 'ledger.db'}"
        ledger = Ledger(_of_project(url, self.project), self.files("segments"), self.project.name, self.files("heads"))
        place = self.settings.ledger_url or str(self.settings.workspace or "{project}")
        if not claim_ledger(ledger.database, self.project.name) and "{project}" not in place:
            setting = "TILTYARD_LEDGER_URL" if self.settings.ledger_url else "TILTYARD_WORKSPACE"
            raise SettingsError(
                f"{setting}: the ledger there is another project's, not {self.project.name!r}'s; put {{project}} into "
                "it, so that each project has its own (if you renamed the project, give it its former name)"
            )
        return ledger

    @cached_property
    def registry(self) -> "Registry":
        """Models and runs in MLflow."""
        # It brings pandas and scikit-learn, whose imports take seconds; who only looks does not need them.
        from tiltyard.stores.registry.registry import Registry

        uri = self.settings.mlflow_uri or f"sqlite:///{self.folder / 'mlflow.db'}"
        own = self._own_types()
        return Registry(uri, self.folder / "artifacts", self.project.name, own, self.files("uploads"))

    def _own_types(self) -> list[str]:
        """The types beyond our own list that a model of this project may hold: its candidates', and those it trusts."""
        return sorted({*named_types(self.project.candidates), *self.project.trusted})

    def pool_files(self, position: int | None = None) -> list[StoredFile]:
        """The files that make up the pool at a ledger position, today's when none is given."""
        return self.ledger.batches.pool_files(position)

    def labeled_rows(self, set_id: str, project: Project | None = None) -> pl.DataFrame:
        """The rows and labels of a labeled set, in the order of their sample ids, with the columns of today's project
        file or of another one."""
        rows = self.labeled_sets.read(self.ledger.models.get_set(set_id).file)
        return migrate_rows(rows, LABELED_COLUMNS, project or self.project)

    def load_model(self, model_id: str) -> Any:
        """A fitted model, as :meth:`fitted` gives it, by its id."""
        return self.fitted(self.ledger.models.get(model_id))

    def fitted(self, model: Model) -> Any:
        """A fitted model as it answers the project's rows, loaded only if its bytes are those that were recorded.

        One that was trained under a project file with other columns is given the columns of its time.
        """
        # It brings scikit-learn, as the registry does.
        from tiltyard.training.model_migration import with_numeric_bounds

        loaded = with_numeric_bounds(self._loaded(model))
        if model.project_hash == self.project.project_hash:
            return loaded
        from tiltyard.training.model_migration import adapt_model

        body = self.ledger.models.project_version(model.project_hash).body
        return adapt_model(loaded, body["columns"]["features"], self.project)

    def _loaded(self, model: Model) -> Any:
        """A model from its bytes; NotFound if they were deleted on purpose."""
        try:
            return self.registry.load(model)
        except NotFound as error:
            if model.model_id not in self.let_go.begun():
                raise
            raise NotFound(
                f"model {model.model_id[:8]} was rejected, and its file was deleted (models.keep_rejected); "
                f"'tiltyard rebuild {model.model_id[:8]}' fits it again"
            ) from error

    def refuse_other_kinds(self) -> None:
        """Raise ProjectFileError where a column's kind was changed to one that cannot hold what the pool has of it.

        Every step asks that writes rows, before it writes anything.
        """
        self.pool.refuse_other_kinds(self.pool_files())

    def show_champion(self) -> bool:
        """Make the registry's alias show the ledger's champion; whether it had shown another."""
        champion = self.ledger.champions.champion_id
        if champion is None:
            return False
        return self.registry.show_champion(self.ledger.models.get(champion))

    def sweep(self) -> int:
        """Remove temporary files that a crash left in any store; how many. Only when nobody else is at work."""
        parquet = (self.pool.parquet, self.quarantine, self.labeled_sets, self.predictions)
        return sum(
            files.sweep()
            for files in (
                self.landed.files,
                self.left.files,
                self.searches,
                self.scores.files,
                *(one.files for one in parquet),
            )
        )

    def remember_project(self, now: datetime) -> str:
        """Record the project file as it is now, once; returns its hash."""
        body = self.project.model_dump(mode="json")
        self.ledger.models.remember_project(ProjectVersion(self.project.project_hash, body, now))
        return self.project.project_hash


def open_workspace(project: str | Path, settings: Settings | None = None) -> Workspace:
    """The workspace of the project in a folder (or of a project file), opened once per process and version.

    Own modules whose source changed since this process read them are imported again from here on.
    Raises ProjectFileError when there is no such file or it breaks its contract.
    """
    path = find_project_file(Path(project))
    version = (path.stat().st_mtime_ns, path.stat().st_size)
    own = refresh(_project_in(path, *version))
    return _open(path, *version, settings or Settings(), tuple(own.modules.items()))


def find_project_file(path: Path) -> Path:
    """The project file that a path means; ProjectFileError when there is none."""
    found = path / PROJECT_FILE if path.is_dir() else path
    if not found.is_file():
        raise ProjectFileError(f"no project file at {str(found)!r}; make one with 'tiltyard init DATA'")
    return found.resolve()


def read_project(path: Path) -> Project:
    """The project that a YAML file describes; ProjectFileError says where it is wrong."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise ProjectFileError(f"{path.name}: cannot be read: {error.strerror}; give this user the right to") from error
    return parse_project(parse_yaml(decode_project_file(content, path.name), path.name), path.name)


@lru_cache(maxsize=64)
def _project_in(path: Path, _changed_ns: int, _size: int) -> Project:
    """A project per file and version of it."""
    return read_project(path)


@lru_cache(maxsize=64)
def _open(path: Path, changed_ns: int, size: int, settings: Settings, _own: tuple[tuple[str, str], ...]) -> Workspace:
    """A workspace per project file, version of it and of the user's own code; the stores open on first use."""
    project = _project_in(path, changed_ns, size)
    elsewhere = settings.workspace and Path(_of_project(str(settings.workspace), project))
    folder = elsewhere or path.parent / "workspace"
    folder.mkdir(parents=True, exist_ok=True)
    return Workspace(project, path, folder, settings)


def _of_project(place: str, project: Project) -> str:
    """A place in the settings with its ``{project}`` filled in, so that several projects have one each."""
    return place.replace("{project}", project.name)
