"""Disputes: samples whose annotators disagree."""

from collections import Counter
from collections.abc import Iterable

from schemas.records import Voice
from tiltyard.rules.answers import answers_of


def another_is_wanted(voices: Iterable[Voice], slots: int, most: int) -> bool:
    """Whether one more annotator is to be asked: every slot is answered and no label has more than half the answers."""
    labels = Counter(str(voice.label) for voice in answers_of(voices).values())
    return len(labels) > 1 and slots < most and 2 * max(labels.values()) <= sum(labels.values())
