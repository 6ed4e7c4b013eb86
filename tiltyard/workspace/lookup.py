"""Look up a project's labels, models and versions in its ledger."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tiltyard.labels.current_classes import resolve_current_labels
from tiltyard.samples.features import json_payloads_to_rows
from tiltyard.schemas.errors import NotFound, ProjectFileError, nearest, the_one
from tiltyard.schemas.project import recorded_project
from tiltyard.schemas.records import EffectiveLabel, Model, ModelId, SampleId, Verdict
from tiltyard.training.versioning import ModelInputs, ModelVersion, assign_versions
from tiltyard.workspace.workspace import Workspace


def versions_of_all(workspace: Workspace) -> dict[ModelId, ModelVersion]:
    """The version of every model, by its id, first to last."""
    projects: dict[str, Mapping[str, Any]] = {}
    sets = {labeled.set_id: labeled for labeled in workspace.ledger.models.sets()}
    models = workspace.ledger.models.all()
    for model in models:
        if model.project_hash not in projects:
            projects[model.project_hash] = recorded_project_of(workspace, model)
    return assign_versions(
        ModelInputs(model, projects[model.project_hash], sets[model.training_id]) for model in models
    )


def version_of(workspace: Workspace, model_id: ModelId) -> ModelVersion:
    """The version of one model."""
    return versions_of_all(workspace)[model_id]


def find_verdict(workspace: Workspace, name: str) -> Verdict | None:
    """The verdict whose id begins so; none where no id does, NotFound where more than one does."""
    found = [one for one in workspace.ledger.champions.verdicts() if one.verdict_id.startswith(name)]
    return the_one(found, "verdict", name, "'tiltyard history' lists them") if found else None


def find_model(workspace: Workspace, name: str) -> Model:
    """The model that people mean: ``champion``, ``challenger`` (trained last), a version, or the beginning of an id.

    NotFound when there is none, or more than one.
    """
    ledger = workspace.ledger
    if name == "challenger" and (last := ledger.models.last()):
        return last
    if name == "champion" and (champion := ledger.champions.champion_id):
        return ledger.models.get(champion)
    if name in {"champion", "challenger"}:
        other = "'challenger' is the model trained last; " if ledger.models.last() else ""
        raise NotFound(f"there is no {name} yet; {other}'tiltyard status' says what to do next")
    if "." in name:
        numbers = {version.number: model_id for model_id, version in versions_of_all(workspace).items()}
        if name not in numbers:
            raise NotFound(f"no model has version {name!r}; {nearest(name, numbers)}")
        return ledger.models.get(numbers[name])
    return ledger.models.get(name)


def show_version(workspace: Workspace, model_id: ModelId) -> ModelVersion:
    """Tag a model's registered version in MLflow with its version and the reason; it may be repeated."""
    model, version = workspace.ledger.models.get(model_id), version_of(workspace, model_id)
    workspace.registry.tag(model.registry_version, "version", version.number)
    workspace.registry.tag(model.registry_version, "version_why", f"{version.step}: {version.why}")
    return version


def recorded_project_of(workspace: Workspace, model: Model) -> Mapping[str, Any]:
    """The project file that a model was made under, as JSON, with today's defaults for keys that came later.

    A key's default is what held before there was the key, so that a newer Tiltyard alone makes no new version.
    """
    body = workspace.ledger.models.project_version(model.project_hash).body
    try:
        return recorded_project(body).model_dump(mode="json")
    except ProjectFileError:  # a key that there is no more: it is compared as it was recorded
        return body


def current_labels(workspace: Workspace) -> list[EffectiveLabel]:
    """The effective labels of all annotations, under the project's current rule and classes."""
    return resolve_current_labels(workspace.ledger.annotations.voices(), workspace.project).labels


def labels_by_class(labels: Sequence[EffectiveLabel], names: Sequence[str]) -> list[dict[str, Any]]:
    """One row per class: effective labels to train on and to judge on."""
    return [
        {
            "class": name,
            "training": sum(label.label == name and not label.evaluation for label in labels),
            "evaluation": sum(label.label == name and label.evaluation for label in labels),
        }
        for name in names
    ]


SHORTEST = 4
"""Hex digits of an id that are enough to look for it."""


def find_sample(workspace: Workspace, name: str) -> tuple[SampleId, pl.DataFrame]:
    """The sample that an id's beginning means, and its own columns as one row.

    NotFound when there is none, or more than one.
    """
    if len(name) < SHORTEST:
        raise NotFound(f"{name!r} is too short to look for a sample by; give at least {SHORTEST} digits of its id")
    found = _pooled(workspace, name) or _annotated(workspace, name)
    sample_id, row = the_one([*found.items()], "sample", name, "'tiltyard diff' shows ids of samples")
    return SampleId(sample_id), row


def _pooled(workspace: Workspace, name: str) -> dict[str, pl.DataFrame]:
    """The pool's samples whose ids begin so; only files that hold one are read further."""
    found: dict[str, pl.DataFrame] = {}
    for file in workspace.pool_files():
        ids = workspace.pool.parquet.read(file, ["sample_id"])["sample_id"]
        if ids.str.starts_with(name).any():
            for chunk in workspace.pool.scan([file], workspace.settings.chunk_rows):
                rows = chunk.filter(pl.col("sample_id").str.starts_with(name))
                found |= {row["sample_id"].item(): row for row in rows.iter_slices(1)}
    return found


def _annotated(workspace: Workspace, name: str) -> dict[str, pl.DataFrame]:
    """The annotated samples whose ids begin so, from the annotations' own copies."""
    payloads = workspace.ledger.annotations.payloads().filter(pl.col("sample_id").str.starts_with(name))
    rows = json_payloads_to_rows(payloads["payload"], workspace.project)
    return dict(zip(payloads["sample_id"].to_list(), rows.iter_slices(1), strict=True))
