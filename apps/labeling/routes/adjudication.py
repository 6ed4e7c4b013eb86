"""API for adjudicators: samples in dispute, and decisions on them."""

from asyncio import wrap_future
from collections import Counter
from collections.abc import Sequence

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tiltyard.apps.labeling.api import ApiError, openapi_body, read_json
from tiltyard.apps.labeling.api.request_body import Limit
from tiltyard.apps.labeling.api.requests import AdjudicationRequest
from tiltyard.apps.labeling.api.responses import AnnotationResult, DisputedLabelResponse, DisputeResponse
from tiltyard.apps.labeling.leads import adjudicate
from tiltyard.apps.labeling.service import Caller
from tiltyard.apps.labeling.service.callers import Adjudicator
from tiltyard.labels.active_annotations import active_annotations
from tiltyard.labels.adjudication import deciding_labels
from tiltyard.schemas.errors import AnnotationError, NotFound
from tiltyard.schemas.records import Annotation, SampleId

router = APIRouter(tags=["adjudication"])
LABELLESS_ACTS = {"cant_tell"}
"""Acts without a label that an adjudicator should see."""


@router.get("/projects/{project}/disputes")
async def list_disputes(caller: Adjudicator, limit: Limit = 100) -> list[DisputeResponse]:
    """The samples whose annotators disagree and that nobody has adjudicated; without names."""
    return await run_in_threadpool(_disputes, caller, limit)


@router.post(
    "/projects/{project}/adjudications",
    openapi_extra=openapi_body(AdjudicationRequest),
    responses={
        201: {"model": AnnotationResult, "description": "stored; 200 if it was stored before"},
        409: {"description": "the client key belongs to another decision"},
    },
)
async def post_adjudication(request: Request, response: Response, caller: Adjudicator) -> AnnotationResult:
    """Store a decision on a sample; it overrides the annotators' labels, which are kept."""
    decision = await read_json(request, AdjudicationRequest)
    stored, is_new = await wrap_future(caller.served.writer.run(lambda: _store(caller, decision)))
    response.status_code = 201 if is_new else 200
    status = "stored" if is_new else "known"
    return AnnotationResult(
        client_key=stored.client_key, status=status, annotation_id=stored.annotation_id, seq=stored.seq
    )


def _store(caller: Caller, decision: AdjudicationRequest) -> tuple[Annotation, bool]:
    """Store a decision; returns the annotation and whether it is new. Call it in the writer."""
    annotations = caller.served.ledger.annotations
    history = annotations.of_sample(SampleId(decision.sample_id))
    if not history:
        raise NotFound(f"sample {decision.sample_id} has no annotations yet")
    known = annotations.by_client_key(decision.client_key)
    try:
        return adjudicate(caller.served, caller.annotator, decision, history[0].payload), known is None
    except AnnotationError as error:
        raise ApiError(422 if known is None else 409, str(error), "client_key" if known else "label") from error


def _disputes(caller: Caller, limit: int) -> list[DisputeResponse]:
    """The first disputes with their labels."""
    ledger = caller.served.ledger
    return [
        _dispute(one.sample_id, ledger.annotations.of_sample(one.sample_id)) for one in caller.served.disputes()[:limit]
    ]


def _dispute(sample_id: SampleId, history: Sequence[Annotation]) -> DisputeResponse:
    """One dispute: its labels with counts and notes, most frequent first, without names."""
    answers = [one for stand in active_annotations(history).values() for one in deciding_labels(stand)]
    labels = [label for label, _ in Counter(str(one.label) for one in answers).most_common()]
    said = [_label(label, [one for one in answers if one.label == label]) for label in labels]
    unsure = [one for one in history if one.act in LABELLESS_ACTS]
    if unsure:
        notes = sorted(one.note for one in unsure if one.note)
        said.append(
            DisputedLabelResponse(
                label=None, act="cant_tell", count=len({one.annotator for one in unsure}), notes=notes
            )
        )
    return DisputeResponse(sample_id=sample_id, payload=history[0].payload, deciding=[], answers=said)


def _label(label: str, answers: Sequence[Annotation]) -> DisputedLabelResponse:
    """One label with its count and notes; sorted notes do not identify annotators."""
    notes = sorted(one.note for one in answers if one.note)
    return DisputedLabelResponse(label=label, act="label", count=len(answers), notes=notes)
