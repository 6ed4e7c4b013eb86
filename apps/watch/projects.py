"""The watched projects: which of them an object belongs to, and whether its ledger has seen the object."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tiltyard.ingest.object_keys import is_batch
from tiltyard.schemas.arrivals import ArrivedObject
from tiltyard.schemas.errors import NotFound, SettingsError
from tiltyard.schemas.settings import Settings
from tiltyard.stores.s3 import S3Objects
from tiltyard.workspace.workspace import Workspace, open_workspace


@dataclass(frozen=True)
class WatchedProject:
    """One project whose bucket sends events, and the deployment that ingests its objects."""

    path: Path
    settings: Settings
    deployment_pattern: str

    @property
    def workspace(self) -> Workspace:
        """The project's stores; opened again when the project file has changed."""
        return open_workspace(self.path, self.settings)

    @property
    def deployment(self) -> str:
        """FLOW/DEPLOYMENT of the runs to create."""
        return self.deployment_pattern.replace("{project}", self.workspace.project.name)

    @property
    def source(self) -> S3Objects:
        """The bucket where its objects arrive; SettingsError when it is a folder, which sends no events."""
        workspace = self.workspace
        if not isinstance(workspace.source, S3Objects):
            raise SettingsError(
                f"project {workspace.project.name!r} reads its objects from {workspace.source.name!r}, and only a "
                "bucket sends messages; set source.folder: s3://BUCKET/PREFIX in the project file, or "
                "TILTYARD_SOURCE_URL, or use 'tiltyard run --watch'"
            )
        return workspace.source

    def key_of(self, arrived: ArrivedObject) -> str | None:
        """The object's key under the project's prefix; None when it is elsewhere."""
        return self.source.key_of(arrived.bucket, arrived.key)

    def is_batch(self, key: str) -> bool:
        """Whether a key matches the project file's pattern of batches."""
        return is_batch(key, self.workspace.project.source.pattern)

    def find_object(self, arrived: ArrivedObject, key: str) -> ArrivedObject:
        """The object as the bucket lists it, even if the message differs; NotFound when the object is missing.

        SettingsError when the bucket is missing.
        """
        try:
            found = self.source.find(key, arrived.version)
        except NotFound:
            self.source.is_versioned()  # raises for a missing bucket, which is not a fault of the message
            raise
        return ArrivedObject(
            bucket=arrived.bucket, key=arrived.key, version=found.version, etag=found.stamp, size=found.size
        )

    def has_seen(self, found: ArrivedObject, key: str) -> bool:
        """Whether the ledger has seen this object."""
        return self.workspace.ledger.batches.has_seen(self.source.name, key, found.version, found.etag)


def open_projects(paths: Sequence[Path], deployment_pattern: str) -> list[WatchedProject]:
    """The projects to watch, each opened once to find mistakes at the start.

    Raises SettingsError for a project without a bucket, or for two that would share a deployment.
    """
    settings = Settings()
    projects = [WatchedProject(path, settings, deployment_pattern) for path in paths]
    deployments = [project.deployment for project in projects if project.source]
    if len(set(deployments)) < len(deployments):
        shared = next(name for name in deployments if deployments.count(name) > 1)
        raise SettingsError(f"two projects share the deployment {shared!r}; put {{project}} into its name")
    return projects
