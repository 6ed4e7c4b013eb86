"""Rules for new annotations: ids, labels that arrive with data, classes, client keys and supersedes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from tiltyard.labels.admission import ANSWERS, refuse_invalid, trusted_time
from tiltyard.samples.features import rows_to_payloads
from tiltyard.samples.identity import payload_hash
from tiltyard.schemas.canonical import sha256_of
from tiltyard.schemas.errors import AnnotationError, nearest
from tiltyard.schemas.project import Project, inside
from tiltyard.schemas.project.class_names import is_same
from tiltyard.schemas.records import Annotation, AnnotationId, LandedObject, NewAnnotation, SampleId

ARRIVED = "arrived "
KEPT_KEYS = (ARRIVED, "label-studio ")
"""How the client keys begin that doors of our own make; nobody else can take one beforehand."""
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
    """The labels that came with some rows, as annotations by the producer; known ones are left out.

    ``known`` is what the producer said last of samples before this object landed. Sent again after a crash they are
    the same annotations: the key is made of the sample and its label, and of the object where the label is another.
    Where one object says two things of a sample, all of them are kept, said in one breath: none is the newest.
    """
    arrived = labeled[inside(str(project.columns.label))]
    said = {label: project.said(label) or label for label in arrived.unique()}
    rows = zip(
        labeled["sample_id"], [said[label] for label in arrived], rows_to_payloads(labeled, project), strict=True
    )
    twofold = find_contradictions(labeled["sample_id"], arrived, project)
    return [
        NewAnnotation(
            client_key=f"{ARRIVED}{sample_id} {label}" + (f" {landed.object_id}" if sample_id in known else ""),
            annotator="producer",
            act="label",
            sample_id=SampleId(sample_id),
            payload=payload,
            said_at=landed.landed_at,
            label=label,
            origin="arrived",
        )
        for sample_id, label, payload in rows
        if sample_id in twofold or not _is_known(known.get(SampleId(sample_id)), label, project)
    ]


def find_contradictions(samples: Iterable[str], labels: Iterable[str], project: Project) -> set[str]:
    """The samples of which one delivery names two classes or more."""
    said: dict[str, set[str]] = defaultdict(set)
    for sample, label in zip(samples, labels, strict=True):
        said[sample].add(project.class_of(label) or label)
    return {sample for sample, different in said.items() if len(different) > 1}


def _is_known(before: str | None, label: str, project: Project) -> bool:
    """Whether the producer said the same of a sample last; a class under its former name is the same."""
    today = project.class_of(label)
    return before == label or (before is not None and today is not None and project.class_of(before) == today)


def check_annotation(new: NewAnnotation, project: Project) -> NewAnnotation:
    """The annotation with its label as the project file spells it; AnnotationError, naming the field, when it does not
    fit its project."""
    refuse_invalid(new)
    refuse_unknown_label(new, project)
    label = project.said(new.label) if new.label is not None else None
    return replace(new, label=label) if new.label != label else new


def refuse_unknown_label(new: NewAnnotation | Annotation, project: Project) -> None:
    """Raise AnnotationError when a label is not a class of the project, by any current or earlier name."""
    if new.act in ANSWERS and project.said(str(new.label)) is None:
        hint = nearest(str(new.label), project.class_names)
        raise AnnotationError(
            f"annotation {new.client_key!r} of sample {new.sample_id}: {new.label!r} is not a class; {hint}"
        )


def refuse_changed_content(known: Annotation | NewAnnotation, new: Annotation | NewAnnotation) -> None:
    """Raise AnnotationError when a known client key comes again with another content.

    A label that arrived with a row and arrives again with another object is the same: the first time stands. So is
    what a file brought before it came by its own way, and what was said by a clock that was not believed.
    """
    aside = {"said_at"} if new.origin == "arrived" else set()
    aside |= {"origin"} if known.imported_by or new.imported_by else set()
    said = [name for name in SUBMITTED if name not in aside]
    changed = [name for name in said if not _is_as_said(name, _submitted(known, name), _submitted(new, name))]
    if changed:
        raise AnnotationError(
            f"client key {new.client_key!r} was stored before with another {', '.join(changed)}; "
            "a correction is a new annotation with a key of its own that supersedes the first"
        )


def _is_as_said(name: str, before: object, now: object) -> bool:
    """Whether a field says what it said; a class that is spelled otherwise is the same class."""
    if name == "label" and isinstance(before, str) and isinstance(now, str):
        return is_same(before, now)
    return bool(before == now)


def refuse_foreign_supersedes(new: NewAnnotation | Annotation, earlier: Annotation | NewAnnotation | None) -> None:
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


def _submitted(one: Annotation | NewAnnotation, name: str) -> object:
    """A field as it was submitted: a time that was not believed as it was claimed."""
    claimed = getattr(one, "claimed_at", None) if name == "said_at" else None
    return claimed or getattr(one, name)


def mark_imported(facts: Sequence[Annotation], imported_by: str, now: datetime) -> list[Annotation]:
    """Facts of an export as the ledger takes them: brought by whom, now, and with no time that is yet to come."""
    taken = []
    for left, fact in zip(range(len(facts), 0, -1), facts, strict=True):
        said_at, claimed = trusted_time(fact.said_at, now)
        if claimed:  # future times are replaced by distinct times, so that the file's order is kept
            said_at = now - timedelta(microseconds=left)
        claimed_at = claimed or fact.claimed_at
        fact = replace(fact, said_at=said_at, claimed_at=claimed_at, recorded_at=now)
        taken.append(replace(fact, origin="import", imported_by=imported_by))
    return taken


def refuse_reserved_keys(new: Annotation | NewAnnotation) -> None:
    """Raise AnnotationError when a file takes a client key that a door of our own will make for something else."""
    if not new.client_key.startswith(KEPT_KEYS):
        return
    arrived = new.annotator == "producer" and new.client_key.startswith(f"{ARRIVED}{new.sample_id} {new.label}")
    pulled = new.client_key.startswith(f"{new.origin} ") or new.imported_by
    if not (arrived if new.client_key.startswith(ARRIVED) else pulled):
        raise AnnotationError(f"client key {new.client_key!r} begins as only the project's own keys do; choose another")
