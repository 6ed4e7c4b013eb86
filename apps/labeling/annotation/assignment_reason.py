"""Why an annotator sees a sample, as a sentence, and which parts of the sample decided."""

from tiltyard.apps.labeling.api.responses import RevealResponse
from tiltyard.schemas.project.project_file import Project
from tiltyard.schemas.records import Annotation, Assignment, Suggestion

RANDOM_PURPOSES = frozenset({"evaluation", "random", "gold"})
"""Purposes that must look alike: an answer should not depend on knowing that it judges a model or a person."""

SHOWN_FACTORS = 5


def selection_reason(assignment: Assignment) -> str:
    """The sentence under a sample. Of the purposes it tells only whether a model or chance chose.

    Gold samples read like those drawn by chance, which every queue has: these too are never followed by what a
    model said.
    """
    if assignment.purpose in RANDOM_PURPOSES:
        return "drawn by chance"
    if assignment.suggestion is None or len(assignment.suggestion.probabilities) < 2:
        return _without_model(assignment)
    return _margin(assignment.suggestion)


def deciding_features(assignment: Assignment, project: Project) -> list[str]:
    """The columns that decided, strongest first; the words, where the sample is a text. Nothing by chance."""
    if assignment.suggestion is None or assignment.purpose in RANDOM_PURPOSES:
        return []
    factors = assignment.suggestion.factors
    if project.display.kind == "text":
        words = [factor.word for factor in factors if factor.word]
        return list(dict.fromkeys(words))[:SHOWN_FACTORS] or _columns(assignment.suggestion)
    return _columns(assignment.suggestion)


def reveal_suggestion(annotation: Annotation, assignment: Assignment, project: Project) -> RevealResponse | None:
    """What to show of the model's suggestion after an answer, to keep it or change it; nothing where it was seen.

    Samples drawn by chance are answered blind for ever: they judge the model, or the annotator.
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
    """Between which classes the model hesitates; without their order, which would tell what it says.

    >>> _margin(Suggestion("no", 0.52, {"yes": 0.48, "no": 0.52}))
    'margin 0.04 between no and yes'
    """
    first, second = sorted(suggestion.probabilities.items(), key=lambda entry: -entry[1])[:2]
    names = " and ".join(sorted((first[0], second[0])))
    return f"margin {first[1] - second[1]:.2f} between {names}"


def _without_model(assignment: Assignment) -> str:
    """What chose a sample that no model has spoken of."""
    if assignment.model_id is None:
        return "typical of the samples that have no label yet" if assignment.strategy == "typical" else "to begin with"
    return f"chosen by strategy {assignment.strategy.replace('_', ' ')}"
