"""How much each annotator's voice weighs, learnt from where annotators agree and from what adjudicators decided."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.labels.active_annotations import (
    AnyAnnotation,
    active_annotations,
    latest_adjudication,
    latest_gold_answers,
    latest_labels,
)
from tiltyard.schemas.records import SampleId

PRIOR_RIGHT: Final = 8.0
PRIOR_WRONG: Final = 2.0
"""A newcomer counts as if eight of ten earlier answers had been right: Beta(8, 2). Three answers move that little."""

LIGHTEST: Final = 0.01
"""The weight of an annotator who is no better than chance: a voice still outweighs silence."""

SAME: Final = 1e-6
"""Weights and accuracies that differ by less count as equal; the last bits of a sum must not decide."""

MOST_ROUNDS: Final = 50

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Samples = Mapping[SampleId, list[AnyAnnotation]]


@dataclass(frozen=True, slots=True)
class VoteTable:
    """Answers as numbers, sorted by sample and annotator: n answers, p distinct pairs of sample and label.

    ``annotator`` and ``pair`` (n,) number each answer's annotator and pair; ``sample`` (p,) is the pair's sample;
    ``settled`` (p,) is 1 or 0 where an adjudicator said that this label is right or wrong, NaN where nobody did.
    """

    annotator: Places
    pair: Places
    sample: Places
    settled: Floats
    annotators: int
    classes: int


def annotator_weights(annotations: Iterable[AnyAnnotation]) -> dict[str, float]:
    """The weight of each annotator who gave a label, by name, sorted.

    ``log(a * (K - 1) / (1 - a))`` for the accuracy ``a`` of :func:`annotator_accuracies` among K classes: the
    weight that makes a weighted vote the most probable label when errors are independent and even (Nitzan and
    Paroush 1982). Never under ``LIGHTEST``.
    """
    return fit_weights(active_annotations(annotations))


def fit_weights(samples: Samples) -> dict[str, float]:
    """:func:`annotator_weights` of what stands of each sample."""
    votes, names = _votes(samples)
    weights = np.maximum(_log_odds(_fitted(votes), votes.classes), LIGHTEST)
    return dict(zip(names, weights.tolist(), strict=True))


def annotator_accuracies(annotations: Iterable[AnyAnnotation]) -> dict[str, float]:
    """How often each annotator is right, in (0, 1), by name, sorted.

    By expectation maximisation (Dawid and Skene 1979, with one accuracy a person) with a Beta(8, 2) prior.
    Answers to gold samples take part. Where an adjudicator decided, the truth is known and even one answer
    informs, the adjudicator's own apart; else only samples with two annotators or more do. Two annotators who
    differ cannot be distinguished without a third or an adjudication: they come out equal.
    """
    votes, names = _votes(active_annotations(annotations))
    return dict(zip(names, _fitted(votes).tolist(), strict=True))


def _fitted(votes: VoteTable) -> Floats:
    """The accuracy of each annotator, once another round would change none."""
    accuracies = np.full(votes.annotators, PRIOR_RIGHT / (PRIOR_RIGHT + PRIOR_WRONG))
    for _ in range(MOST_ROUNDS):
        before, accuracies = accuracies, _accuracies(votes, _beliefs(votes, accuracies))
        if np.allclose(before, accuracies, rtol=0, atol=SAME):
            break
    return accuracies


def _beliefs(votes: VoteTable, accuracies: Floats) -> Floats:
    """The probability that the label of each pair is its sample's true label (p,): the E step, even class prior."""
    support = np.bincount(votes.pair, _log_odds(accuracies, votes.classes)[votes.annotator], len(votes.sample))
    samples = int(votes.sample.max(initial=-1)) + 1
    highest = np.zeros(samples)  # zero is the support of a label that nobody gave
    np.maximum.at(highest, votes.sample, support)
    likelihood = np.exp(support - highest[votes.sample])
    silent = votes.classes - np.bincount(votes.sample, minlength=samples)
    total = np.bincount(votes.sample, likelihood, samples) + silent * np.exp(-highest)
    return np.where(np.isnan(votes.settled), likelihood / total[votes.sample], votes.settled)


def _accuracies(votes: VoteTable, beliefs: Floats) -> Floats:
    """The accuracy of each annotator under these beliefs and the prior: the M step.

    Rounded, so that noise in the last bits of a sum does not grow from round to round.
    """
    right = np.bincount(votes.annotator, beliefs[votes.pair], votes.annotators) + PRIOR_RIGHT
    answers = np.bincount(votes.annotator, minlength=votes.annotators) + PRIOR_RIGHT + PRIOR_WRONG
    return np.asarray(np.round(right / answers, 9), dtype=np.float64)


def _log_odds(accuracies: Floats, classes: int) -> Floats:
    """What a voice of each accuracy adds to the evidence for its label against each other one."""
    return np.asarray(np.log(accuracies * (classes - 1) / (1 - accuracies)))


def _votes(samples: Samples) -> tuple[VoteTable, list[str]]:
    """The answers of the samples that inform, as numbers, and the names of the annotators in their order."""
    everybody = sorted({one.annotator for stand in samples.values() for one in stand if one.act == "label"})
    place = {name: number for number, name in enumerate(everybody)}
    answers: list[tuple[int, int]] = []
    pairs: list[tuple[int, float]] = []
    informing = [known for _, stand in sorted(samples.items()) if (known := _informing(stand))]
    for sample, (labels, truth) in enumerate(informing):
        numbers = {label: len(pairs) + number for number, label in enumerate(sorted(set(labels.values())))}
        answers += [(place[name], numbers[label]) for name, label in labels.items()]
        pairs += [(sample, math.nan if truth is None else float(label == truth)) for label in numbers]
    classes = max(2, len({label for labels, truth in informing for label in (*labels.values(), truth)} - {None}))
    own = np.array(answers, dtype=np.intp).reshape(-1, 2)
    said = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    votes = VoteTable(own[:, 0], own[:, 1], said[:, 0].astype(np.intp), said[:, 1], len(everybody), classes)
    return votes, everybody


def _informing(stand: list[AnyAnnotation]) -> tuple[dict[str, str], str | None] | None:
    """The labels of one sample by annotator and the truth where it is known; none if they tell nothing.

    An adjudicator's own label proves nothing about the adjudicator.
    """
    if len(stand) < 2:
        return None
    ruling = latest_adjudication(stand)
    answers = {**latest_gold_answers(stand), **latest_labels(stand)}
    if ruling is not None:
        answers.pop(ruling.annotator, None)
    if not answers or (len(answers) < 2 and ruling is None):
        return None
    return {name: str(answers[name].label) for name in sorted(answers)}, ruling.label if ruling else None
