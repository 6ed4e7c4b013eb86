"""Disputes: samples whose annotators disagree and that nobody has decided."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tiltyard.labels.active_annotations import (
    Answer,
    Kept,
    answers_in,
    answers_of,
    contradictions_in,
    ruling_in,
    standing,
)
from tiltyard.labels.effective_labels import Rule, effective
from tiltyard.schemas.records import SampleId, Vote


@dataclass(frozen=True, slots=True)
class Dispute:
    """A sample that waits for an adjudicator; ``answers`` are its labels with how many said so, sorted by label."""

    sample_id: SampleId
    answers: tuple[tuple[str, int], ...]
    annotators: frozenset[str]


def disputed(voices: Iterable[Answer], rule: Rule) -> list[Dispute]:
    """The samples on which two annotators or more differ, or one in one delivery, that were not adjudicated and have
    no effective label under the project's rule; sorted by sample id. Under ``latest`` annotators never differ.
    """
    samples = standing(voices)
    settled = {label.sample_id for label in effective(samples, set(), rule)}
    open_ones = ((sample, spoken(samples[sample])) for sample in sorted(samples) if sample not in settled)
    return [_dispute(sample, answers) for sample, answers in open_ones if len(_labels(answers)) > 1]


def spoken(stand: list[Kept]) -> list[Kept]:
    """Every answer that has a part in a sample's label or in its lack of one."""
    return [*answers_in(stand).values(), *(one for said in contradictions_in(stand).values() for one in said)]


def another_is_wanted(voices: Iterable[Vote], slots: int, most: int) -> bool:
    """Whether one more annotator is to be asked for a sample, given all that was said of it.

    So it is when all its ``slots`` (fewer than ``most``) are answered, nobody adjudicated, and the labels differ
    without one that has more than half of them. A skip or a "can't tell" answers a slot but is no label.
    """
    own = list(voices)
    labels = _labels(answers_of(own).values())
    split = len(labels) > 1 and 2 * max(labels.values()) <= labels.total()
    return split and _answered(own) >= slots and slots < most and not _ruled(own)


def _labels(answers: Iterable[Answer]) -> Counter[str]:
    """How many answers say each label."""
    return Counter(str(answer.label) for answer in answers)


def _answered(voices: list[Vote]) -> int:
    """How many annotators have an answer that stands: a label, a skip or a "can't tell"."""
    superseded = {voice.supersedes for voice in voices}
    answers = (voice for voice in voices if voice.act in {"label", "skip", "cant_tell"} and voice.purpose != "gold")
    return len({voice.annotator for voice in answers if voice.annotation_id not in superseded})


def _ruled(voices: list[Vote]) -> bool:
    """Whether an adjudicator decided."""
    return any(ruling_in(stand) for stand in standing(voices).values())


def _dispute(sample: SampleId, answers: list[Answer]) -> Dispute:
    """The record of one disputed sample."""
    return Dispute(sample, tuple(sorted(_labels(answers).items())), frozenset(one.annotator for one in answers))
