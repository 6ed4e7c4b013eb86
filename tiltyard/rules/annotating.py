"""What an annotation must be before it is stored."""

from collections.abc import Mapping

import polars as pl

from schemas.canonical import sha256_of
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
    rows = zip(labeled["sample_id"], labeled[str(project.columns.label)], payloads_of(labeled, project), strict=True)
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
        if known.get(sample_id) != label
    ]


def check_annotation(new: NewAnnotation, project: Project) -> None:
    """Raise AnnotationError, naming the field, when an annotation does not fit its project."""
    where = f"annotation {new.client_key!r} of sample {new.sample_id}"
    if not new.client_key or not new.annotator:
        raise AnnotationError(f"{where}: client_key and annotator may not be empty")
    if new.act in ANSWERS and new.label not in project.class_names:
        raise AnnotationError(f"{where}: {new.label!r} is not a class; {nearest(str(new.label), project.class_names)}")
    if new.act not in ANSWERS and new.label is not None:
        raise AnnotationError(f"{where}: a {new.act} carries no label, got {new.label!r}")
    if new.act == "withdraw" and new.supersedes is None:
        raise AnnotationError(f"{where}: a withdrawal names the annotation that it supersedes")
    if new.said_at.tzinfo is None:
        raise AnnotationError(f"{where}: said_at needs a time zone, got {new.said_at.isoformat()}")


def refuse_another(known: Annotation | NewAnnotation, new: Annotation | NewAnnotation) -> None:
    """Raise AnnotationError when a known client key comes again with another content.

    A label that arrived with a row and arrives again with another object is the same: the first time stands.
    """
    said = [name for name in SUBMITTED if name != "said_at" or new.origin != "arrived"]
    changed = [name for name in said if getattr(known, name) != getattr(new, name)]
    if changed:
        raise AnnotationError(
            f"client key {new.client_key!r} was stored before with another {', '.join(changed)}; "
            "a correction is a new annotation with a key of its own that supersedes the first"
        )


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
