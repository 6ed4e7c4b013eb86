"""The effective label of each sample, independent of the order in which its annotations arrived."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from tiltyard.labels.active_annotations import AnyAnnotation as Answer
from tiltyard.labels.active_annotations import (
    active_annotations,
    contradictory_labels,
    is_vote,
    latest,
    latest_adjudication,
    latest_labels,
)
from tiltyard.labels.dawid_skene import SAME, fit_weights
from tiltyard.schemas.records import EffectiveLabel, SampleId

Rule = Literal["majority", "latest", "adjudicated", "quality_weighted"]
Decide = Callable[[list[Answer]], list[Answer]]
"""The answers that carry a sample's label, all of one label; none when they do not settle it."""


def effective_labels(annotations: Iterable[Answer], rule: Rule = "majority") -> list[EffectiveLabel]:
    """One label per sample that has one, sorted by sample id.

    An annotation that another one supersedes does not count, nor does an answer to a gold sample. Each
    annotator has one voice, the latest. An adjudication outranks every answer; without one:

    - ``majority``: the label of the largest camp; none on a tie;
    - ``latest``: the label stored last;
    - ``adjudicated``: the label on which all are agreed; none as long as two differ;
    - ``quality_weighted``: the label with the most weight, each annotator weighing what
      :func:`tiltyard.labels.dawid_skene.annotator_weights` found; none on a tie.

    Last is what the ledger stored last: an annotator's own clock (``said_at``) is information and decides nothing.
    Who says two things of a sample in one delivery (a file, an object) has no voice on it until it is settled.
    """
    everything = list(annotations)
    evaluation = {annotation.sample_id for annotation in everything if annotation.purpose == "evaluation"}
    return resolve_labels(active_annotations(everything), evaluation, rule)


def resolve_labels(
    samples: Mapping[SampleId, list[Answer]], evaluation: set[SampleId], rule: Rule
) -> list[EffectiveLabel]:
    """:func:`effective_labels` of what stands of each sample; ``evaluation`` names the samples of that set."""
    decide = _decision(rule, samples)
    decided = ((sample, _carrying(samples[sample], decide)) for sample in sorted(samples))
    return [_effective(sample, answers, sample in evaluation) for sample, answers in decided if answers]


def _carrying(stand: list[Answer], decide: Decide) -> list[Answer]:
    """The answers that carry the label of one sample."""
    if len(stand) == 1:  # nearly all samples of most projects: worth its own line at 100,000 of them
        return stand if is_vote(stand[0]) else []
    ruling = latest_adjudication(stand)
    if ruling is not None:
        return [ruling]
    answers = list(latest_labels(stand).values())
    if decide is _unanimous and contradictory_labels(stand):
        return []
    return answers if len(answers) < 2 else decide(answers)


def _decision(rule: Rule, samples: Mapping[SampleId, list[Answer]]) -> Decide:
    """How the rule decides over two answers or more, one an annotator, that nobody adjudicated."""
    if rule == "quality_weighted":
        weights = fit_weights(samples)
        return lambda answers: _weightiest(answers, weights)
    return {"majority": _majority, "latest": _latest, "adjudicated": _unanimous}[rule]


def _latest(answers: list[Answer]) -> list[Answer]:
    """The answer stored last."""
    return [latest(answers)]


def _majority(answers: list[Answer]) -> list[Answer]:
    """The answers of the largest camp; none on a tie."""
    counts = Counter(answer.label for answer in answers).most_common(2)
    if len(counts) == 2 and counts[0][1] == counts[1][1]:
        return []
    return [answer for answer in answers if answer.label == counts[0][0]]


def _unanimous(answers: list[Answer]) -> list[Answer]:
    """All answers, if they say the same; else none."""
    return answers if len({answer.label for answer in answers}) == 1 else []


def _weightiest(answers: list[Answer], weights: Mapping[str, float]) -> list[Answer]:
    """The answers of the camp with the most weight; none when the second weighs the same.

    Sums are exactly rounded (``math.fsum``), so that they do not depend on the order of the voices.
    """
    camps: dict[str | None, list[float]] = {}
    for answer in answers:
        camps.setdefault(answer.label, []).append(weights[answer.annotator])
    ranked = sorted(((math.fsum(camp), label or "") for label, camp in camps.items()), reverse=True)
    if len(ranked) > 1 and ranked[0][0] - ranked[1][0] <= SAME:
        return []
    return [answer for answer in answers if answer.label == ranked[0][1]]


def _effective(sample: SampleId, answers: list[Answer], evaluation: bool) -> EffectiveLabel:
    """The record of one sample's label and the annotations that carry it."""
    carried = tuple(sorted(answer.annotation_id for answer in answers))
    return EffectiveLabel(sample, answers[0].label or "", carried, evaluation)
