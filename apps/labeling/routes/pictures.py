"""API for pictures of samples."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tiltyard.apps.labeling.api.request_body import SamplePath
from tiltyard.apps.labeling.rendering import read_picture
from tiltyard.apps.labeling.service import Caller
from tiltyard.apps.labeling.service.callers import Annotator
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Payload, SampleId

router = APIRouter(tags=["queue"])
CACHE_CONTROL = "private, max-age=900"
"""The browser may cache a picture for about a lease, so that the next sample is shown at once."""


@router.get(
    "/projects/{project}/samples/{sample_id}/image",
    response_class=Response,
    responses={200: {"content": {"image/*": {}}, "description": "the bytes of the picture"}},
)
async def show_picture(caller: Annotator, sample_id: SamplePath) -> Response:
    """The picture of a sample that the caller holds, has annotated, or may see as adjudicator."""
    payload = await run_in_threadpool(_payload, caller, SampleId(sample_id))
    content, kind = await run_in_threadpool(read_picture, caller.served.workspace, payload)
    return Response(content, media_type=kind, headers={"Cache-Control": CACHE_CONTROL})


def _payload(caller: Caller, sample_id: SampleId) -> Payload:
    """The values of a sample; NotFound if it does not exist or the caller may not see it."""
    ledger = caller.served.ledger
    standing = ledger.assignments.standing(sample_id)
    mine = any(one.holder == caller.annotator for one in standing)
    if standing and (mine or caller.may("adjudicator")):
        return caller.served.assignment(standing[0].assignment_id).payload
    own = [one for one in ledger.annotations.of_sample(sample_id) if one.annotator == caller.annotator]
    if not own:
        raise NotFound("no such sample among those that you hold or have annotated")
    return own[0].payload
