"""What this project uploaded to MLflow, noted in its own files: the only uploads that are taken up after a crash.

MLflow lists what anyone with access has written there. A note records which bytes our own process made, hashed and
sent, and where to; so nothing that MLflow says leads to bytes, or to an address, that we did not choose.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tiltyard.schemas.canonical import canonical_json
from tiltyard.schemas.errors import NotFound, RegistryError
from tiltyard.schemas.records import ModelId, StoredFile
from tiltyard.stores.files import Files
from tiltyard.stores.files.local import inside
from tiltyard.stores.registry.mlflow_model import MODEL_FILE

BY_MLFLOW = "mlflow-artifacts"
"""How an address begins that MLflow's own server answers, the one that the settings name."""
STORES = frozenset({"s3", "gs", "abfss", "wasbs"})
"""Stores that an MLflow server may name for its artefacts; each is reached by its own client and its own rights."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A model's upload: its MLflow run and logged model, and its file with the hash of the bytes made here."""

    run_id: str
    logged_id: str
    artifact: StoredFile


class Uploads:
    """The notes of a project's uploads; without a place for files they last as long as this object."""

    def __init__(self, files: Files | None) -> None:
        """Keep notes in a place of immutable files."""
        self._files = files
        self._here: dict[str, bytes] = {}

    def note(self, model_id: ModelId, upload: Upload) -> None:
        """Note an upload before its first byte is sent."""
        name, content = f"{model_id}-{upload.logged_id}.json", canonical_json(asdict(upload)).encode()
        if self._files is None:
            self._here[name] = content
        else:
            self._files.write(name, content)

    def of(self, model_id: str) -> list[Upload]:
        """The uploads that were begun for a model; one that a crash cut off is among them."""
        names = sorted(self._here) if self._files is None else self._files.names()
        return [self._read(name) for name in names if name.startswith(f"{model_id}-")]

    def _read(self, name: str) -> Upload:
        """One note."""
        said = json.loads(self._here[name] if self._files is None else self._files.read(name))
        return Upload(said["run_id"], said["logged_id"], StoredFile(**said["artifact"]))


def file_name(location: str, artifacts: Path | None) -> str:
    """What a model's file is called that MLflow would keep at a location.

    A name under our folder, so that the folder can be moved; else its address. RegistryError if that is not a place
    for models: nothing is sent there, and nothing fetched.
    """
    path = Path(location.removeprefix("file://"))
    if artifacts and path.is_relative_to(artifacts):
        return str(path.relative_to(artifacts) / MODEL_FILE)
    name = f"{location}/{MODEL_FILE}"
    return name if is_address(name) else str(path / MODEL_FILE)


def is_address(name: str) -> bool:
    """Whether a model file's name is an address outside this machine; RegistryError if it cannot be ours.

    >>> is_address("models/m-1/artifacts/model.skops"), is_address("mlflow-artifacts:/1/models/m-1/model.skops")
    (False, True)
    """
    parts = urlsplit(name)
    if not parts.scheme or (parts.scheme == "file" and not parts.netloc and Path(parts.path).name == MODEL_FILE):
        return False
    if (parts.scheme == BY_MLFLOW and not parts.netloc) or parts.scheme in STORES:
        return True
    raise RegistryError(
        f"model file {name!r}: models are kept in the project's own folder, by MLflow's server ({BY_MLFLOW}:/) or in "
        f"{', '.join(sorted(STORES))}; nothing is read from or written to this address"
    )


def local_path(name: str, artifacts: Path | None) -> Path:
    """The path of a model's file on this machine; NotFound for a name that leaves the folder, or for no model's file.

    A whole path is one of a time when the project lay elsewhere.
    """
    plain = name.removeprefix("file://")
    path = Path(plain)
    if not path.is_absolute():
        return inside((artifacts or Path()).resolve(), plain)
    if path.name != MODEL_FILE or ".." in path.parts:
        raise NotFound(f"{name!r} is not the name of a model's file")
    return path
