"""Labels read under today's classes: a class may have been renamed, retired or taken away since they were given.

A label is a fact and stays as it was said. Reading it, a class's former name (an alias) counts as the class; what is no
class today is counted and left out, never an error.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import polars as pl

from tiltyard.labels.active_annotations import AnyAnnotation
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import EffectiveLabel, Vote

AnnotationT = TypeVar("AnnotationT", bound=AnyAnnotation)


@dataclass(frozen=True, slots=True)
class CurrentLabels:
    """The effective labels that are of today's classes, and how many are of which class that there is no more:
    ``retired`` are named so in the project file, ``unknown`` are not in it at all."""

    labels: list[EffectiveLabel]
    retired: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """What was left out and what to do about it, as a sentence; empty where nothing was."""
        parts = []
        if self.retired:
            parts.append(f"{_counted(self.retired)} of retired classes")
        if self.unknown:
            remedy = "name each as an alias of a class, or under 'retired' in the project file"
            parts.append(f"{_counted(self.unknown)} of no class of the project file ({remedy})")
        return "; ".join(parts)


def resolve_current_labels(annotations: Iterable[AnyAnnotation], project: Project) -> CurrentLabels:
    """The effective label of each sample, by the project's rule and current classes."""
    return split_by_class(
        effective_labels(rename_classes(list(annotations), project), project.effective_label), project
    )


def split_by_class(labels: Sequence[EffectiveLabel], project: Project) -> CurrentLabels:
    """Effective labels apart by whether today's project has their class."""
    names = frozenset(project.class_names)
    gone = Counter(label.label for label in labels if label.label not in names)
    if not gone:
        return CurrentLabels(list(labels))
    retired = {name: count for name, count in sorted(gone.items()) if project.said(name) is not None}
    unknown = {name: count for name, count in sorted(gone.items()) if name not in retired}
    return CurrentLabels([label for label in labels if label.label in names], retired, unknown)


def rename_classes(annotations: Sequence[AnnotationT], project: Project) -> list[AnnotationT]:
    """The annotations with each label as its class is called today; a label of no class stays as it is."""
    said = {one.label for one in annotations if one.label is not None}.difference(project.class_names)
    renamed = {label: today for label in said if (today := project.class_of(label)) is not None}
    if not renamed:
        return list(annotations)
    return [_renamed(one, renamed[one.label]) if one.label in renamed else one for one in annotations]


def rows_of_current_classes(rows: pl.DataFrame, project: Project) -> pl.DataFrame:
    """The rows of a labeled set whose ``label`` is of a class of today, in its words."""
    names = project.class_names
    if rows["label"].is_in(names).all():
        return rows
    today = {label: project.class_of(label) for label in rows["label"].unique().to_list()}
    told = rows["label"].replace_strict(today, return_dtype=pl.String)
    return rows.with_columns(told.alias("label")).filter(pl.col("label").is_not_null())


def _renamed(one: AnnotationT, label: str) -> AnnotationT:
    """An annotation with another word for its label."""
    return one._replace(label=label) if isinstance(one, Vote) else replace(one, label=label)


def _counted(classes: Mapping[str, int]) -> str:
    """How many labels, and of which classes, the most frequent first.

    >>> _counted({"a": 1, "b": 30})
    "31 labels ('b': 30, 'a': 1)"
    """
    most = sorted(classes.items(), key=lambda one: (-one[1], one[0]))
    shown = ", ".join(f"{name!r}: {count:,}" for name, count in most[:5])
    total = sum(classes.values())
    more = f", and {len(most) - 5} more" if len(most) > 5 else ""
    return f"{total:,} {'label' if total == 1 else 'labels'} ({shown}{more})"
