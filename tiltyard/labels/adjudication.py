"""Disputes: samples whose annotators disagree and that no adjudicator has decided."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tiltyard.labels.active_annotations import (
    AnnotationT,
    AnyAnnotation,
    active_annotations,
    contradictory_labels,
    latest_adjudication,
    latest_labels,
)
from tiltyard.labels.effective_labels import Rule, resolve_labels
from tiltyard.schemas.records import SampleId, Vote


@dataclass(frozen=True, slots=True)
class Dispute:
    """A sample that waits for an adjudicator; ``answers`` has each label with its number of votes, sorted by label."""

    sample_id: SampleId
    answers: tuple[tuple[str, int], ...]
    annotators: frozenset[str]


def find_disputes(votes: Iterable[AnyAnnotation], rule: Rule) -> list[Dispute]:
    """The samples without an effective label under the project's rule although they have labels, sorted by sample id.

    Two annotators or more disagree on them, or one annotator within one delivery, and no adjudicator decided. Under
    ``latest`` annotators never disagree.
    """
    samples = active_annotations(votes)
    settled = {label.sample_id for label in resolve_labels(samples, set(), rule)}
    unsettled = ((sample, deciding_labels(samples[sample])) for sample in sorted(samples) if sample not in settled)
    return [_dispute(sample, labels) for sample, labels in unsettled if len(_count_labels(labels)) > 1]


def deciding_labels(active: list[AnnotationT]) -> list[AnnotationT]:
    """The active annotations of a sample that give it a label, or keep it from having one."""
    contradictions = (one for own in contradictory_labels(active).values() for one in own)
    return [*latest_labels(active).values(), *contradictions]


def needs_tiebreak(votes: Iterable[Vote], slots: int, most: int) -> bool:
    """Whether one more annotator must label a sample, given all its annotations.

    True when all ``slots`` (fewer than ``most``) are annotated, no adjudicator decided, and no label has more than
    half of the votes. A skip or a "can't tell" fills a slot but is not a label.
    """
    own = list(votes)
    active = [one for of_sample in active_annotations(own).values() for one in of_sample]
    labels = _count_labels(latest_labels(active).values())
    split = len(labels) > 1 and 2 * max(labels.values()) <= labels.total()
    return split and _filled_slots(own) >= slots and slots < most and latest_adjudication(active) is None


def _count_labels(annotations: Iterable[AnyAnnotation]) -> Counter[str]:
    """The number of votes for each label."""
    return Counter(str(one.label) for one in annotations)


def _filled_slots(votes: list[Vote]) -> int:
    """The number of annotators with an active label, skip or "can't tell"."""
    superseded = {vote.supersedes for vote in votes}
    answers = (vote for vote in votes if vote.act in {"label", "skip", "cant_tell"} and vote.purpose != "gold")
    return len({vote.annotator for vote in answers if vote.annotation_id not in superseded})


def _dispute(sample: SampleId, annotations: list[AnyAnnotation]) -> Dispute:
    """The record of one disputed sample."""
    answers = tuple(sorted(_count_labels(annotations).items()))
    return Dispute(sample, answers, frozenset(one.annotator for one in annotations))
