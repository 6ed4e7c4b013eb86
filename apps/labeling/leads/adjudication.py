"""Ruling: what an adjudicator or a lead decides over a sample, stored so that it outranks all answers."""

from tiltyard.apps.labeling.api.requests import ORIGIN, AdjudicationRequest
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.labels.annotations import check_annotation
from tiltyard.schemas.records import Annotation, NewAnnotation, Payload, SampleId


def adjudicate(served: ServedProject, annotator: str, ruling: AdjudicationRequest, payload: Payload) -> Annotation:
    """The ruling as the ledger keeps it; run by the writer. AnnotationError when it does not fit the project.

    A sample of the evaluation set stays one of it: a ruling has no assignment that would say so.
    """
    new = NewAnnotation(
        client_key=ruling.client_key,
        annotator=annotator,
        act="adjudicate",
        sample_id=SampleId(ruling.sample_id),
        payload=payload,
        said_at=ruling.said_at,
        label=ruling.label,
        note=ruling.note,
        origin=ORIGIN,
        guidelines_hash=served.project.guidelines_hash,
    )
    new = check_annotation(new, served.project)
    (kept,) = served.ledger.annotations.submit(
        [new],
        contract_hash=served.contract_hash,
        now=served.now(),
        marked=[new.sample_id] if _is_for_judging(served, new.sample_id) else [],
        labeling=served.project.labeling,
    )
    return kept


def _is_for_judging(served: ServedProject, sample_id: SampleId) -> bool:
    """Whether a sample belongs to the evaluation set: asked for it, or answered as one of it."""
    asked = {one.purpose for one in served.ledger.assignments.of_sample(sample_id)}
    return "evaluation" in asked | {one.purpose for one in served.ledger.annotations.of_sample(sample_id)}
