"""The queue's part of the API: leases, answers, progress."""

from asyncio import wrap_future
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tiltyard.apps.labeling.annotation.assignment_reason import deciding_features, selection_reason
from tiltyard.apps.labeling.annotation.project_view import project_response
from tiltyard.apps.labeling.annotation.submission import submit
from tiltyard.apps.labeling.api.request_body import openapi_body, read_json
from tiltyard.apps.labeling.api.requests import AnnotationsRequest, LeaseRequest, ReleaseRequest
from tiltyard.apps.labeling.api.responses import (
    AssignmentResponse,
    LeaseResponse,
    ProgressResponse,
    ProjectResponse,
    ProjectSummaryResponse,
    ReleaseResponse,
    SubmitResponse,
)
from tiltyard.apps.labeling.auth.csrf import HEADER
from tiltyard.apps.labeling.service.callers import Annotator, Caller, Leaving, Visiting, refuse_foreign_page
from tiltyard.apps.labeling.service.progress import SETTLING_ACTS
from tiltyard.apps.labeling.service.service import service_of
from tiltyard.schemas.records import Assignment, AssignmentId

BEACON: Final = "text/plain"
router = APIRouter(tags=["queue"])


@router.get("/projects")
async def list_projects(request: Request, visitor: Visiting) -> list[ProjectSummaryResponse]:
    """The caller's projects."""
    service = service_of(request)
    return [
        ProjectSummaryResponse(
            name=name,
            description=service.projects[name].project.description,
            role=access.role,
            waiting=await run_in_threadpool(service.projects[name].progress.waiting, access.annotator),
        )
        for name, access in visitor.accesses.items()
    ]


@router.get("/projects/{project}")
async def show_project(caller: Annotator) -> ProjectResponse:
    """Classes, columns and display of one project: what a page needs to draw its samples."""
    return project_response(caller)


@router.get("/projects/{project}/progress")
async def show_progress(caller: Annotator) -> ProgressResponse:
    """What is left, what the caller has done today, when the next training comes."""
    return await run_in_threadpool(caller.served.progress.tell, caller.annotator)


@router.post("/projects/{project}/lease", openapi_extra=openapi_body(LeaseRequest))
async def lease(request: Request, caller: Annotator) -> LeaseResponse:
    """Lease the next assignments and renew those that are held."""
    wanted, served = await read_json(request, LeaseRequest), caller.served
    written = await wrap_future(served.writer.submit((), (caller.annotator, wanted.altogether)))
    return await _leased(caller, wanted, written.held)


@router.post("/projects/{project}/release", openapi_extra=openapi_body(ReleaseRequest, BEACON))
async def release(request: Request, caller: Leaving, visitor: Visiting) -> ReleaseResponse:
    """Give assignments back, as a page does that is closed; what nobody answered is free for others at once."""
    returned = await read_json(request, ReleaseRequest, BEACON)
    refuse_foreign_page(request, visitor, request.headers.get(HEADER) or returned.csrf)
    only = None if returned.assignments is None else [AssignmentId(one) for one in returned.assignments]
    back = caller.served.ledger.assignments.release
    released = await wrap_future(caller.served.writer.run(lambda: back(caller.annotator, only)))
    return ReleaseResponse(released=released)


@router.post(
    "/projects/{project}/annotations",
    openapi_extra=openapi_body(AnnotationsRequest),
    responses={201: {"model": SubmitResponse, "description": "stored; 200 when all of it was known before"}},
)
async def annotate(request: Request, response: Response, caller: Annotator) -> SubmitResponse:
    """Store answers; when this is answered they are on disk. Sent again, they are the same answers.

    Each answer is taken or refused by itself. With ``lease``, the next assignments come in the same response.
    """
    said = await read_json(request, AnnotationsRequest)
    results, held = await submit(caller, said.annotations, said.lease)
    new = [result for result in results if result.status == "stored"]
    response.status_code = 201 if new else 200
    caller.served.progress.count(caller.annotator, *_counted(said.annotations, {one.client_key for one in new}))
    leased = await _leased(caller, said.lease, held)
    return SubmitResponse(results=results, assignments=leased.assignments, gone=leased.gone, progress=leased.progress)


def _counted(said: Sequence[Any], new: Collection[str]) -> tuple[int, int]:
    """How many of the answers settle an assignment, and by how many the caller's day has grown.

    A second answer to a sample grows nothing; whatever else was said on the way is right again at the next count.
    """
    stored = [one for one in said if isinstance(one, dict) and one.get("client_key") in new]
    settled = sum(one["act"] in SETTLING_ACTS and not one.get("supersedes_key") for one in stored)
    return settled, settled - sum(one["act"] == "withdraw" for one in stored)


async def _leased(caller: Caller, wanted: LeaseRequest | None, held: list[Assignment] | None) -> LeaseResponse:
    """What the caller gets next, and where they stand then."""
    progress = caller.served.progress
    told = progress.remembered(caller.annotator) if held is None or held else None
    if told is None:
        told = await run_in_threadpool(progress.tell, caller.annotator, ran_out=held == [])
    if wanted is None or held is None:
        return LeaseResponse(assignments=[], progress=told)
    return LeaseResponse(assignments=_new(caller, held, wanted), gone=_gone(held, wanted), progress=told)


def _new(caller: Caller, held: list[Assignment], wanted: LeaseRequest) -> list[AssignmentResponse]:
    """What is held and was not sent before."""
    return [assignment_response(one, caller) for one in held if one.assignment_id not in wanted.have]


def _gone(held: list[Assignment], wanted: LeaseRequest) -> list[str]:
    """What the page has and holds no longer."""
    ours = {one.assignment_id for one in held}
    return [one for one in wanted.have if one not in ours]


def assignment_response(assignment: Assignment, caller: Caller) -> AssignmentResponse:
    """An assignment as an annotator may see it."""
    project = caller.served.project
    return AssignmentResponse(
        assignment_id=assignment.assignment_id,
        sample_id=assignment.sample_id,
        payload=assignment.payload,
        why=selection_reason(assignment),
        deciding=deciding_features(assignment, project),
        lease_until=caller.served.now() + timedelta(minutes=project.labeling.lease_minutes),
        guidelines_version=project.guidelines_hash,
    )
