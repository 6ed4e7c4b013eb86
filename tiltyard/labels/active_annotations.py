"""What still stands of all that was said of each sample: corrections, withdrawals, skips and flags taken off."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final, TypeVar

from tiltyard.schemas.records import Annotation, SampleId, Vote

Answer = Annotation | Vote
"""An annotation, or as much of it as counts here."""

Kept = TypeVar("Kept", bound=Answer)

DELIVERED: Final = frozenset({"arrived", "import"})
"""Origins whose labels come many at a time: those of one moment were said in one breath, and none is the newest."""

OTHER_CLOCK: Final = "label-studio"
"""The origin whose answers have an order of their own, given by one server's clock, however late they come here."""


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

    Superseded and withdrawn labels, skips, flags, adjudications and answers to gold samples are left out, and so is
    who contradicts himself in one delivery: see :func:`contradictions_in`.
    """
    return answers_in(one for stand in standing(voices).values() for one in stand)


def answers_in(stand: Iterable[Kept]) -> dict[str, Kept]:
    """:func:`answers_of` for what is known to stand of one sample."""
    found = _by_annotator(stand)
    return {annotator: said[-1] for annotator, said in found.items() if len(said) == 1 or not _contradicts(said)}


def contradictions_in(stand: Iterable[Kept]) -> dict[str, list[Kept]]:
    """What each annotator last said in one delivery, where that is two things or more, of what stands of one sample.

    Which of them is right nobody knows, and no coin decides: they are a dispute.
    """
    found = _by_annotator(stand)
    return {who: _one_breath(said) for who, said in found.items() if len(said) > 1 and _contradicts(said)}


def gold_in(stand: Iterable[Kept]) -> dict[str, Kept]:
    """Each annotator's current answer where the sample was gold, by annotator, of what stands of one sample."""
    return _latest(one for one in stand if one.act == "label" and one.purpose == "gold")


def ruling_in(stand: Iterable[Kept]) -> Kept | None:
    """The adjudication stored last, of what stands of one sample; it decides, and is the truth that is known."""
    rulings = [one for one in stand if one.act == "adjudicate"]
    return last(rulings) if rulings else None


def counts(one: Answer) -> bool:
    """Whether what stands counts for its sample's label: all but the answers to gold samples do."""
    return one.act == "adjudicate" or one.purpose != "gold"


def last(answers: Iterable[Kept]) -> Kept:
    """The answer stored last: the ledger's order decides, whatever any client's clock says."""
    return in_order(answers)[-1]


def in_order(answers: Iterable[Kept]) -> list[Kept]:
    """Answers from first to last: as the ledger has them.

    Those of Label Studio keep that server's order among themselves, in the places that they have in the ledger: one
    that becomes visible late is not the newest for that.
    """
    ranked = sorted(answers, key=_place)
    places = [number for number, answer in enumerate(ranked) if answer.origin == OTHER_CLOCK]
    if len(places) > 1:
        theirs = sorted((ranked[number] for number in places), key=lambda one: (one.said_at, one.seq))
        for number, answer in zip(places, theirs, strict=True):
            ranked[number] = answer
    return ranked


def _place(answer: Answer) -> tuple[int, datetime, str]:
    """Where an answer stands; time and id tell apart what has no position yet."""
    return answer.seq, answer.said_at, answer.annotation_id


def _by_annotator(stand: Iterable[Kept]) -> dict[str, list[Kept]]:
    """What each annotator said that counts for the label, first to last, of what stands of one sample."""
    found: dict[str, list[Kept]] = defaultdict(list)
    for one in in_order(one for one in stand if one.act == "label" and one.purpose != "gold"):
        found[one.annotator].append(one)
    return found


def _one_breath(said: list[Kept]) -> list[Kept]:
    """What was said in the delivery of an annotator's last word, that word alone where it was not delivered."""
    newest = said[-1]
    if newest.origin not in DELIVERED:
        return [newest]
    return [one for one in said if one.origin == newest.origin and one.said_at == newest.said_at]


def _contradicts(said: list[Kept]) -> bool:
    """Whether an annotator's last delivery says two things."""
    return len({one.label for one in _one_breath(said)}) > 1


def _latest(voices: Iterable[Kept]) -> dict[str, Kept]:
    """The last voice of each annotator, by annotator."""
    return {one.annotator: one for one in in_order(voices)}
