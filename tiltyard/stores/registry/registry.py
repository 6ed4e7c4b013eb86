"""The registry: every training as an MLflow run, every model as one artefact whose bytes are checked.

MLflow is an index that people look at, and nothing that it says is believed. What counts is the ledger: it holds the
SHA-256 that a model is loaded by, and the history of champions; the alias here only shows it and can be repaired at any
time. Until the ledger has a model, our own note of the upload takes its place.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import RLock
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

from tiltyard.schemas.canonical import canonical_json, sha256_of
from tiltyard.schemas.errors import NotFound, RegistryError
from tiltyard.schemas.records import Model, ModelId, StoredFile, Verdict
from tiltyard.stores.files import Files
from tiltyard.stores.registry.client import open_client, translate_errors
from tiltyard.stores.registry.mlflow_model import model_signature, write_model_folder
from tiltyard.stores.registry.runs import Training, metric_entities, training_run
from tiltyard.stores.registry.serialization import TRUSTED, dump_model, load_model
from tiltyard.stores.registry.uploads import Upload, Uploads, file_name, is_address, local_path
from tiltyard.training.estimators import types_of_recipe

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """Where a model is: its MLflow run, its version under the project's name, its file and what that hashes to."""

    run_id: str
    version: str
    artifact: StoredFile


@dataclass(frozen=True, slots=True)
class Listed:
    """A version as MLflow lists it: its number, its run and its tags, true or not."""

    number: str
    run_id: str
    tags: Mapping[str, str]


class Registry:
    """The runs and models of one project in MLflow; opened when it is first asked."""

    def __init__(
        self, uri: str, artifacts: Path | None, name: str, own_types: Iterable[str] = (), notes: Files | None = None
    ) -> None:
        """Name an MLflow: ``sqlite:///path`` or ``http://host``.

        ``artifacts`` is the folder for model files (None: wherever the server keeps them); ``own_types`` are
        the user's own classes that a model may contain, as ``module.Class``; ``notes`` is where uploads are noted.
        """
        self.uri, self.name, self.own_types = uri, name, tuple(own_types)
        self.uploads = Uploads(notes)
        self.artifacts = artifacts.resolve() if artifacts else None
        self._opening = RLock()

    @cached_property
    def client(self) -> Any:
        """MLflow's client; the project's name is registered when it is new."""
        with self._opening:
            client = open_client(self.uri)
            if not client.search_registered_models(f"name = '{self.name}'"):
                self._unless_there(lambda: client.create_registered_model(self.name))
            return client

    @cached_property
    def experiment_id(self) -> str:
        """The project's experiment; made when it is new."""
        with self._opening:
            location = str(self.artifacts) if self.artifacts else None
            if self.client.get_experiment_by_name(self.name) is None:
                self._unless_there(lambda: self.client.create_experiment(self.name, artifact_location=location))
            return str(self.client.get_experiment_by_name(self.name).experiment_id)

    def log_training(self, training: Training) -> RegisteredModel:
        """Keep a training's run, trials and model, and register the model as the project's next version.

        The same ``model_id`` again, after a crash or from a concurrent run, gives the first registration: the upload
        that was noted here before it began, if its bytes are those that were made then and answer like this fit. A
        model becomes a version only when its stored bytes hash right, load under our own trust list and answer the
        golden rows like the fitted model; RegistryError otherwise.
        """
        with translate_errors(f"log training {training.training_id[:8]}"):
            upload = self._taken_up(training) or self._log(training)
            version = self._version_of(upload) or self._create_version(training, upload)
        return RegisteredModel(upload.run_id, version, upload.artifact)

    def registered(self, model_id: str) -> RegisteredModel | None:
        """Where a model is that this project uploaded whole and made a version of, None where there is none."""
        for upload in self._whole_uploads(model_id):
            if version := self._version_of(upload):
                return RegisteredModel(upload.run_id, version, upload.artifact)
        return None

    def load(self, model: Model) -> Any:
        """A fitted model; RegistryError unless the bytes are those recorded and every type in them is trusted.

        Trusted are also the classes of the recipe that the ledger has of it: a candidate may leave the project file
        while its model is still champion.
        """
        content = self._read(model.artifact)
        try:
            return load_model(content, {*self.own_types, *types_of_recipe(model.recipe)})
        except RegistryError as error:
            raise RegistryError(f"model {model.model_id[:12]}: {error}") from error

    def check(self, model: Model) -> None:
        """Raise RegistryError (NotFound where it is missing) unless a model's bytes are those that were recorded."""
        self._read(model.artifact)

    def has_bytes(self, model: Model) -> bool:
        """Whether a model's file exists, with any content."""
        name = model.artifact.name
        if is_address(name):
            return self._size_elsewhere(self._store_of(name), name) is not None
        return local_path(name, self.artifacts).is_file()

    def let_go(self, model: Model) -> int:
        """Remove a model's bytes, and nothing else of it; how many they were, none where they are gone already."""
        name = model.artifact.name
        if is_address(name):
            return self._remove_elsewhere(name)
        path = local_path(name, self.artifacts)
        size = path.stat().st_size if path.is_file() else 0
        path.unlink(missing_ok=True)
        return size

    def size_of(self, model: Model) -> int:
        """The bytes of a model's artefact."""
        return len(self._read(model.artifact))

    def aliases(self) -> dict[str, str]:
        """Which version each alias shows."""
        with translate_errors("read the aliases"):
            return {alias: str(version) for alias, version in self._registered_model().aliases.items()}

    def set_alias(self, version: str, alias: str) -> None:
        """Make an alias show a version."""
        with translate_errors(f"set alias {alias!r} to version {version}"):
            self.client.set_registered_model_alias(self.name, alias, version)

    def show_champion(self, model: Model) -> bool:
        """Make the champion alias show this model; whether it had shown another."""
        if self.aliases().get(CHAMPION) == model.registry_version:
            return False
        self.set_alias(model.registry_version, CHAMPION)
        return True

    def tag(self, version: str, key: str, value: str) -> None:
        """Write a tag on a version."""
        with translate_errors(f"tag version {version}"):
            self.client.set_model_version_tag(self.name, version, key, value)

    def listed(self) -> dict[str, Listed]:
        """Every version that MLflow lists under the project's name, by its number, oldest first."""
        with translate_errors("read the versions"):
            found = self.client.search_model_versions(f"name = '{self.name}'", order_by=["version_number ASC"])
            return {str(one.version): Listed(str(one.version), one.run_id or "", dict(one.tags)) for one in found}

    def log_verdict(self, model: Model, verdict: Verdict) -> None:
        """Show a verdict with its numbers and checks on the challenger's run and version; it may be repeated."""
        facts = {**asdict(verdict), "recorded_at": verdict.recorded_at.isoformat()}
        with translate_errors(f"log verdict {verdict.verdict_id[:8]}"):
            self.client.log_batch(model.run_id, metrics=metric_entities(_verdict_metrics(verdict)))
            self.client.log_text(model.run_id, canonical_json(facts), f"verdict-{verdict.verdict_id[:12]}.json")
        self.tag(model.registry_version, "verdict", f"{verdict.decision}: {verdict.reason}"[:500])

    def keep_page(self, model: Model, name: str, page: str) -> str:
        """Keep a page of HTML with a model's run, in the place of an earlier one; where MLflow shows it.

        The address is empty where MLflow is a database that nobody serves.
        """
        with translate_errors(f"keep page {name!r}"):
            self.client.log_text(model.run_id, page, name)
        return self.address_of(model, name)

    def address_of(self, model: Model, name: str) -> str:
        """Where MLflow's own pages show a file of a model's run, without the password in our address; else empty."""
        parts = urlsplit(self.uri)
        if parts.scheme not in {"http", "https"}:
            return ""
        place = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
        path = f"experiments/{self.experiment_id}/runs/{model.run_id}/artifacts/{name}"
        return f"{parts.scheme}://{place}{parts.path.rstrip('/')}/#/{path}"

    def close_stale_runs(self) -> int:
        """End every run that looks alive as KILLED, and every model that is half uploaded as FAILED; how many.

        For after a crash, when no process of this project is at work.
        """
        with translate_errors("close stale runs"):
            experiments = [self.experiment_id]
            runs = self.client.search_runs(experiments, "attributes.status = 'RUNNING'")
            for run in runs:
                self.client.set_tag(run.info.run_id, "closed", "left open by a crash")
                self.client.set_terminated(run.info.run_id, status="KILLED")
            models = self.client.search_logged_models(experiments)
            pending = [model for model in models if str(model.status) == "PENDING"]
            for model in pending:
                self.client.finalize_logged_model(model.model_id, "FAILED")
            return len(runs) + len(pending)

    def _registered_model(self) -> Any:
        """The project's entry in MLflow's registry."""
        return self.client.get_registered_model(self.name)

    def _unless_there(self, make: Any) -> None:
        """Create something that a concurrent run may have created a moment ago."""
        from mlflow.exceptions import MlflowException

        try:
            make()
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _log(self, training: Training) -> Upload:
        """Log run, trials and model; what was uploaded."""
        content = dump_model(training.fitted.model)
        self._refuse_other_answers(load_model(content, self.own_types), training)
        with training_run(self.client, self.experiment_id, training) as run_id:
            logged = self.client.create_logged_model(self.experiment_id, name="model", source_run_id=run_id)
            name = file_name(logged.artifact_location, self.artifacts)
            upload = Upload(run_id, logged.model_id, StoredFile(name, sha256_of(content), training.rows))
            self.uploads.note(training.model_id, upload)
            self._upload(logged, run_id, content, training)
            self._read(upload.artifact)
            self.client.set_logged_model_tags(logged.model_id, _tags(training.model_id, upload.artifact))
            self.client.finalize_logged_model(logged.model_id, "READY")
            self._link(run_id, logged.model_id)
        return upload

    def _refuse_other_answers(self, stored: Any, training: Training) -> None:
        """Raise unless the model that came back from its bytes answers the golden rows like the fitted one."""
        fitted = training.fitted.model
        alike = np.array_equal(stored.predict_proba(training.golden), fitted.predict_proba(training.golden))
        if not alike or not np.array_equal(stored.predict(training.golden), fitted.predict(training.golden)):
            raise RegistryError(
                f"model {training.model_id[:12]} answers otherwise once it was stored; "
                "its estimator keeps something outside what scikit-learn and skops can see"
            )

    def _upload(self, logged: Any, run_id: str, content: bytes, training: Training) -> None:
        """Put the model's folder where MLflow keeps it."""
        from mlflow.models import Model as MlflowModel

        record = MlflowModel(run_id=run_id, model_id=logged.model_id, artifact_path=logged.artifact_location)
        record.signature = model_signature(training.golden, len(training.fitted.model.classes_))
        with TemporaryDirectory() as folder:
            write_model_folder(Path(folder), content, sorted({*TRUSTED, *self.own_types}), record)
            self.client.log_model_artifacts(logged.model_id, folder)

    def _link(self, run_id: str, logged_id: str) -> None:
        """Show the model as the run's output."""
        from mlflow.entities import LoggedModelOutput

        self.client.log_outputs(run_id, [LoggedModelOutput(logged_id, step=0)])

    def _taken_up(self, training: Training) -> Upload | None:
        """An upload of this model that an earlier attempt made whole; its answers are compared with this fit's."""
        for upload in self._whole_uploads(training.model_id):
            # Its bytes hash to what one of our processes wrote, so they may be loaded.
            self._refuse_other_answers(load_model(self._read(upload.artifact), self.own_types), training)
            return upload
        return None

    def _whole_uploads(self, model_id: str) -> list[Upload]:
        """A model's noted uploads that came to their end: finished in MLflow, and the bytes are those made here."""
        return [one for one in self.uploads.of(model_id) if self._is_whole(one.artifact) and self._is_ready(one)]

    def _is_ready(self, upload: Upload) -> bool:
        """Whether MLflow has an upload as finished."""
        from mlflow.exceptions import MlflowException

        try:
            return str(self.client.get_logged_model(upload.logged_id).status) == "READY"
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return False

    def _version_of(self, upload: Upload) -> str | None:
        """The first version that MLflow lists for an upload, None where there is none."""
        found = self.client.search_model_versions(f"name = '{self.name}' and run_id = '{upload.run_id}'")
        source = self._source_of(upload)
        numbers = [int(version.version) for version in found if version.source == source]
        return str(min(numbers)) if numbers else None

    def _source_of(self, upload: Upload) -> str:
        """What a version names as its source: on a database MLflow would resolve models:/ by its global address."""
        if self.uri.startswith("http"):
            return f"models:/{upload.logged_id}"
        return str(self.client.get_logged_model(upload.logged_id).artifact_location)

    def _create_version(self, training: Training, upload: Upload) -> str:
        """Register an upload as the project's next version, with all that names it in one transaction; its number."""
        tags = {**training.tags, **_tags(training.model_id, upload.artifact), "training_id": training.training_id}
        made = self.client.create_model_version(
            self.name,
            self._source_of(upload),
            run_id=upload.run_id,
            tags=tags,
            model_id=upload.logged_id,
            await_creation_for=0,
        )
        return str(made.version)

    def _is_whole(self, artifact: StoredFile) -> bool:
        """Whether a file's bytes are there and hash right."""
        try:
            self._read(artifact)
        except (RegistryError, NotFound):
            return False
        return True

    def _read(self, artifact: StoredFile) -> bytes:
        """A model file's bytes; RegistryError unless they hash to what was recorded."""
        content = self._fetched(artifact.name) if is_address(artifact.name) else self._local(artifact.name)
        if sha256_of(content) != artifact.sha256:
            raise RegistryError(f"model file {artifact.name!r} is not what was recorded; restore it from a backup")
        return content

    def _local(self, name: str) -> bytes:
        """The bytes of a file in our folder, made to survive a power cut."""
        path = local_path(name, self.artifacts)
        if not path.is_file():
            raise NotFound(f"model file {name!r} is missing; restore it from a backup or rebuild the model")
        with path.open("rb") as stream:
            content = stream.read()
            os.fsync(stream.fileno())
        return content

    def _fetched(self, address: str) -> bytes:
        """The bytes of a file that MLflow keeps elsewhere; NotFound where it lists none."""
        with translate_errors(f"fetch {address!r}"), TemporaryDirectory() as folder:
            from mlflow.artifacts import download_artifacts

            if self._size_elsewhere(self._store_of(address), address) is None:
                raise NotFound(f"model file {address!r} is missing; restore it from a backup or rebuild the model")
            path = download_artifacts(artifact_uri=address, dst_path=folder, tracking_uri=self.uri)
            return Path(path).read_bytes()

    def _remove_elsewhere(self, address: str) -> int:
        """Remove a file that MLflow keeps elsewhere; how many bytes it had."""
        with translate_errors(f"remove {address!r}"):
            store = self._store_of(address)
            size = self._size_elsewhere(store, address)
            if size is not None:
                store.delete_artifacts(address.rpartition("/")[2])
            return size or 0

    def _store_of(self, address: str) -> Any:
        """MLflow's client for the folder of an address."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        return get_artifact_repository(address.rpartition("/")[0], tracking_uri=self.uri)

    def _size_elsewhere(self, store: Any, address: str) -> int | None:
        """The size of a file as its store lists it, None where it does not."""
        name = address.rpartition("/")[2]
        with translate_errors(f"look for {address!r}"):
            sizes = {Path(one.path).name: int(one.file_size or 0) for one in store.list_artifacts()}
        return sizes.get(name)


def _tags(model_id: ModelId, artifact: StoredFile) -> dict[str, str]:
    """What finds a stored model again."""
    return {"model_id": model_id, "artifact": artifact.name, "sha256": artifact.sha256, "rows": str(artifact.rows)}


def _verdict_metrics(verdict: Verdict) -> dict[str, float]:
    """The numbers of a verdict by name: value and bounds of challenger, champion and gain."""
    intervals = {"challenger": verdict.challenger, "champion": verdict.champion, "gain": verdict.gain}
    return {
        f"gate_{name}_{part}": value
        for name, interval in intervals.items()
        if interval is not None
        for part, value in asdict(interval).items()
    }
