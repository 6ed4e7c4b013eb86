"""Importing label files: each line is accepted, known already, or refused with a reason."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from tiltyard.labels.admission import refuse_invalid
from tiltyard.labels.annotations import (
    annotation_id,
    check_annotation,
    find_contradictions,
    refuse_changed_content,
    refuse_foreign_supersedes,
    refuse_reserved_keys,
    refuse_unknown_label,
)
from tiltyard.labels.files.file_format import (
    Line,
    PoolSample,
    Refused,
    content_key,
    parse_exported_annotation,
    parse_label_line,
)
from tiltyard.labels.files.unclosed_quotes import Table, refuse_swallowed_rows
from tiltyard.labels.files.values import key_spellings, text_value
from tiltyard.schemas.errors import AnnotationError
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Annotation, NewAnnotation, SampleId

WHICH: Final = re.compile(r"^annotation '[^']*' of sample [0-9a-f]+: ")
"""How messages name an annotation; a line's own number says it better."""


@dataclass(slots=True)
class ImportPlan:
    """The outcome for each line.

    ``facts`` must be restored (``lines`` has their line numbers) and ``labels`` submitted; ``known`` counts the
    lines that were stored before, and the others were refused.
    """

    facts: list[Annotation] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    labels: list[NewAnnotation] = field(default_factory=list)
    marked: set[SampleId] = field(default_factory=set)
    known: int = 0
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ImportDefaults:
    """Defaults for a file made by hand: the column that names the sample, the annotator and the time.

    ``table`` is how its rows are written, where it is one; ``importer`` is the person who imports it.
    """

    by: str
    annotator: str
    now: datetime
    table: Table | None = None
    importer: str | None = None


def plan_full_import(lines: Iterable[tuple[int, Line]], stored: Mapping[str, Annotation]) -> ImportPlan:
    """The annotations of an export, less those that are stored; ``stored`` has them by client key."""
    taken, met = ImportPlan(), dict(stored)
    for number, line in lines:
        try:
            fact = parse_exported_annotation(line)
            if fact.client_key in met:
                refuse_changed_content(met[fact.client_key], fact)
                taken.known += 1
                continue
        except AnnotationError as error:
            taken.refused.append(Refused(number, str(error)))
            continue
        met[fact.client_key] = fact
        taken.facts.append(fact)
        taken.lines.append(number)
    return taken


def refuse_foreign_annotations(taken: ImportPlan, stored: Mapping[str, Annotation], project: Project) -> ImportPlan:
    """The same without annotations that are not valid in this project: they pass the same checks as single ones."""
    admitted = replace(taken, facts=[], lines=[], refused=list(taken.refused))
    by_id = {str(one.annotation_id): one for one in stored.values()}
    for number, fact in zip(taken.lines, taken.facts, strict=True):
        try:
            refuse_invalid(fact)
            refuse_unknown_label(fact, project)
            refuse_reserved_keys(fact)
            earlier = by_id.get(str(fact.supersedes))
            if earlier is not None:  # what an export was cut from may lack it
                refuse_foreign_supersedes(fact, earlier)
        except AnnotationError as error:
            admitted.refused.append(Refused(number, WHICH.sub("", str(error))))
            continue
        by_id[str(fact.annotation_id)] = fact
        admitted.facts.append(fact)
        admitted.lines.append(number)
    return admitted


def plan_label_import(
    lines: Iterable[tuple[int, Line]],
    samples: Mapping[str, Sequence[PoolSample]],
    stored: Mapping[str, Annotation],
    project: Project,
    hand: ImportDefaults,
) -> ImportPlan:
    """The annotations of a file made by hand, less those that are stored.

    ``samples`` has the pool's samples by the file's key for them; a key that stands for none or for several is
    refused. Without a time of their own, lines were said now, one after the other; what one annotator says of one
    sample in several of them was said in one breath, so that none is the newest.
    """
    taken, met, repeated = ImportPlan(), dict[str, Annotation | NewAnnotation](stored), Counter[str]()
    breaths: dict[tuple[str, SampleId], datetime] = {}
    by_id = {str(annotation_id(key)): one for key, one in met.items()}
    for number, line in lines:
        try:
            if hand.table is not None:
                refuse_swallowed_rows(line, hand.table, project)
            sample = _sample(line, samples, hand.by)
            said_at = hand.now + timedelta(microseconds=number)
            new = parse_label_line(line, sample, project, hand.annotator, said_at)
            new = replace(new, imported_by=hand.importer or hand.annotator)
            new = _in_one_breath(_keyed(new, line, repeated), line, breaths)
            new = _as_before(new, line, met)
            new = check_annotation(new, project)
            refuse_reserved_keys(new)
            refuse_foreign_supersedes(new, by_id.get(str(new.supersedes)))
            if new.client_key in met:
                refuse_changed_content(met[new.client_key], new)
                taken.known += 1
                continue
        except AnnotationError as error:
            taken.refused.append(Refused(number, WHICH.sub("", str(error))))
            continue
        met[new.client_key] = by_id[annotation_id(new.client_key)] = new
        taken.labels.append(new)
        taken.marked |= {new.sample_id} if sample.evaluation else set()
    return taken


def _sample(line: Line, samples: Mapping[str, Sequence[PoolSample]], by: str) -> PoolSample:
    """The one sample that a line is about."""
    key = text_value(line, by)
    if key is None:
        raise AnnotationError(f"{by} is empty")
    try:
        forms = key_spellings(line[by])
    except ValueError as error:
        raise AnnotationError(f"{by}: {error}") from error
    found = next((samples[form] for form in forms if form in samples), ())
    if not found:
        raise AnnotationError(f"no sample with {by} {key!r} is in the pool")
    if len(found) > 1:
        raise AnnotationError(f"{by} {key!r} stands for {len(found)} samples of the pool; name them by sample_id")
    return found[0]


def _keyed(new: NewAnnotation, line: Line, repeated: Counter[str]) -> NewAnnotation:
    """The annotation with a client key, made from the line where it brings none."""
    if new.client_key:
        return new
    first = content_key(new, line, 0)
    repeated[first] += 1
    return replace(new, client_key=content_key(new, line, repeated[first] - 1))


def _in_one_breath(new: NewAnnotation, line: Line, breaths: dict[tuple[str, SampleId], datetime]) -> NewAnnotation:
    """The annotation with the time of its annotator's first line on the sample, where the line itself has no time."""
    if text_value(line, "said_at") or new.act != "label":
        return new
    return replace(new, said_at=breaths.setdefault((new.annotator, new.sample_id), new.said_at))


def _as_before(new: NewAnnotation, line: Line, met: Mapping[str, Annotation | NewAnnotation]) -> NewAnnotation:
    """The annotation with what was filled in for it when it was first stored, so that it is met again as the same."""
    before = met.get(new.client_key)
    if before is None:
        return new
    said_at = new.said_at if text_value(line, "said_at") else before.said_at
    return replace(new, said_at=said_at, assignment_id=before.assignment_id, imported_by=before.imported_by)


def count_contradictions(taken: ImportPlan, project: Project) -> int:
    """How many samples a file labels in two ways by one annotator at one time."""
    said = [one for one in taken.labels if one.act == "label" and one.supersedes is None]
    voices = [f"{one.annotator} {one.sample_id} {one.said_at.isoformat()}" for one in said]
    return len(find_contradictions(voices, (str(one.label) for one in said), project))
