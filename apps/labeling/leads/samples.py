"""One sample for leads: values, label, assignments and all annotations."""

from collections.abc import Sequence

from tiltyard.apps.labeling.api.responses import AssignmentStateResponse, SampleResponse
from tiltyard.apps.labeling.service import ServedProject
from tiltyard.labels.adjudication import find_disputes
from tiltyard.labels.admission import uncounted_reason
from tiltyard.labels.current_classes import rename_classes
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Annotation, Assignment, SampleId, Vote


def sample_detail(served: ServedProject, sample_id: str) -> SampleResponse:
    """A sample with its history; NotFound if it has neither an assignment nor an annotation."""
    ledger = served.ledger
    assignments = ledger.assignments.of_sample(SampleId(sample_id))
    history = ledger.annotations.of_sample(SampleId(sample_id))
    if not assignments and not history:
        raise NotFound(f"sample {sample_id} has no assignment and no annotation")
    suggestion = next((one.suggestion for one in assignments if one.suggestion), None)
    rule = served.project.effective_label
    votes = rename_classes(_deciding(served, history), served.project)
    return SampleResponse(
        sample_id=sample_id,
        payload=_payload(assignments, history),
        label=next((one.label for one in effective_labels(votes, rule) if one.sample_id == sample_id), None),
        dispute=any(one.sample_id == sample_id for one in find_disputes(votes, rule)),
        gold=next((one.label for one in ledger.gold.current() if one.sample_id == sample_id), None),
        suggestion=suggestion.label if suggestion else None,
        probability=suggestion.probability if suggestion else None,
        assignments=[
            AssignmentStateResponse.model_validate(one) for one in ledger.assignments.standing(SampleId(sample_id))
        ],
        annotations=history,
    )


def _deciding(served: ServedProject, history: Sequence[Annotation]) -> list[Annotation | Vote]:
    """The annotations that determine the label: the sample's own; for weighted votes also those of shared samples."""
    history = [one for one in history if uncounted_reason(one) is None]
    if served.project.effective_label != "quality_weighted":
        return list(history)
    own = {one.annotation_id for one in history}
    others = served.ledger.annotations.shared_voices()
    return [*history, *(one for one in others if one.annotation_id not in own)]


def _payload(assignments: Sequence[Assignment], history: Sequence[Annotation]) -> dict[str, object]:
    """The values of the sample."""
    return assignments[0].payload if assignments else history[0].payload
