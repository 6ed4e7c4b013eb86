"""People: how each annotator does, for leads.

Counted over voices, which are quick to read at any number: the whole annotations of a large ledger would take seconds
of the process that the experts wait for. What needs whole annotations is counted over each one's last ones.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Final

from apps.labeling.served import ServedProject
from apps.labeling.told import Cell, Confusion, PersonTold
from schemas.records import Access, Annotation, SampleId, Voice
from tiltyard.rules.agreement import agreement_with_suggestion
from tiltyard.rules.annotator_quality import consensus_quality
from tiltyard.rules.answers import answers_of, gold_in, standing
from tiltyard.rules.effective_labels import effective_labels

RECENT: Final = 500
ANSWERS: Final = frozenset({"label", "adjudicate"})


def people(served: ServedProject) -> list[PersonTold]:
    """One row per annotator who has access or has answered, by name."""
    ledger = served.ledger
    accesses = {access.annotator: access for access in ledger.access.current()}
    voices = ledger.annotations.voices()
    own: dict[str, list[Voice]] = defaultdict(list)
    for voice in voices:
        own[voice.annotator].append(voice)
    told = _Told(served, voices)
    return [told.person(name, accesses.get(name), own[name]) for name in sorted({*accesses, *own})]


class _Told:
    """What the rows of all annotators need, counted once."""

    def __init__(self, served: ServedProject, voices: Sequence[Voice]) -> None:
        """Count what is common to all."""
        self._ledger = served.ledger
        self._now = served.now()
        self._held = served.ledger.assignments.holders(self._now)
        self._superseded = {voice.supersedes for voice in voices}
        self._agreed, self._pairs = pairs_of(voices)
        shared = served.ledger.annotations.shared_voices
        self._quality = served.quality.get("", lambda: consensus_quality(shared(), {}).annotators)
        self._gold = gold_results(voices, {one.sample_id: one.label for one in served.ledger.gold.current()})

    def person(self, name: str, access: Access | None, own: Sequence[Voice]) -> PersonTold:
        """The row of one annotator."""
        labels = sum(voice.act in ANSWERS for voice in own)
        recent = self._ledger.annotations.of_annotator(name, RECENT)
        beside = agreement_with_suggestion(recent)
        asked, right = self._gold.get(name, (0, 0))
        return PersonTold(
            annotator=name,
            role=access.role if access else None,
            since=access.recorded_at if access else None,
            last=max((voice.said_at for voice in own), default=None),
            labels=labels,
            others=len(own) - labels,
            today=sum(voice.said_at.date() == self._now.date() for voice in own),
            held=self._held.get(name, 0),
            superseded=sum(voice.annotation_id in self._superseded for voice in own),
            gold_asked=asked,
            gold_right=right,
            agreed=self._agreed[name],
            agreed_of=self._pairs[name],
            late=sum(one.late for one in recent),
            seconds=_seconds(recent),
            quality=self._quality.get(name),
            with_model=beside.visible.value,
            without_model=beside.hidden.value,
        )


def pairs_of(voices: Iterable[Voice]) -> tuple[Counter[str], Counter[str]]:
    """For each annotator, how many pairs of answers with others to one sample are alike, and how many there are."""
    agreed, pairs = Counter[str](), Counter[str]()
    for stand in standing(voices).values():
        for one, other in combinations(answers_of(stand).values(), 2):
            for name in (one.annotator, other.annotator):
                pairs[name] += 1
                agreed[name] += one.label == other.label
    return agreed, pairs


def confusion(served: ServedProject) -> list[Confusion]:
    """What each annotator said where the sample has a label by now, for those who share samples; commonest first."""
    voices = served.ledger.annotations.shared_voices()
    decided = {one.sample_id: one.label for one in effective_labels(voices, served.project.effective_label)}
    cells: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for sample_id, stand in standing(voices).items():
        for name, said in answers_of(stand).items():
            if sample_id in decided:
                cells[name][str(said.label), decided[sample_id]] += 1
    return [Confusion(annotator=name, cells=_cells(cells[name])) for name in sorted(cells)]


def _cells(counts: Counter[tuple[str, str]]) -> list[Cell]:
    """The cells of one annotator."""
    return [Cell(said=said, decided=decided, count=count) for (said, decided), count in counts.most_common()]


def gold_results(voices: Iterable[Voice], truth: Mapping[SampleId, str]) -> dict[str, tuple[int, int]]:
    """For each annotator, how many gold samples they answered, and how many of these rightly."""
    asked, right = Counter[str](), Counter[str]()
    for sample_id, stand in standing(voices).items():
        for name, answer in gold_in(stand).items():
            if sample_id in truth:
                asked[name] += 1
                right[name] += answer.label == truth[sample_id]
    return {name: (count, right[name]) for name, count in asked.items()}


def _seconds(annotations: Iterable[Annotation]) -> float | None:
    """The median time of an answer in seconds."""
    times = [one.lead_ms / 1000 for one in annotations if one.lead_ms is not None]
    return round(median(times), 1) if times else None
