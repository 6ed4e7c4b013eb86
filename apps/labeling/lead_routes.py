"""The leads' part of the API: every annotation, every sample, how people do; and gold samples."""

from asyncio import wrap_future
from uuid import uuid4

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from apps.labeling.agreeing import agreement
from apps.labeling.answers import Gilding
from apps.labeling.callers import Caller, Lead
from apps.labeling.failures import Refusal
from apps.labeling.overview import throughput
from apps.labeling.parameters import After, Limit, SamplePath, Until
from apps.labeling.people import people
from apps.labeling.reading import described, read_json
from apps.labeling.samples import sample
from apps.labeling.told import AgreementTold, AnnotationsTold, DayTold, GoldTold, PersonTold, SampleTold
from schemas.errors import nearest
from schemas.records import GoldSample, SampleId

router = APIRouter(tags=["lead"])


@router.get("/projects/{project}/annotations")
async def list_annotations(caller: Lead, after: After = 0, limit: Limit = 200, until: Until = None) -> AnnotationsTold:
    """Every annotation in the ledger's order: who goes on from ``next`` misses none and sees none twice."""
    found = await run_in_threadpool(caller.served.ledger.annotations.after, after, limit, until)
    return AnnotationsTold(annotations=found, next=found[-1].seq if len(found) == limit else None)


@router.get("/projects/{project}/samples/{sample_id}")
async def show_sample(caller: Lead, sample_id: SamplePath) -> SampleTold:
    """A sample with all that was ever said of it, corrections and withdrawals included."""
    return await run_in_threadpool(sample, caller.served, sample_id)


@router.get("/projects/{project}/annotators")
async def list_people(caller: Lead) -> list[PersonTold]:
    """How each annotator does."""
    return await run_in_threadpool(people, caller.served)


@router.get("/projects/{project}/agreement")
async def show_agreement(caller: Lead) -> AgreementTold:
    """How far annotators agree beyond chance."""
    return await run_in_threadpool(agreement, caller.served)


@router.get("/projects/{project}/throughput")
async def list_days(caller: Lead) -> list[DayTold]:
    """What each annotator stored on each of the last fourteen days."""
    return await run_in_threadpool(throughput, caller.served)


@router.post("/projects/{project}/gold", status_code=201, openapi_extra=described(Gilding))
async def add_gold(request: Request, response: Response, caller: Lead) -> GoldTold:
    """Make a sample gold: its answer is known, and annotators are asked it now and then without being told."""
    gilding = await read_json(request, Gilding)
    gold, is_new = await wrap_future(caller.served.writer.run(lambda: _gild(caller, gilding)))
    response.status_code = 201 if is_new else 200
    return GoldTold(gold_id=gold.gold_id, sample_id=gold.sample_id, label=gold.label)


def _gild(caller: Caller, gilding: Gilding) -> tuple[GoldSample, bool]:
    """The gold sample as the ledger keeps it, and whether it is new; run by the writer."""
    served = caller.served
    if gilding.label not in served.project.class_names:
        raise Refusal(
            422, f"{gilding.label!r} is not a class; {nearest(gilding.label, served.project.class_names)}", "label"
        )
    for known in served.ledger.gold.current():
        if (known.sample_id, known.label) == (gilding.sample_id, gilding.label):
            return known, False
    gold = GoldSample(
        gold_id=uuid4().hex,
        sample_id=SampleId(gilding.sample_id),
        payload=sample(served, gilding.sample_id).payload,
        label=gilding.label,
        act="add",
        decided_by=caller.annotator,
        recorded_at=served.now(),
    )
    return served.ledger.gold.record(gold), True
