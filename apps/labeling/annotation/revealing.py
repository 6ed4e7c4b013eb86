"""Revealing: what the model said, after a blind answer, where the project wants it told."""

from tiltyard.apps.labeling.annotation.assignment_reason import BY_CHANCE
from tiltyard.apps.labeling.api.responses import Revealed
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Annotation, Assignment


def revealed(annotation: Annotation, assignment: Assignment, project: Project) -> Revealed | None:
    """What to show of the model's suggestion after an answer, to keep it or change it; nothing where it was seen.

    Samples drawn by chance are answered blind for ever: they judge the model, or the annotator.
    """
    suggestion, when = assignment.suggestion, project.labeling.reveal
    if suggestion is None or when == "never" or assignment.purpose in BY_CHANCE:
        return None
    if annotation.act != "label" or annotation.suggestion_visible:
        return None
    if when == "disagreement" and annotation.label == suggestion.label:
        return None
    return Revealed(label=suggestion.label, probability=suggestion.probability, factors=list(suggestion.factors))
