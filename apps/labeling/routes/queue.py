"""API for annotators: leases, annotations, progress."""

from asyncio import wrap_future
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tiltyard.apps.labeling.annotation import deciding_features, project_response, selection_reason, submit
from tiltyard.apps.labeling.api import openapi_body, read_json
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
from tiltyard.apps.labeling.service import Caller, service_of
from tiltyard.apps.labeling.service.callers import Annotator, Leaving, Visiting, require_csrf_token
from tiltyard.apps.labeling.service.progress import SETTLING_ACTS
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
    """Classes, columns and display of one project, which a page needs to show samples."""
    return project_response(caller)


@router.get("/projects/{project}/progress")
async def show_progress(caller: Annotator) -> ProgressResponse:
    """Open samples, the caller's annotations today, and the next training."""
    return await run_in_threadpool(caller.served.progress.of, caller.annotator)


@router.post("/projects/{project}/lease", openapi_extra=openapi_body(LeaseRequest))
async def lease(request: Request, caller: Annotator) -> LeaseResponse:
    """Lease assignments and renew the caller's leases."""
    wanted, served = await read_json(request, LeaseRequest), caller.served
    written = await wrap_future(served.writer.submit((), (caller.annotator, wanted.total)))
    return await _leased(caller, wanted, written.held)


@router.post("/projects/{project}/release", openapi_extra=openapi_body(ReleaseRequest, BEACON))
async def release(request: Request, caller: Leaving, visitor: Visiting) -> ReleaseResponse:
    """Give assignments back, as a page does when it closes; open ones are available to others at once."""
    body = await read_json(request, ReleaseRequest, BEACON)
    require_csrf_token(request, visitor, request.headers.get(HEADER) or body.csrf)
    only = None if body.assignments is None else [AssignmentId(one) for one in body.assignments]
    back = caller.served.ledger.assignments.release
    released = await wrap_future(caller.served.writer.run(lambda: back(caller.annotator, only)))
    return ReleaseResponse(released=released)


@router.post(
    "/projects/{project}/annotations",
    openapi_extra=openapi_body(AnnotationsRequest),
    responses={201: {"model": SubmitResponse, "description": "stored; 200 if all of them were stored before"}},
)
async def annotate(request: Request, response: Response, caller: Annotator) -> SubmitResponse:
    """Store annotations; they are on disk before the response. The same ones sent again change nothing.

    Each annotation is accepted or refused by itself. With ``lease`` the response has the next assignments.
    """
    body = await read_json(request, AnnotationsRequest)
    results, held = await submit(caller, body.annotations, body.lease)
    new = [result for result in results if result.status == "stored"]
    response.status_code = 201 if new else 200
    caller.served.progress.count(caller.annotator, *_counted(body.annotations, {one.client_key for one in new}))
    leased = await _leased(caller, body.lease, held)
    return SubmitResponse(results=results, assignments=leased.assignments, gone=leased.gone, progress=leased.progress)


def _counted(given: Sequence[Any], new: Collection[str]) -> tuple[int, int]:
    """How many annotations complete an assignment, and the change of the caller's count for today.

    A correction changes nothing; other deviations disappear with the next count.
    """
    stored = [one for one in given if isinstance(one, dict) and one.get("client_key") in new]
    completed = sum(one["act"] in SETTLING_ACTS and not one.get("supersedes_key") for one in stored)
    return completed, completed - sum(one["act"] == "withdraw" for one in stored)


async def _leased(caller: Caller, wanted: LeaseRequest | None, held: list[Assignment] | None) -> LeaseResponse:
    """The caller's new assignments, lost ones, and progress."""
    progress = caller.served.progress
    current = progress.cached(caller.annotator) if held is None or held else None
    if current is None:
        current = await run_in_threadpool(progress.of, caller.annotator, ran_out=held == [])
    if wanted is None or held is None:
        return LeaseResponse(assignments=[], progress=current)
    return LeaseResponse(assignments=_new(caller, held, wanted), gone=_gone(held, wanted), progress=current)


def _new(caller: Caller, held: list[Assignment], wanted: LeaseRequest) -> list[AssignmentResponse]:
    """The held assignments that the client does not have yet."""
    return [assignment_response(one, caller) for one in held if one.assignment_id not in wanted.have]


def _gone(held: list[Assignment], wanted: LeaseRequest) -> list[str]:
    """The client's assignments that the caller no longer holds."""
    current = {one.assignment_id for one in held}
    return [one for one in wanted.have if one not in current]


def assignment_response(assignment: Assignment, caller: Caller) -> AssignmentResponse:
    """An assignment with what an annotator may see of it."""
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
