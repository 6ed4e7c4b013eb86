"""The annotations of each sample that still apply: superseded ones, withdrawals, skips and flags are left out."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final, TypeVar

from tiltyard.schemas.records import Annotation, SampleId, Vote

AnyAnnotation = Annotation | Vote
"""An annotation, whole or reduced to the fields that decide over a label."""

AnnotationT = TypeVar("AnnotationT", bound=AnyAnnotation)

DELIVERED: Final = frozenset({"arrived", "import"})
"""Origins whose labels come many at a time: labels of one delivery have one time, and none of them is the newest."""

OTHER_CLOCK: Final = "label-studio"
"""The origin whose annotations keep their own order, given by one server's clock, however late they arrive."""


def active_annotations(annotations: Iterable[AnnotationT]) -> dict[SampleId, list[AnnotationT]]:
    """The labels and adjudications of each sample that no other annotation supersedes, in the order given.

    Answers to gold samples are included. Samples without any are left out.
    """
    everything = list(annotations)
    superseded = {one.supersedes for one in everything}
    samples: dict[SampleId, list[AnnotationT]] = defaultdict(list)
    for one in everything:
        if one.label is not None and one.annotation_id not in superseded and one.act in {"label", "adjudicate"}:
            samples[one.sample_id].append(one)
    return samples


def latest_labels(active: Iterable[AnnotationT]) -> dict[str, AnnotationT]:
    """Each annotator's latest label by annotator, given the active annotations of one sample.

    Adjudications and answers to gold samples are left out, and so are annotators who contradict themselves within one
    delivery: see :func:`contradictory_labels`.
    """
    found = _by_annotator(active)
    return {annotator: own[-1] for annotator, own in found.items() if len(own) == 1 or not _contradicts(own)}


def contradictory_labels(active: Iterable[AnnotationT]) -> dict[str, list[AnnotationT]]:
    """The latest delivery of each annotator who gave two labels or more in it, for the active annotations of a sample.

    Nobody knows which of them is right, and none is picked at random: they are a dispute.
    """
    found = _by_annotator(active)
    return {who: _last_delivery(own) for who, own in found.items() if len(own) > 1 and _contradicts(own)}


def latest_gold_answers(active: Iterable[AnnotationT]) -> dict[str, AnnotationT]:
    """Each annotator's latest answer to a gold sample by annotator, given the active annotations of that sample."""
    gold = (one for one in active if one.act == "label" and one.purpose == "gold")
    return {one.annotator: one for one in sort_annotations(gold)}


def latest_adjudication(active: Iterable[AnnotationT]) -> AnnotationT | None:
    """The adjudication stored last, given the active annotations of one sample; it decides the label."""
    adjudications = [one for one in active if one.act == "adjudicate"]
    return latest(adjudications) if adjudications else None


def is_vote(one: AnyAnnotation) -> bool:
    """Whether an active annotation counts for its sample's label: all do but answers to gold samples."""
    return one.act == "adjudicate" or one.purpose != "gold"


def latest(annotations: Iterable[AnnotationT]) -> AnnotationT:
    """The annotation stored last: the ledger's order decides, regardless of any client's clock."""
    return sort_annotations(annotations)[-1]


def sort_annotations(annotations: Iterable[AnnotationT]) -> list[AnnotationT]:
    """Annotations from first to last in the ledger's order.

    Those of Label Studio keep that server's order among themselves, at the positions that they have in the ledger: an
    annotation that becomes visible late is not the newest for that reason.
    """
    ranked = sorted(annotations, key=_position)
    places = [number for number, one in enumerate(ranked) if one.origin == OTHER_CLOCK]
    if len(places) > 1:
        theirs = sorted((ranked[number] for number in places), key=lambda one: (one.said_at, one.seq))
        for number, one in zip(places, theirs, strict=True):
            ranked[number] = one
    return ranked


def _position(annotation: AnyAnnotation) -> tuple[int, datetime, str]:
    """The ledger position of an annotation; time and id order those that have none yet."""
    return annotation.seq, annotation.said_at, annotation.annotation_id


def _by_annotator(active: Iterable[AnnotationT]) -> dict[str, list[AnnotationT]]:
    """The labels of each annotator that count for one sample, first to last."""
    found: dict[str, list[AnnotationT]] = defaultdict(list)
    for one in sort_annotations(one for one in active if one.act == "label" and one.purpose != "gold"):
        found[one.annotator].append(one)
    return found


def _last_delivery(own: list[AnnotationT]) -> list[AnnotationT]:
    """An annotator's labels that came with the newest one: those of its delivery, else the newest alone."""
    newest = own[-1]
    if newest.origin not in DELIVERED:
        return [newest]
    return [one for one in own if one.origin == newest.origin and one.said_at == newest.said_at]


def _contradicts(own: list[AnnotationT]) -> bool:
    """Whether an annotator's last delivery has two labels."""
    return len({one.label for one in _last_delivery(own)}) > 1
