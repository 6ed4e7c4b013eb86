"""API for leads: annotations, samples, figures of annotators, and gold samples."""

from asyncio import wrap_future

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tiltyard.apps.labeling.api import openapi_body, read_json
from tiltyard.apps.labeling.api.request_body import After, Limit, SamplePath, Until
from tiltyard.apps.labeling.api.requests import GoldRequest
from tiltyard.apps.labeling.api.responses import (
    AgreementResponse,
    AnnotationsResponse,
    AnnotatorResponse,
    DayResponse,
    GoldResponse,
    SampleResponse,
)
from tiltyard.apps.labeling.leads import agreement, annotators, mark_gold, sample_detail
from tiltyard.apps.labeling.leads.overview import throughput
from tiltyard.apps.labeling.service.callers import Lead

router = APIRouter(tags=["lead"])


@router.get("/projects/{project}/annotations")
async def list_annotations(
    caller: Lead, after: After = 0, limit: Limit = 200, until: Until = None
) -> AnnotationsResponse:
    """All annotations in ledger order; pages that follow ``next`` miss none and repeat none."""
    found = await run_in_threadpool(caller.served.ledger.annotations.after, after, limit, until)
    return AnnotationsResponse(annotations=found, next=found[-1].seq if len(found) == limit else None)


@router.get("/projects/{project}/samples/{sample_id}")
async def show_sample(caller: Lead, sample_id: SamplePath) -> SampleResponse:
    """A sample with all its annotations, corrections and withdrawals included."""
    return await run_in_threadpool(sample_detail, caller.served, sample_id)


@router.get("/projects/{project}/annotators")
async def list_annotators(caller: Lead) -> list[AnnotatorResponse]:
    """The figures of each annotator."""
    return await run_in_threadpool(annotators, caller.served)


@router.get("/projects/{project}/agreement")
async def show_agreement(caller: Lead) -> AgreementResponse:
    """Inter-annotator agreement beyond chance."""
    return await run_in_threadpool(agreement, caller.served)


@router.get("/projects/{project}/throughput")
async def list_days(caller: Lead) -> list[DayResponse]:
    """The annotations of each annotator on each of the last fourteen days, by act."""
    return await run_in_threadpool(throughput, caller.served)


@router.post("/projects/{project}/gold", status_code=201, openapi_extra=openapi_body(GoldRequest))
async def add_gold(request: Request, response: Response, caller: Lead) -> GoldResponse:
    """Mark a sample as gold: annotators get it from time to time without knowing that its class is known."""
    gold_request = await read_json(request, GoldRequest)
    served, who = caller.served, caller.annotator
    gold, is_new = await wrap_future(
        served.writer.run(lambda: mark_gold(served, who, gold_request.sample_id, gold_request.label))
    )
    response.status_code = 201 if is_new else 200
    return GoldResponse(gold_id=gold.gold_id, sample_id=gold.sample_id, label=gold.label)
