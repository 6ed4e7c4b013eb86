"""What a model says of a sample, and which parts of the sample made it say so.

A part is taken away and the model asked again: what the suggested class loses is what the part was worth. So
Zeiler and Fergus (2014) do with patches of pictures and Robnik-Sikonja and Kononenko (2008) with columns. It is
cheap, needs no gradient, and works with any model; parts that only count together go unseen.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from tiltyard.evaluation.predictions import predict_rows
from tiltyard.samples.features import MISSING, feature_frame, take_rows
from tiltyard.samples.tokens import SYMBOL
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Factor, Suggestion

MOST_PREDICTED: Final = 100_000
"""Rows that a model is asked about at most to explain one query."""
CELLS: Final = 4_000_000
"""Cells that one call of ``predict_proba`` gets at most."""
TEXTS: Final = 2_000
"""Texts that one call of ``predict_proba`` gets at most: they may be long."""
SAMPLED: Final = 50
"""Rows that decide over the shortlist when there are too many parts to try all."""
TOP: Final = 5
DECIMALS: Final = 4

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Group = tuple[Factor, ...]
"""The factors of one part: a column or word alone, the pixels of a patch together."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The rows to explain as the model takes them, and the column of ``classes_`` that each is explained for."""

    model: Any
    frame: pd.DataFrame
    suggested: Places
    before: Floats

    def rows(self, number: int) -> "Asked":
        """The first rows only."""
        return Asked(self.model, self.frame.iloc[:number], self.suggested[:number], self.before[:number])


def suggest_labels(model: Any, rows: pl.DataFrame, project: Project) -> list[Suggestion]:
    """What the model says of each row: its own decision (so that a threshold counts) and its probabilities.

    Probabilities are by class in the project file's order, rounded to four decimals; a model without
    ``predict_proba`` gives a label only. There are no factors yet: see :func:`explain_rows`.
    """
    if not hasattr(model, "predict_proba"):
        labels = [] if rows.is_empty() else model.predict(feature_frame(rows, project))
        return [Suggestion(str(label), None, {}) for label in labels]
    said = predict_rows(model, feature_frame(rows, project), project)
    by_class = [dict(zip(said.class_names, row, strict=True)) for row in said.probabilities.round(DECIMALS).tolist()]
    told = zip(said.decisions.tolist(), by_class, strict=True)
    return [Suggestion(label, probabilities.get(label), probabilities) for label, probabilities in told]


def explain_rows(model: Any, rows: pl.DataFrame, background: Mapping[str, Any], project: Project) -> list[Suggestion]:
    """:func:`suggest_labels` with the factors of :func:`explain`."""
    factors = explain(model, rows, background, project)
    said = zip(suggest_labels(model, rows, project), factors, strict=True)
    return [replace(suggestion, factors=own) for suggestion, own in said]


def explanation_background(labeled: pl.DataFrame, project: Project) -> dict[str, Any]:
    """What stands for a column that is taken away: its median, or its most frequent value, in the labelled rows.

    By feature, as the model takes them; texts have none, words are taken out of them. Without labelled rows a
    number is missing (NaN) and so is a category (``MISSING``).
    """
    frame = feature_frame(labeled, project)
    kinds = {name: column.kind for name, column in project.columns.features.items()}
    return {name: _typical(frame[name], kind) for name, kind in kinds.items() if kind != "text"}


def explain(
    model: Any, rows: pl.DataFrame, background: Mapping[str, Any], project: Project, top: int = TOP
) -> list[tuple[Factor, ...]]:
    """The parts of each row that moved the probability of the suggested class most, strongest first.

    A factor's weight is what the probability loses without the part: positive supports the suggestion. A part
    is a column, which takes its ``background`` value; or a word, which is left out everywhere in
    its text; or a patch of 2 x 2 pixels (3 x 3 in pictures wider than 16) of a picture, each pixel a factor of
    the patch's weight, ``top`` patches of them.

    The model is asked about ``MOST_PREDICTED`` rows at most. Where rows times parts are more, only a shortlist
    of columns is tried: those that moved the first ``SAMPLED`` rows most; and fewer words of each text. A
    model without ``predict_proba`` gives no factors.
    """
    if rows.is_empty() or not hasattr(model, "predict_proba"):
        return [()] * rows.height
    asked = _asked(model, feature_frame(rows, project))
    parts = _shortlist(asked, _parts(background, project), background)
    found = [_of_columns(parts, losses) for losses in _losses_of_columns(asked, parts, background)]
    texts = [name for name, column in project.columns.features.items() if column.kind == "text"]
    for name in texts:
        for own, words in zip(found, _of_words(asked, name, MOST_PREDICTED // len(texts)), strict=True):
            own += words
    return [_strongest(groups, top) for groups in found]


def group_factors(factors: Iterable[Factor], project: Project) -> list[Group]:
    """The factors that :func:`explain` found, those of one part together: the pixels of a patch of a picture."""
    if project.display.kind != "image":
        return [(factor,) for factor in factors]
    return [tuple(part) for _, part in groupby(factors, lambda factor: factor.weight)]


def _typical(column: "pd.Series[Any]", kind: str) -> Any:
    """The median of numbers and moments, the most frequent value of categories and booleans (of equals the least)."""
    known = column.dropna()
    if kind in {"category", "boolean"}:
        frequent = known.mode()
        return frequent.iloc[0] if len(frequent) else MISSING if kind == "category" else math.nan
    return float(known.median()) if len(known) else math.nan


def _asked(model: Any, frame: pd.DataFrame) -> Asked:
    """The rows with the place of the class that the model decides for."""
    classes = [str(name) for name in model.classes_]
    suggested = np.array([classes.index(str(label)) for label in model.predict(frame)], dtype=np.intp)
    return Asked(model, frame, suggested, model.predict_proba(frame)[np.arange(len(frame)), suggested])


def _parts(background: Mapping[str, Any], project: Project) -> list[tuple[str, ...]]:
    """The columns that are taken away together: patches of a picture, each other column for itself."""
    width = project.display.width if project.display.kind == "image" else 0
    pixels = [name for name in project.display.columns if name in background] if width else []
    side = 2 if width <= 16 else 3
    patches: dict[tuple[int, int], list[str]] = {}
    for place, name in enumerate(pixels):
        patches.setdefault((place // width // side, place % width // side), []).append(name)
    return [*map(tuple, patches.values()), *((name,) for name in sorted(background) if name not in set(pixels))]


def _shortlist(asked: Asked, parts: Sequence[tuple[str, ...]], background: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The parts that there is time for: all, or those that moved the first rows most."""
    affordable = MOST_PREDICTED // len(asked.frame)
    if len(parts) <= affordable:
        return list(parts)
    first = asked.rows(min(SAMPLED, max(1, MOST_PREDICTED // len(parts))))
    moved = np.abs(_losses_of_columns(first, parts, background)).mean(axis=0)
    return [parts[place] for place in sorted(np.argsort(-moved, kind="stable")[:affordable])]


def _losses_of_columns(asked: Asked, parts: Sequence[tuple[str, ...]], background: Mapping[str, Any]) -> Floats:
    """What the suggested class loses without each part (rows, parts)."""
    part_of = {name: number for number, part in enumerate(parts) for name in part}
    losses = np.zeros(len(asked.frame) * len(parts))
    for chunk in _chunks(len(losses), asked.frame.shape[1]):
        row, part = np.divmod(chunk, max(1, len(parts)))
        changed = {
            name: column.mask(part == part_of[name], background[name]) if name in part_of else column
            for name, column in take_rows(asked.frame, row).reset_index(drop=True).items()
        }
        losses[chunk] = _losses(asked, pd.DataFrame(changed), row)
    return losses.reshape(len(asked.frame), len(parts))


def _of_words(asked: Asked, name: str, most: int) -> list[list[Group]]:
    """What the suggested class loses without each word of a text column, as factors of each row."""
    words = max(1, most // len(asked.frame))
    texts = ((row, str(text)) for row, text in enumerate(asked.frame[name]) if text != MISSING)
    variants = ((row, *variant) for row, text in texts for variant in texts_without_each_word(text, words))
    found: list[list[Group]] = [[] for _ in range(len(asked.frame))]
    step = max(1, min(TEXTS, CELLS // asked.frame.shape[1]))
    while own := list(islice(variants, step)):
        row = np.array([place for place, _, _ in own], dtype=np.intp)
        shorter = pd.Series([text for _, _, text in own], dtype=asked.frame[name].dtype)
        changed = take_rows(asked.frame, row).reset_index(drop=True).assign(**{name: shorter})
        for (place, word, _), loss in zip(own, _losses(asked, changed, row), strict=True):
            found[place].append((Factor(name, round(float(loss), DECIMALS), word),))
    return found


def _chunks(number: int, width: int) -> Iterator[Places]:
    """The numbers from 0 in runs whose rows of this width stay under ``CELLS``."""
    step = max(1, CELLS // max(1, width))
    return (np.arange(start, min(start + step, number)) for start in range(0, number, step))


def _losses(asked: Asked, changed: pd.DataFrame, row: Places) -> Floats:
    """What the class suggested for each row loses in its changed form."""
    after = asked.model.predict_proba(changed)[np.arange(len(row)), asked.suggested[row]]
    return np.asarray(asked.before[row] - after, dtype=np.float64)


def _of_columns(parts: Sequence[tuple[str, ...]], losses: Floats) -> list[Group]:
    """The factors of one row's parts, one for each column of a part."""
    weights = losses.round(DECIMALS).tolist()
    return [tuple(Factor(name, weight) for name in part) for part, weight in zip(parts, weights, strict=True)]


def _strongest(groups: list[Group], top: int) -> Group:
    """The factors of the ``top`` parts that weigh most, strongest first; parts without weight are left out."""
    moving = [group for group in groups if group[0].weight]
    ranked = sorted(moving, key=lambda group: -abs(group[0].weight))[:top]
    return tuple(factor for group in ranked for factor in group)


MOST_WORDS: Final = 200
"""The maximum number of words tried, in their order; the start of a long text mostly decides."""

WORD: Final = re.compile(rf"\w+(?:['’]\w+)*|{SYMBOL}")


def texts_without_each_word(text: str, most: int = MOST_WORDS) -> list[tuple[str, str]]:
    """Each distinct word of a text, as first written and in that order, with the text that is left without it.

    A word is left out wherever it stands, however its letters are cased. At most ``most`` and ``MOST_WORDS``
    words are tried.

    >>> texts_without_each_word("Win a prize, win!")
    [('Win', ' a prize, !'), ('a', 'Win  prize, win!'), ('prize', 'Win a , win!')]
    >>> texts_without_each_word("👍👎👍")
    [('👍', '👎'), ('👎', '👍👍')]
    """
    spans: dict[str, list[tuple[int, int]]] = {}
    for match in WORD.finditer(text):
        spans.setdefault(match.group().casefold(), []).append(match.span())
    tried = list(spans.values())[: min(most, MOST_WORDS)]
    return [(text[slice(*own[0])], _without(text, own)) for own in tried]


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """The text without some stretches of it, given in their order."""
    starts = [0, *(end for _, end in spans)]
    ends = [*(start for start, _ in spans), len(text)]
    return "".join(text[start:end] for start, end in zip(starts, ends, strict=True))
