"""Metrics of a project's own, as a project file may name them; and mistakes that are refused."""

from typing import Any

import numpy as np


def share_right(labels: Any, decisions: Any, probabilities: Any, class_names: Any) -> float:
    """Accuracy, as its own metric."""
    return float(np.mean(labels == decisions))


def profit(labels: Any, decisions: Any, probabilities: Any, class_names: Any) -> float:
    """What a call brings: 10 for each right ``yes``, less 1 for each ``yes``."""
    called = decisions == "yes"
    return float(np.mean(called * (10.0 * (labels == "yes") - 1)))


def mean_surprise_loss(labels: Any, decisions: Any, probabilities: Any, class_names: Any) -> float:
    """log_loss, as its own metric: its name says that less is better."""
    places = [class_names.index(label) for label in labels]
    return float(np.mean(-np.log(np.clip(probabilities[np.arange(len(labels)), places], 1e-15, 1))))


def waste(labels: Any, decisions: Any, probabilities: Any, class_names: Any) -> float:
    """A loss that says so itself."""
    return 1 - share_right(labels, decisions, probabilities, class_names)


waste.greater_is_better = False  # type: ignore[attr-defined]  # functions carry attributes, types do not know them


def undefined(labels: Any, decisions: Any, probabilities: Any, class_names: Any) -> float:
    """Nothing can be said."""
    return float("nan")


def of_two(labels: Any, decisions: Any) -> float:
    """Too few arguments."""
    return 0.0


def failing(labels: Any, decisions: Any, probabilities: Any, class_names: Any) -> float:
    """A mistake of its author."""
    raise ValueError("no such column")


def wordy(labels: Any, decisions: Any, probabilities: Any, class_names: Any) -> str:
    """No number."""
    return "good"


NUMBER = 3
