"""How good each annotator's labels are: beside the others', on gold samples, and by cleanlab's estimate."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiltyard.evaluation.proportions import Share, wilson_share
from tiltyard.labels.active_annotations import (
    AnyAnnotation,
    active_annotations,
    latest_adjudication,
    latest_gold_answers,
    latest_labels,
)
from tiltyard.labels.dawid_skene import fit_weights
from tiltyard.labels.effective_labels import Rule, resolve_labels
from tiltyard.schemas.records import SampleId

Labels = Mapping[SampleId, str | None]
"""The label of each sample, none where there is none."""

LEAST_PROBABLE: Final = 1e-6
"""No class counts as impossible: cleanlab takes logarithms."""


@dataclass(frozen=True, slots=True)
class AnnotatorQuality:
    """What is known of one annotator's labels.

    ``agrees``: how many equal the effective label, of those whose sample another one answered or adjudicated.
    ``gold``: how many are right where the answer was known. ``weight``: what a voice weighs under
    ``quality_weighted``. ``confusion``: effective label -> label given -> how often, over the samples of ``agrees``.
    """

    annotator: str
    answers: int
    agrees: Share
    gold: Share
    weight: float
    confusion: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class ConsensusQuality:
    """cleanlab's estimate: each annotator's quality in [0, 1], each sample's consensus label and its quality.

    Both are empty where it cannot be estimated, and ``why`` says so.
    """

    annotators: Mapping[str, float]
    samples: Mapping[SampleId, tuple[str, float]]
    why: str = ""


def annotator_quality(annotations: Iterable[AnyAnnotation], rule: Rule = "majority") -> list[AnnotatorQuality]:
    """What is known of each annotator who gave a label, by name. Each annotator's latest label of a sample counts."""
    samples = active_annotations(annotations)
    voices: Mapping[SampleId, list[AnyAnnotation]] = {sample: list(stand) for sample, stand in samples.items()}
    labels = {label.sample_id: label.label for label in resolve_labels(voices, set(), rule)}
    rulings = {sample: ruling.label for sample, stand in voices.items() if (ruling := latest_adjudication(stand))}
    answers = {sample: latest_labels(stand) for sample, stand in samples.items()}
    compared = {sample: labels.get(sample) for sample, own in answers.items() if len(own) > 1 or sample in rulings}
    given = _by_annotator(answers.values())
    gold = _by_annotator(latest_gold_answers(stand) for stand in samples.values())
    return [
        AnnotatorQuality(
            annotator=name,
            answers=len(given[name]),
            agrees=_share_right(given[name], compared),
            gold=_share_right(gold[name], rulings),
            weight=weight,
            confusion=_confusion(given[name], compared),
        )
        for name, weight in fit_weights(voices).items()
    ]


def consensus_quality(
    voices: Iterable[AnyAnnotation], probabilities: Mapping[SampleId, Mapping[str, float]]
) -> ConsensusQuality:
    """Annotators' and samples' quality by CROWDLAB (Goh, Tkachenko and Mueller 2022), from cleanlab.

    ``probabilities`` are a model's by sample and class, best from folds that the sample was not in; a sample
    without has the frequencies of the classes among the answers. Needs two annotators with a sample in common.
    Adjudications and answers to gold samples are left out. The first call imports cleanlab: about two seconds.
    """
    found = {sample: latest_labels(stand) for sample, stand in sorted(active_annotations(voices).items())}
    said = {sample: {name: str(one.label) for name, one in own.items()} for sample, own in found.items() if own}
    if not any(len(own) > 1 for own in said.values()):
        return ConsensusQuality({}, {}, "not estimated: no sample has answers of two annotators")
    classes = sorted({label for own in said.values() for label in own.values()})
    if len(classes) < 2:
        return ConsensusQuality({}, {}, f"not estimated: every answer is {classes[0]!r}")
    if all(len(set(own.values())) == len(own) for own in said.values()):
        return ConsensusQuality({}, {}, "not estimated: no two annotators agree on any sample")
    return _crowdlab(said, classes, probabilities)


def _crowdlab(
    said: Mapping[SampleId, Mapping[str, str]],
    classes: list[str],
    probabilities: Mapping[SampleId, Mapping[str, float]],
) -> ConsensusQuality:
    """cleanlab's answer for labels by sample and annotator."""
    from cleanlab.multiannotator import get_label_quality_multiannotator  # two seconds to import

    names = sorted({name for own in said.values() for name in own})
    place = {label: number for number, label in enumerate(classes)}
    table = np.array([[place.get(own.get(name, ""), np.nan) for name in names] for own in said.values()])
    with _same_chance():
        found = get_label_quality_multiannotator(table, _predicted(said, classes, probabilities), verbose=False)
    quality = found["annotator_stats"]["annotator_quality"]
    consensus = found["label_quality"][["consensus_label", "consensus_quality_score"]]
    labels = zip(said, consensus.itertuples(index=False), strict=True)
    return ConsensusQuality(
        {name: float(quality[number]) for number, name in enumerate(names)},
        {sample: (classes[int(label)], float(score)) for sample, (label, score) in labels},
    )


@contextmanager
def _same_chance() -> Iterator[None]:
    """The same global chance each time, put back after: cleanlab breaks its last ties by it."""
    before = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(before)


def _predicted(
    said: Mapping[SampleId, Mapping[str, str]],
    classes: list[str],
    probabilities: Mapping[SampleId, Mapping[str, float]],
) -> NDArray[np.float64]:
    """The probabilities of these classes for each sample (samples, classes); rows sum to 1."""
    often = Counter(label for own in said.values() for label in own.values())
    rows = [[probabilities.get(sample, often).get(name, 0.0) for name in classes] for sample in said]
    known = np.maximum(np.array(rows, dtype=np.float64), LEAST_PROBABLE)
    return np.asarray(known / known.sum(axis=1, keepdims=True))


def _by_annotator(samples: Iterable[Mapping[str, AnyAnnotation]]) -> Mapping[str, list[AnyAnnotation]]:
    """The labels of each annotator, given those of each sample."""
    found: dict[str, list[AnyAnnotation]] = defaultdict(list)
    for own in samples:
        for name, one in own.items():
            found[name].append(one)
    return found


def _share_right(given: Iterable[AnyAnnotation], labels: Labels) -> Share:
    """How many labels equal those of the samples that have one."""
    right = [one.label == label for one in given if (label := labels.get(one.sample_id))]
    return wilson_share(sum(right), len(right))


def _confusion(given: Iterable[AnyAnnotation], labels: Labels) -> dict[str, dict[str, int]]:
    """How often the annotator gave each label to samples of each effective label."""
    pairs = Counter((label, str(one.label)) for one in given if (label := labels.get(one.sample_id)))
    found: dict[str, dict[str, int]] = {}
    for (label, said), often in sorted(pairs.items()):
        found.setdefault(label, {})[said] = often
    return found
