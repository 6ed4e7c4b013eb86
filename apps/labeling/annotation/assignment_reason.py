"""Why an annotator sees a sample, which parts of it decided, and when the model's prediction is revealed."""

from tiltyard.apps.labeling.api.responses import RevealResponse
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Annotation, Assignment, Suggestion

RANDOM_PURPOSES = frozenset({"evaluation", "random", "gold"})
"""Purposes that must look the same: an annotation must not depend on knowing that it evaluates a model or a person."""

SHOWN_FACTORS = 5


def selection_reason(assignment: Assignment) -> str:
    """The reason under a sample. It distinguishes only samples that a model chose from random ones.

    Gold samples look like random ones, which every queue contains: neither reveals a prediction afterwards.
    """
    if assignment.purpose in RANDOM_PURPOSES:
        return "drawn at random"
    if assignment.suggestion is None or len(assignment.suggestion.probabilities) < 2:
        return _without_model(assignment)
    return _margin(assignment.suggestion)


def deciding_features(assignment: Assignment, project: Project) -> list[str]:
    """The columns that weighed most, strongest first; for texts the words. Empty for random samples."""
    if assignment.suggestion is None or assignment.purpose in RANDOM_PURPOSES:
        return []
    factors = assignment.suggestion.factors
    if project.display.kind == "text":
        words = [factor.word for factor in factors if factor.word]
        return list(dict.fromkeys(words))[:SHOWN_FACTORS] or _columns(assignment.suggestion)
    return _columns(assignment.suggestion)


def reveal_suggestion(annotation: Annotation, assignment: Assignment, project: Project) -> RevealResponse | None:
    """The model's prediction to show after a blind label; None if it was visible or the project does not reveal it.

    Random samples are always labeled blind: they evaluate the model, or the annotator.
    """
    suggestion, when = assignment.suggestion, project.labeling.reveal
    if suggestion is None or when == "never" or assignment.purpose in RANDOM_PURPOSES:
        return None
    if annotation.act != "label" or annotation.suggestion_visible:
        return None
    if when == "disagreement" and annotation.label == suggestion.label:
        return None
    return RevealResponse(label=suggestion.label, probability=suggestion.probability, factors=list(suggestion.factors))


def _columns(suggestion: Suggestion) -> list[str]:
    """The columns of a suggestion's factors, each once."""
    return list(dict.fromkeys(factor.name for factor in suggestion.factors))[:SHOWN_FACTORS]


def _margin(suggestion: Suggestion) -> str:
    """The margin between the two most probable classes, in alphabetical order to hide which of them is predicted.

    >>> _margin(Suggestion("no", 0.52, {"yes": 0.48, "no": 0.52}))
    'margin 0.04 between no and yes'
    """
    first, second = sorted(suggestion.probabilities.items(), key=lambda entry: -entry[1])[:2]
    names = " and ".join(sorted((first[0], second[0])))
    return f"margin {first[1] - second[1]:.2f} between {names}"


def _without_model(assignment: Assignment) -> str:
    """The reason for a sample without a prediction."""
    if assignment.model_id is None:
        return "typical of the unlabeled samples" if assignment.strategy == "typical" else "one of the first samples"
    return f"chosen by the strategy {assignment.strategy.replace('_', ' ')}"
