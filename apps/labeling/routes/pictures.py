"""The pictures' part of the API."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tiltyard.apps.labeling.api.request_body import SamplePath
from tiltyard.apps.labeling.rendering.pictures import read_picture
from tiltyard.apps.labeling.service.callers import Annotator, Caller
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Payload, SampleId

router = APIRouter(tags=["queue"])
KEPT = "private, max-age=900"
"""The browser may keep a picture for as long as a lease lasts, so that the next sample is there at once."""


@router.get(
    "/projects/{project}/samples/{sample_id}/image",
    response_class=Response,
    responses={200: {"content": {"image/*": {}}, "description": "the picture's bytes"}},
)
async def show_picture(caller: Annotator, sample_id: SamplePath) -> Response:
    """The picture of a sample that the caller holds, has answered, or may see as adjudicator."""
    payload = await run_in_threadpool(_payload, caller, SampleId(sample_id))
    content, kind = await run_in_threadpool(read_picture, caller.served.workspace, payload)
    return Response(content, media_type=kind, headers={"Cache-Control": KEPT})


def _payload(caller: Caller, sample_id: SampleId) -> Payload:
    """The values of a sample, if the caller may see it; NotFound as if it were not there, if not."""
    ledger = caller.served.ledger
    standing = ledger.assignments.standing(sample_id)
    mine = any(one.holder == caller.annotator for one in standing)
    if standing and (mine or caller.may("adjudicator")):
        return caller.served.assignment(standing[0].assignment_id).payload
    said = [one for one in ledger.annotations.of_sample(sample_id) if one.annotator == caller.annotator]
    if not said:
        raise NotFound("you hold no such sample")
    return said[0].payload
