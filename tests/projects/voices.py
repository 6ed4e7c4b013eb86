"""Voices made by hand, for the tests of what annotations amount to."""

from datetime import UTC, datetime, timedelta

import numpy as np

from tiltyard.schemas.records import Act, AnnotationId, SampleId, Vote

START = datetime(2026, 1, 1, tzinfo=UTC)


def voice(
    number: int,
    annotator: str,
    label: str | None,
    sample: str = "s",
    *,
    act: Act = "label",
    purpose: str = "query",
    supersedes: int | None = None,
) -> Vote:
    """What an annotator said as number so-and-so, that many minutes after the start."""
    return Vote(
        annotation_id=AnnotationId(f"{number:06d}"),
        annotator=annotator,
        act=act,
        sample_id=SampleId(sample),
        label=label,
        supersedes=None if supersedes is None else AnnotationId(f"{supersedes:06d}"),
        purpose=purpose,
        said_at=START + timedelta(minutes=number),
    )


def table(rows: dict[str, str]) -> list[Vote]:
    """Voices from one string an annotator: the n-th character is the label of the n-th sample, ``.`` for none."""
    cells = [(who, n, label) for who, labels in rows.items() for n, label in enumerate(labels) if label != "."]
    return [voice(number, who, label, f"{n:05d}") for number, (who, n, label) in enumerate(cells)]


def planted(
    accuracies: dict[str, float], samples: int, classes: str = "abc", share: float = 1.0, seed: int = 0
) -> tuple[list[Vote], dict[SampleId, str]]:
    """Voices of annotators with known accuracies (errors even over the other classes), and the truth.

    Each annotator answers a ``share`` of the samples, drawn by chance.
    """
    rng = np.random.default_rng(seed)
    truth = {SampleId(f"{n:05d}"): str(rng.choice(list(classes))) for n in range(samples)}
    voices: list[Vote] = []
    for sample, right in truth.items():
        for annotator, accuracy in accuracies.items():
            if rng.random() >= share:
                continue
            wrong = [name for name in classes if name != right]
            label = right if rng.random() < accuracy else str(rng.choice(wrong))
            voices.append(voice(len(voices), annotator, label, sample))
    return voices, truth
