"""What the annotations of each sample amount to, whatever the order in which they arrived."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Literal

from schemas.records import Annotation, EffectiveLabel, SampleId, Voice

Rule = Literal["majority", "latest"]
Answer = Annotation | Voice
"""An annotation, or as much of it as counts here."""


def effective_labels(annotations: Iterable[Answer], rule: Rule = "majority") -> list[EffectiveLabel]:
    """One label per sample that has one, sorted by sample id.

    An annotation that another one supersedes does not count. An adjudication outranks every other answer.
    ``majority`` takes each annotator's latest answer and gives no label on a tie; ``latest`` takes the answer
    said last. Time is the annotator's own (``said_at``), ties broken by id, so arrival order never matters.
    """
    everything = list(annotations)
    superseded = {annotation.supersedes for annotation in everything}
    samples: dict[SampleId, list[Answer]] = defaultdict(list)
    evaluation = {annotation.sample_id for annotation in everything if annotation.purpose == "evaluation"}
    for annotation in everything:
        if annotation.annotation_id not in superseded and annotation.label is not None:
            samples[annotation.sample_id].append(annotation)
    decided = ((sample, _decide(answers, rule)) for sample, answers in sorted(samples.items()))
    return [_effective(sample, answers, sample in evaluation) for sample, answers in decided if answers]


def _decide(answers: list[Answer], rule: Rule) -> list[Answer]:
    """The answers that carry the sample's label, all of one label; none when they do not settle it."""
    rulings = [answer for answer in answers if answer.act == "adjudicate"]
    if rulings:
        return [_last(rulings)]
    return DECISIONS[rule](answers)


def _latest(answers: list[Answer]) -> list[Answer]:
    """The answer said last."""
    return [_last(answers)]


def _majority(answers: list[Answer]) -> list[Answer]:
    """The answers of the largest camp, one voice per annotator; none on a tie."""
    voices: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        voices[answer.annotator].append(answer)
    final = [_last(own) for own in voices.values()]
    counts = Counter(answer.label for answer in final).most_common(2)
    if len(counts) == 2 and counts[0][1] == counts[1][1]:
        return []
    return [answer for answer in final if answer.label == counts[0][0]]


DECISIONS: dict[Rule, Callable[[list[Answer]], list[Answer]]] = {"majority": _majority, "latest": _latest}


def _last(answers: list[Answer]) -> Answer:
    """The answer said last."""
    return max(answers, key=lambda answer: (answer.said_at, answer.annotation_id))


def _effective(sample: SampleId, answers: list[Answer], evaluation: bool) -> EffectiveLabel:
    """The record of one sample's label and the annotations that carry it."""
    ordered = sorted(answers, key=lambda answer: answer.annotation_id)
    label = ordered[0].label or ""
    return EffectiveLabel(sample, label, tuple(answer.annotation_id for answer in ordered), evaluation)
