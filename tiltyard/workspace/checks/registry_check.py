"""Where MLflow says other than the ledger: its aliases, its versions and their tags. The ledger is what counts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.records import Model
from tiltyard.stores.registry.registry import CHAMPION, Listed
from tiltyard.workspace.workspace import Workspace

NOTHING = "nothing is loaded by it"


@dataclass(frozen=True, slots=True)
class Differences:
    """What MLflow says that is not so, and what is worth a word though nothing is wrong; a sentence each."""

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def differences(workspace: Workspace) -> Differences:
    """Compare MLflow's alias, versions and tags with the ledger. A project without a model asks no MLflow."""
    models = workspace.ledger.models.all()
    if not models:
        return Differences()
    try:
        aliases, listed = workspace.registry.aliases(), workspace.registry.listed()
    except TiltyardError as error:
        return Differences((f"MLflow could not be compared with the ledger: {error}",))
    wrong = [*_alias(workspace, aliases), *_missing(models, listed), *_forged(models, listed)]
    notes, strange = [], {model.registry_version for model in models}
    for number, one in listed.items():
        if number in strange or _claimed(models, one):
            continue
        if _is_ours(workspace, one):
            notes.append(f"MLflow lists version {number}, of a training that was cut off; {NOTHING}")
        else:
            wrong.append(f"MLflow lists version {number}, which is not of this project's making; {NOTHING}, remove it")
    return Differences(tuple(wrong), tuple(notes))


def _alias(workspace: Workspace, aliases: Mapping[str, str]) -> Iterator[str]:
    """The champion's alias, where it shows another version than the ledger's champion."""
    champion, shown = workspace.ledger.champions.champion_id, aliases.get(CHAMPION)
    true = workspace.ledger.models.get(champion).registry_version if champion else None
    if shown != true:
        yield (
            f"MLflow's alias {CHAMPION!r} shows {_version(shown)}, the ledger's champion is {_version(true)}; "
            "the ledger's is asked, and 'reconcile' or the next promotion corrects the alias"
        )


def _version(number: str | None) -> str:
    """A version in words."""
    return f"version {number}" if number else "none"


def _missing(models: list[Model], listed: Mapping[str, Listed]) -> Iterator[str]:
    """The ledger's models that MLflow does not list."""
    for model in models:
        if model.registry_version not in listed:
            yield f"MLflow does not list version {model.registry_version}, model {model.model_id[:8]} of the ledger"


def _forged(models: list[Model], listed: Mapping[str, Listed]) -> Iterator[str]:
    """The ledger's versions whose tags name another model or other bytes, and others that say they are its models."""
    by_version = {model.registry_version: model for model in models}
    by_id = {str(model.model_id): model for model in models}
    for one in listed.values():
        model = by_version.get(one.number)
        if model is not None:
            yield from _told_otherwise(model, one)
        elif claimed := by_id.get(one.tags.get("model_id", "")):
            yield (
                f"version {one.number} in MLflow says that it is model {claimed.model_id[:8]}, which the ledger has "
                f"as version {claimed.registry_version}; {NOTHING}, remove it from MLflow"
            )


def _told_otherwise(model: Model, one: Listed) -> Iterator[str]:
    """What a version's tags say of its model that the ledger does not."""
    for key, true in (("model_id", model.model_id), ("sha256", model.artifact.sha256)):
        if (said := one.tags.get(key, true)) != true:
            yield (
                f"version {one.number} in MLflow has {key} {said[:12]}, the ledger has {true[:12]} "
                f"(model {model.model_id[:8]}); the ledger's is loaded"
            )


def _claimed(models: list[Model], one: Listed) -> bool:
    """Whether a version claims to be a model of the ledger's."""
    return one.tags.get("model_id") in {model.model_id for model in models}


def _is_ours(workspace: Workspace, one: Listed) -> bool:
    """Whether a process of this project uploaded what a version shows."""
    uploads = workspace.registry.uploads.of(one.tags.get("model_id") or "nothing")
    return any(upload.run_id == one.run_id for upload in uploads)
