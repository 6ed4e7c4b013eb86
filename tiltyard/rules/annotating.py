"""What an annotation must be before it is stored."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from schemas.canonical import sha256_of
from schemas.class_names import is_same
from schemas.columns import inside
from schemas.errors import AnnotationError, nearest
from schemas.project import Project
from schemas.records import Annotation, AnnotationId, LandedObject, NewAnnotation, SampleId
from tiltyard.rules.features import payloads_of
from tiltyard.rules.identity import payload_hash

ANSWERS = frozenset({"label", "adjudicate"})
SUBMITTED = ("annotator", "act", "sample_id", "label", "note", "supersedes", "assignment_id", "origin", "said_at")
"""What an annotator says: a client key stands for one such content."""


def annotation_id(client_key: str) -> AnnotationId:
    """The id of the annotation that a client key stands for: the same key is the same annotation.

    >>> annotation_id("a") == annotation_id("a")
    True
    """
    return AnnotationId(sha256_of(f"annotation {client_key}")[:32])


def arrived_labels(
    labeled: pl.DataFrame, project: Project, landed: LandedObject, known: Mapping[SampleId, str]
) -> list[NewAnnotation]:
    """The labels that came with some rows, as annotations by the producer; those that say nothing new are left out.

    ``known`` is what the producer said last of samples before this object landed. Sent again after a crash they are
    the same annotations: the key is made of the sample and its label, and of the object where the label is another.
    """
    arrived = labeled[inside(str(project.columns.label))]
    said = {label: project.said(label) or label for label in arrived.unique()}
    rows = zip(labeled["sample_id"], [said[label] for label in arrived], payloads_of(labeled, project), strict=True)
    return [
        NewAnnotation(
            client_key=f"arrived {sample_id} {label}" + (f" {landed.object_id}" if sample_id in known else ""),
            annotator="producer",
            act="label",
            sample_id=SampleId(sample_id),
            payload=payload,
            said_at=landed.landed_at,
            label=label,
            origin="arrived",
        )
        for sample_id, label, payload in rows
        if not _is_known(known.get(SampleId(sample_id)), label, project)
    ]


def _is_known(before: str | None, label: str, project: Project) -> bool:
    """Whether the producer said the same of a sample last; a class under its former name is the same."""
    today = project.class_of(label)
    return before == label or (before is not None and today is not None and project.class_of(before) == today)


def check_annotation(new: NewAnnotation, project: Project) -> NewAnnotation:
    """The annotation with its label as the project file spells it; AnnotationError, naming the field, when it does not
    fit its project."""
    where = f"annotation {new.client_key!r} of sample {new.sample_id}"
    if not new.client_key or not new.annotator:
        raise AnnotationError(f"{where}: client_key and annotator may not be empty")
    label = project.said(new.label) if new.act in ANSWERS and new.label is not None else None
    if new.act in ANSWERS and label is None:
        raise AnnotationError(f"{where}: {new.label!r} is not a class; {nearest(str(new.label), project.class_names)}")
    if new.act not in ANSWERS and new.label is not None:
        raise AnnotationError(f"{where}: a {new.act} carries no label, got {new.label!r}")
    if new.act == "withdraw" and new.supersedes is None:
        raise AnnotationError(f"{where}: a withdrawal names the annotation that it supersedes")
    if new.said_at.tzinfo is None:
        raise AnnotationError(f"{where}: said_at needs a time zone, got {new.said_at.isoformat()}")
    return replace(new, label=label) if new.label != label else new


def refuse_another(known: Annotation | NewAnnotation, new: Annotation | NewAnnotation) -> None:
    """Raise AnnotationError when a known client key comes again with another content.

    A label that arrived with a row and arrives again with another object is the same: the first time stands.
    """
    said = [name for name in SUBMITTED if name != "said_at" or new.origin != "arrived"]
    changed = [name for name in said if not _is_as_said(name, getattr(known, name), getattr(new, name))]
    if changed:
        raise AnnotationError(
            f"client key {new.client_key!r} was stored before with another {', '.join(changed)}; "
            "a correction is a new annotation with a key of its own that supersedes the first"
        )


def _is_as_said(name: str, before: Any, now: Any) -> bool:
    """Whether a field says what it said; a class that is spelled otherwise is the same class."""
    if name == "label" and isinstance(before, str) and isinstance(now, str):
        return is_same(before, now)
    return bool(before == now)


def refuse_foreign(new: NewAnnotation, earlier: Annotation | NewAnnotation | None) -> None:
    """Raise AnnotationError when an annotation supersedes what is not its annotator's own word on the sample.

    ``earlier`` is what it names, none where that is not stored. An adjudication may supersede anybody's.
    """
    if new.supersedes is None:
        return
    where = f"annotation {new.client_key!r} supersedes {new.supersedes!r}"
    if earlier is None:
        raise AnnotationError(f"{where}, which is not stored")
    if earlier.sample_id != new.sample_id:
        raise AnnotationError(f"{where}, which is of another sample")
    if earlier.annotator != new.annotator and new.act != "adjudicate":
        raise AnnotationError(f"{where}, which another annotator said")


def refuse_tampered(fact: Annotation) -> None:
    """Raise AnnotationError when a stored annotation's payload or id is not the one that it was stored with."""
    if fact.payload_hash != payload_hash(fact.payload):
        raise AnnotationError(f"annotation {fact.client_key!r}: its payload is not the one that it was hashed from")
    if fact.annotation_id != annotation_id(fact.client_key):
        raise AnnotationError(f"annotation {fact.client_key!r}: its id does not belong to its client key")
