"""What still stands of all that was said of each sample: corrections, withdrawals, skips and flags taken off."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from schemas.records import Annotation, SampleId, Voice

Answer = Annotation | Voice
"""An annotation, or as much of it as counts here."""

Kept = TypeVar("Kept", bound=Answer)


def standing(annotations: Iterable[Kept]) -> dict[SampleId, list[Kept]]:
    """The labels and adjudications of each sample that no other annotation supersedes, in the order given.

    Answers to gold samples are among them. Samples with none are left out.
    """
    everything = list(annotations)
    superseded = {one.supersedes for one in everything}
    samples: dict[SampleId, list[Kept]] = defaultdict(list)
    for one in everything:
        if one.label is not None and one.annotation_id not in superseded and one.act in {"label", "adjudicate"}:
            samples[one.sample_id].append(one)
    return samples


def answers_of(voices: Iterable[Kept]) -> dict[str, Kept]:
    """Each annotator's current label of one sample, by annotator, given what was said of that sample.

    Superseded and withdrawn labels, skips, flags, adjudications and answers to gold samples are left out.
    """
    return answers_in(one for stand in standing(voices).values() for one in stand)


def answers_in(stand: Iterable[Kept]) -> dict[str, Kept]:
    """:func:`answers_of` for what is known to stand of one sample."""
    return _latest(one for one in stand if one.act == "label" and one.purpose != "gold")


def gold_in(stand: Iterable[Kept]) -> dict[str, Kept]:
    """Each annotator's current answer where the sample was gold, by annotator, of what stands of one sample."""
    return _latest(one for one in stand if one.act == "label" and one.purpose == "gold")


def ruling_in(stand: Iterable[Kept]) -> Kept | None:
    """The adjudication said last, of what stands of one sample; it decides, and is the truth that is known."""
    rulings = [one for one in stand if one.act == "adjudicate"]
    return last(rulings) if rulings else None


def counts(one: Answer) -> bool:
    """Whether what stands counts for its sample's label: all but the answers to gold samples do."""
    return one.act == "adjudicate" or one.purpose != "gold"


def last(answers: Iterable[Kept]) -> Kept:
    """The answer said last; of two said at once the one with the higher id, so arrival order never matters."""
    return max(answers, key=lambda answer: (answer.said_at, answer.annotation_id))


def _latest(voices: Iterable[Kept]) -> dict[str, Kept]:
    """The last voice of each annotator, by annotator."""
    found: dict[str, Kept] = {}
    for one in voices:
        earlier = found.get(one.annotator)
        found[one.annotator] = one if earlier is None else last((earlier, one))
    return found
