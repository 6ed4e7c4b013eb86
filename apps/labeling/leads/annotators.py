"""Figures of each annotator, and inter-annotator agreement, for leads.

Most figures are counted over votes, the short form of annotations: reading all annotations of a large ledger would
block the server for seconds. Figures that need whole annotations use the last ones of each annotator.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from statistics import median
from typing import Final

import numpy as np

from tiltyard.apps.labeling.api.responses import AgreementResponse, AnnotatorResponse, ConfusionCell, ConfusionResponse
from tiltyard.apps.labeling.service import ServedProject
from tiltyard.labels.active_annotations import active_annotations, latest_labels
from tiltyard.labels.agreement import cohen_kappa, krippendorff_alpha, suggestion_agreement
from tiltyard.labels.annotator_quality import AnnotatorQuality, annotator_quality, consensus_quality
from tiltyard.labels.current_classes import rename_classes
from tiltyard.schemas.records import Access, Annotation, Vote

RECENT: Final = 500
LABEL_ACTS: Final = frozenset({"label", "adjudicate"})


def annotators(served: ServedProject) -> list[AnnotatorResponse]:
    """One row per annotator who has access or has annotated, by name."""
    ledger = served.ledger
    accesses = {access.annotator: access for access in ledger.access.current()}
    votes = ledger.annotations.voices()
    own: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        own[vote.annotator].append(vote)
    figures = _Figures(served, votes)
    return [figures.annotator(name, accesses.get(name), own[name]) for name in sorted({*accesses, *own})]


class _Figures:
    """Counts that the rows of all annotators share."""

    def __init__(self, served: ServedProject, votes: Sequence[Vote]) -> None:
        """Count once for all annotators."""
        self._ledger = served.ledger
        self._now = served.now()
        self._held = served.ledger.assignments.holders(self._now)
        self._superseded = {vote.supersedes for vote in votes}
        shared = rename_classes(served.ledger.annotations.shared_voices(), served.project)
        self._qualities = {one.annotator: one for one in annotator_quality(shared, served.project.effective_label)}
        self._agreed, self._pairs = agreement_counts(shared)
        predicted = served.ledger.assignments.suggested
        self._quality = served.quality.get("", lambda: consensus_quality(shared, predicted(shared)).annotators)

    def annotator(self, name: str, access: Access | None, own: Sequence[Vote]) -> AnnotatorResponse:
        """The row of one annotator."""
        labels = sum(vote.act in LABEL_ACTS for vote in own)
        recent = self._ledger.annotations.of_annotator(name, RECENT)
        with_model = suggestion_agreement(recent)
        quality = self._qualities.get(name)
        return AnnotatorResponse(
            annotator=name,
            role=access.role if access else None,
            since=access.recorded_at if access else None,
            last=max((vote.said_at for vote in own), default=None),
            labels=labels,
            others=len(own) - labels,
            today=sum(vote.said_at.date() == self._now.date() for vote in own),
            held=self._held.get(name, 0),
            superseded=sum(vote.annotation_id in self._superseded for vote in own),
            gold_asked=quality.gold.cases if quality else 0,
            gold_right=quality.gold.right if quality else 0,
            agreed=self._agreed[name],
            agreed_of=self._pairs[name],
            late=sum(one.late for one in recent),
            seconds=_seconds(recent),
            quality=self._quality.get(name),
            with_model=with_model.visible.value,
            without_model=with_model.hidden.value,
        )


def agreement_counts(votes: Iterable[Vote]) -> tuple[Counter[str], Counter[str]]:
    """For each annotator the pairs of labels with others on the same sample: equal ones, and all.

    Labels are compared with each other, because a sample in dispute has no effective label.
    """
    agreed, pairs = Counter[str](), Counter[str]()
    for stand in active_annotations(votes).values():
        for one, other in combinations(latest_labels(stand).values(), 2):
            for name in (one.annotator, other.annotator):
                pairs[name] += 1
                agreed[name] += one.label == other.label
    return agreed, pairs


def confusion(served: ServedProject) -> list[ConfusionResponse]:
    """Confusion matrices against the effective labels, for annotators who share samples."""
    shared = rename_classes(served.ledger.annotations.shared_voices(), served.project)
    found = annotator_quality(shared, served.project.effective_label)
    return [ConfusionResponse(annotator=one.annotator, cells=_cells(one)) for one in found if one.confusion]


def agreement(served: ServedProject) -> AgreementResponse:
    """Krippendorff's alpha over all annotators, and Cohen's kappa of the pair with the most shared samples."""
    votes = rename_classes(served.ledger.annotations.shared_voices(), served.project)
    alpha = krippendorff_alpha(votes, rng=np.random.default_rng(served.project.seed))
    two = most_shared_pair(votes)
    kappa = cohen_kappa(votes, *two, rng=np.random.default_rng(served.project.seed)) if two else None
    return AgreementResponse(
        samples=alpha.samples,
        alpha=alpha.value,
        low=alpha.low,
        high=alpha.high,
        kappa=kappa.value if kappa else None,
        kappa_of=list(two or ()),
        why=alpha.why,
    )


def most_shared_pair(votes: list[Vote]) -> tuple[str, str] | None:
    """The two annotators with the most shared samples; None if no sample is shared."""
    counts = Counter(
        pair for stand in active_annotations(votes).values() for pair in combinations(sorted(latest_labels(stand)), 2)
    )
    return counts.most_common(1)[0][0] if counts else None


def _cells(quality: AnnotatorQuality) -> list[ConfusionCell]:
    """The cells of one annotator, largest count first."""
    cells = [
        ConfusionCell(said=said, decided=decided, count=count)
        for decided, given in quality.confusion.items()
        for said, count in given.items()
    ]
    return sorted(cells, key=lambda cell: (-cell.count, cell.decided, cell.said))


def _seconds(annotations: Iterable[Annotation]) -> float | None:
    """The median time per annotation in seconds."""
    times = [one.lead_ms / 1000 for one in annotations if one.lead_ms is not None]
    return round(median(times), 1) if times else None
