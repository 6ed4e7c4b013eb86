"""Adjudication: a decision on a sample by an adjudicator or lead, which overrides all labels."""

from tiltyard.apps.labeling.api.requests import ORIGIN, AdjudicationRequest
from tiltyard.apps.labeling.service import ServedProject
from tiltyard.labels.annotations import check_annotation
from tiltyard.schemas.records import Annotation, NewAnnotation, Payload, SampleId


def adjudicate(served: ServedProject, annotator: str, decision: AdjudicationRequest, payload: Payload) -> Annotation:
    """Store a decision; call it in the writer. AnnotationError if it does not fit the project.

    A sample of the evaluation set is marked again: an adjudication has no assignment with the purpose.
    """
    new = NewAnnotation(
        client_key=decision.client_key,
        annotator=annotator,
        act="adjudicate",
        sample_id=SampleId(decision.sample_id),
        payload=payload,
        said_at=decision.said_at,
        label=decision.label,
        note=decision.note,
        origin=ORIGIN,
        guidelines_hash=served.project.guidelines_hash,
    )
    new = check_annotation(new, served.project)
    (stored,) = served.ledger.annotations.submit(
        [new],
        contract_hash=served.contract_hash,
        now=served.now(),
        marked=[new.sample_id] if _is_evaluation_sample(served, new.sample_id) else [],
        labeling=served.project.labeling,
    )
    return stored


def _is_evaluation_sample(served: ServedProject, sample_id: SampleId) -> bool:
    """Whether a sample is in the evaluation set, by its assignments or its annotations."""
    purposes = {one.purpose for one in served.ledger.assignments.of_sample(sample_id)}
    return "evaluation" in purposes | {one.purpose for one in served.ledger.annotations.of_sample(sample_id)}
