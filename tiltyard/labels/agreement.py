"""How far annotators agree beyond chance, and how far they agree with the model."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from tiltyard.evaluation.proportions import Share, wilson_share
from tiltyard.labels.active_annotations import AnyAnnotation, active_annotations, latest, latest_labels
from tiltyard.schemas.records import Annotation, SampleId

RESAMPLES: Final = 1000
INTERVAL: Final = (2.5, 97.5)
"""Percentiles of the bootstrap: a 95 % interval."""
CELLS: Final = 4_000_000
"""Numbers that the bootstrap holds at once."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """A coefficient of agreement: 1 is perfect, 0 what chance gives, below 0 worse than chance.

    ``value`` is none where it is not defined, and ``why`` says so. ``low`` and ``high`` are a 95 % percentile
    bootstrap interval over samples. ``samples`` is how many had two answers.
    """

    value: float | None
    low: float | None
    high: float | None
    samples: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class SuggestionAgreement:
    """How often annotators said what the model suggests: when they saw it, and when they did not."""

    visible: Share
    hidden: Share


def cohen_kappa(
    voices: Iterable[AnyAnnotation], first: str, second: str, *, rng: np.random.Generator, resamples: int = RESAMPLES
) -> Agreement:
    """Cohen's kappa (1960) of two annotators over the samples that both labelled.

    Not defined without a common sample, or when both used one and the same class only. Adjudications and
    answers to gold samples are left out. The interval leaves out resamples for which it is not defined.
    """
    both = [said for said in _said(voices).values() if first in said and second in said]
    own, other = [said[first] for said in both], [said[second] for said in both]
    if not both:
        return Agreement(None, None, None, 0, f"not defined: {first} and {second} have no sample in common")
    if len({*own, *other}) == 1:
        why = f"not defined: {first} and {second} both said only {own[0]!r}"
        return Agreement(None, None, None, len(both), why)
    low, high = _interval(_kappas(own, other, rng, resamples))
    return Agreement(float(cohen_kappa_score(own, other)), low, high, len(both))


def krippendorff_alpha(
    voices: Iterable[AnyAnnotation], *, rng: np.random.Generator, resamples: int = RESAMPLES
) -> Agreement:
    """Krippendorff's alpha for nominal data: any number of annotators, any sample may lack answers.

    1 - observed disagreement / expected disagreement, from the coincidence matrix (Krippendorff 2011,
    "Computing Krippendorff's Alpha-Reliability"). The interval resamples samples (Zapf, Castell, Morawietz and
    Karch 2016). Not defined when no sample has two answers or all of these say the same. Adjudications and
    answers to gold samples are left out.
    """
    units, often = _units(voices)
    samples = int(often.sum())
    if samples == 0:
        return Agreement(None, None, None, 0, "not defined: no sample has answers of two annotators")
    if units.shape[1] < 2:
        return Agreement(None, None, None, samples, "not defined: every answer names the same class")
    resampled = [_alphas(units, draws) for draws in _resampled(often, rng, resamples)]
    low, high = _interval(np.concatenate(resampled) if resampled else np.array([]))
    return Agreement(float(_alphas(units, often[None, :])[0]), low, high, samples)


def suggestion_agreement(annotations: Iterable[Annotation]) -> SuggestionAgreement:
    """The share of labels that equal the model's suggestion, with 95 % Wilson intervals.

    A blind label that was changed after the suggestion was shown counts once as hidden and once as visible;
    of several labels of one annotator for a sample under the same circumstances the last counts. Withdrawn
    labels and gold samples are left out.
    """
    everything = list(annotations)
    withdrawn = {one.supersedes for one in everything if one.act == "withdraw"}
    last: dict[tuple[str, str, bool], Annotation] = {}
    for one in everything:
        if one.act == "label" and one.suggestion and one.purpose != "gold" and one.annotation_id not in withdrawn:
            key = (one.annotator, one.sample_id, one.suggestion_visible)
            last[key] = latest((last.get(key, one), one))
    equal = Counter((one.suggestion_visible, one.label == one.suggestion) for one in last.values())
    visible, hidden = (
        wilson_share(equal[seen, True], equal[seen, True] + equal[seen, False]) for seen in (True, False)
    )
    return SuggestionAgreement(visible, hidden)


def _said(voices: Iterable[AnyAnnotation]) -> dict[SampleId, dict[str, str]]:
    """The label that each annotator gave each sample, sorted by sample."""
    found = {sample: latest_labels(stand) for sample, stand in sorted(active_annotations(voices).items())}
    return {sample: {name: str(one.label) for name, one in answers.items()} for sample, answers in found.items()}


def _kappas(own: list[str], other: list[str], rng: np.random.Generator, resamples: int) -> Floats:
    """Kappas of resampled pairs; a resample of n pairs is a multinomial draw of the cells of their table."""
    cells = sorted(Counter(zip(own, other, strict=True)).items())
    classes = sorted({*own, *other})
    counts = np.array([count for _, count in cells], dtype=np.float64)
    shares = np.concatenate([draws / counts.sum() for draws in _resampled(counts, rng, resamples)])
    rows, columns = ((np.array([pair[side] for pair, _ in cells])[:, None] == classes) for side in (0, 1))
    observed = shares @ np.array([pair[0] == pair[1] for pair, _ in cells], dtype=np.float64)
    expected = ((shares @ rows) * (shares @ columns)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((observed - expected) / (1 - expected))


def _units(voices: Iterable[AnyAnnotation]) -> tuple[Floats, Floats]:
    """The distinct ways in which samples with two answers or more were answered, and how often each occurs.

    The first is (ways, classes): how many annotators said each class. Samples that were answered alike are
    interchangeable, so the bootstrap needs the ways only.
    """
    answered = [sorted(said.values()) for said in _said(voices).values() if len(said) > 1]
    ways = sorted(Counter(map(tuple, answered)).items())
    classes = sorted({label for way, _ in ways for label in way})
    units = np.array([[way.count(name) for name in classes] for way, _ in ways], dtype=np.float64)
    return units.reshape(len(ways), len(classes)), np.array([count for _, count in ways], dtype=np.float64)


def _alphas(units: Floats, often: Floats) -> Floats:
    """Alpha for each row of ``often`` (resamples, ways); NaN where all answers say the same."""
    answers = units.sum(axis=1)
    observed = often @ ((answers**2 - (units**2).sum(axis=1)) / (answers - 1))
    totals = often @ units
    every = totals.sum(axis=1)
    expected = (every**2 - (totals**2).sum(axis=1)) / (every - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - observed / expected)


def _resampled(often: Floats, rng: np.random.Generator, resamples: int) -> list[Floats]:
    """How often each way occurs in resamples of as many samples (resamples, ways), in parts of bounded size."""
    part = max(1, CELLS // len(often))
    sizes = [min(part, resamples - start) for start in range(0, resamples, part)]
    chances = often / often.sum()
    return [rng.multinomial(int(often.sum()), chances, size=size).astype(np.float64) for size in sizes]


def _interval(values: Floats) -> tuple[float | None, float | None]:
    """The interval of the resamples that are defined, none when not one is."""
    defined = values[np.isfinite(values)]
    if not len(defined):
        return None, None
    low, high = np.percentile(defined, INTERVAL)
    return float(low), float(high)
