"""Samples that the two models decide differently, shown so that a person can say who was right."""

from dataclasses import dataclass
from typing import Any, Final

from tiltyard.evaluation.predictions import WHO, Flip, count_correct_flips, decision_flips
from tiltyard.reports.html.verdict_data import Answers
from tiltyard.samples.features import rows_to_payloads
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Payload

MOST_EACH: Final = 4
MOST_CELLS: Final = 6
MOST_LETTERS: Final = 240
MOST_PIXELS: Final = 400


@dataclass(frozen=True, slots=True)
class Shown:
    """One flip with what of its sample is shown: cells by name, or a picture as SVG."""

    flip: Flip
    sample: str
    cells: tuple[tuple[str, str], ...]
    picture: str


@dataclass(frozen=True, slots=True)
class Flipped:
    """How many decisions differ of how many, by weight, who was right in them, and some of them."""

    rows: float
    whole: float
    right: dict[str, float]
    shown: tuple[Shown, ...]


def find_flips(answers: Answers) -> Flipped | None:
    """The flips of the rows judged, a few of each kind shown; None without a champion."""
    judged = answers.judged
    if judged.champion is None:
        return None
    labels = judged.rows["label"].to_numpy().astype(str)
    found = decision_flips(labels, judged.champion.predictions, judged.challenger.predictions)
    right = count_correct_flips(found, answers.sides.weights)
    chosen = [flip for who in WHO for flip in [one for one in found if one.right == who][:MOST_EACH]]
    rows = judged.rows[[flip.place for flip in chosen]]
    payloads = rows_to_payloads(rows, answers.project) if chosen else []
    shown = (
        Shown(flip, sample[:8], *_of_sample(payload, answers.project))
        for flip, sample, payload in zip(chosen, rows["sample_id"].to_list(), payloads, strict=True)
    )
    return Flipped(sum(right.values()), float(answers.sides.weights.sum()), right, tuple(shown))


def _of_sample(payload: Payload, project: Project) -> tuple[tuple[tuple[str, str], ...], str]:
    """What of a sample is shown: its picture, or the columns that annotators see first."""
    display = project.display
    if display.kind == "image" and display.width and len(display.columns) <= MOST_PIXELS:
        return (), picture([payload.get(name) for name in display.columns], display.width, display.levels)
    names = [name for name in display.columns or project.columns.features if payload.get(name) is not None]
    return tuple((name, _cell(payload[name])) for name in names[:MOST_CELLS]), ""


def _cell(value: Any) -> str:
    """A value as text of bounded length."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"


def picture(pixels: list[Any], width: int, levels: float) -> str:
    """Pixels as SVG squares in the page's ink, 0 the paper and ``levels`` full ink; numbers only, no text.

    >>> picture([0, 2.0], 2, 2.0).partition(">")[2]
    '<rect x="1" y="0" width="1" height="1" fill-opacity="1"/></svg>'
    """
    squares = []
    for place, value in enumerate(pixels):
        ink = min(max(float(value or 0) / levels, 0.0), 1.0)
        if ink > 0:
            y, x = divmod(place, width)
            squares.append(f'<rect x="{x}" y="{y}" width="1" height="1" fill-opacity="{ink:.2g}"/>')
    height = -(-len(pixels) // width)
    return f'<svg class="picture" viewBox="0 0 {width} {height}" aria-hidden="true">{"".join(squares)}</svg>'
