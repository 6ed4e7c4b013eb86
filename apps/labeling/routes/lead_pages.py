"""The leads' pages: rendered whole, without a script."""

import re
from asyncio import wrap_future
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiltyard.apps.labeling.api.errors import ApiError
from tiltyard.apps.labeling.api.request_body import SAMPLE_ID
from tiltyard.apps.labeling.api.responses import SampleResponse
from tiltyard.apps.labeling.auth.csrf import FIELD
from tiltyard.apps.labeling.leads.annotators import agreement, annotators, confusion
from tiltyard.apps.labeling.leads.gold import mark_gold, retire_gold
from tiltyard.apps.labeling.leads.overview import batches, daily_totals, dispute_count, flags, proposals, to_minute
from tiltyard.apps.labeling.leads.samples import sample_detail
from tiltyard.apps.labeling.rendering.templates import render_page
from tiltyard.apps.labeling.routes.login import form_text
from tiltyard.apps.labeling.routes.pages import page_caller
from tiltyard.apps.labeling.service.callers import Caller
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.apps.labeling.service.service import service_of
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.project.project_file import Project
from tiltyard.schemas.records import Annotation

router = APIRouter(include_in_schema=False)
Row = dict[str, Any]


@router.get("/p/{project}/lead")
async def show_overview(request: Request, project: str) -> Response:
    """Where the queue stands."""
    caller, context = await page_caller(request, project, "lead")
    return render_page("leads/overview.html", context | await run_in_threadpool(_overview, caller))


@router.get("/p/{project}/lead/people")
async def show_people(request: Request, project: str) -> Response:
    """How each annotator does."""
    caller, context = await page_caller(request, project, "lead")
    return render_page("leads/annotators.html", context | await run_in_threadpool(_people, caller.served))


@router.get("/p/{project}/lead/sample/{sample_id}")
async def show_sample(request: Request, project: str, sample_id: str) -> Response:
    """One sample with all that was ever said of it."""
    caller, context = await page_caller(request, project, "lead")
    try:
        found = await run_in_threadpool(sample_detail, caller.served, _identity(sample_id))
    except NotFound:
        return render_page(
            "leads/sample.html", context | {"sample": None, "history": [], "assignments": [], "found": False}, 404
        )
    return render_page("leads/sample.html", context | _sample(found, caller.served.project))


@router.post("/p/{project}/lead/sample/{sample_id}/gold")
async def set_gold(request: Request, project: str, sample_id: str) -> Response:
    """Make a sample gold with the class that the form names, or gold no longer when it names none."""
    caller, _ = await page_caller(request, project, "lead")
    form = await request.form()
    if caller.nonce and not service_of(request).csrf.holds(caller.nonce, form_text(form.get(FIELD))):
        raise ApiError(403, "the page's proof is missing or old; load the page again", "csrf")
    served, who, label = caller.served, caller.annotator, form_text(form.get("label"))
    sample_id = _identity(sample_id)
    act: Callable[[], object] = (
        partial(mark_gold, served, who, sample_id, label) if label else partial(retire_gold, served, who, sample_id)
    )
    await wrap_future(served.writer.run(act))
    return RedirectResponse(f"/p/{project}/lead/sample/{sample_id}", 303)


@router.get("/p/{project}/lead/exports")
async def show_exports(request: Request, project: str) -> Response:
    """Where every annotation can be fetched."""
    caller, context = await page_caller(request, project, "lead")
    return render_page("leads/exports.html", context | await run_in_threadpool(_exports, caller.served))


def _identity(said: str) -> str:
    """A sample's id from an address; NotFound for what is none, which a database might not even look for."""
    if not re.fullmatch(SAMPLE_ID, said):
        raise NotFound("there is no such sample; the overview and the exports name those that were asked")
    return said


def _overview(caller: Caller) -> Row:
    """What the overview shows."""
    served = caller.served
    progress = served.progress.tell(caller.annotator).model_dump(mode="json")
    held = served.ledger.assignments.holders(served.now())
    return {
        "progress": progress | {"waiting": served.ledger.assignments.waiting_count()},
        "batches": batches(served),
        "holders": [{"annotator": name, "held": count} for name, count in held.items()],
        "disputes": dispute_count(served),
        "days": daily_totals(served),
        "proposals": proposals(served),
        "flags": flags(served),
        "agreement": agreement(served).model_dump(),
    }


def _people(served: ServedProject) -> Row:
    """What the page about people shows."""
    rows = [person.model_dump(mode="json") for person in annotators(served)]
    for row in rows:
        row["since"], row["last"] = (to_minute(row[name]) if row[name] else None for name in ("since", "last"))
    beside = [one.model_dump() for one in confusion(served)]
    return {"people": rows, "agreement": agreement(served).model_dump(), "confusion": beside}


def _sample(found: SampleResponse, project: Project) -> Row:
    """What the page about a sample shows."""
    columns = project.columns.features | project.columns.context
    units = {name: column.unit for name, column in columns.items()}
    values = [{"column": name, "value": value, "unit": units.get(name, "")} for name, value in found.payload.items()]
    said = {"label": found.suggestion, "probability": found.probability} if found.suggestion else None
    superseded = {one.supersedes for one in found.annotations}
    return {
        "sample": {
            "sample_id": found.sample_id,
            "values": values,
            "label": found.label,
            "dispute": found.dispute,
            "gold": found.gold,
            "suggestion": said,
        },
        "assignments": [one.model_dump() for one in found.assignments],
        "classes": project.class_names,
        "history": [_act(one, superseded=one.annotation_id in superseded) for one in found.annotations],
        "found": True,
    }


def _act(annotation: Annotation, *, superseded: bool) -> Row:
    """One annotation as a row of a history."""
    names = ("seq", "annotator", "act", "label", "note", "purpose", "strategy", "late", "origin", "supersedes")
    also = ("suggestion", "suggestion_visible", "lead_ms")
    row = {name: getattr(annotation, name) for name in (*names, *also)}
    at = to_minute(annotation.recorded_at.isoformat())
    return row | {"at": at, "superseded": superseded, "guidelines": annotation.guidelines_hash}


def _exports(served: ServedProject) -> Row:
    """What the page about exports shows."""
    address = f"/api/v1/projects/{served.project.name}/export?format="
    return {
        "formats": [{"name": "CSV", "href": f"{address}csv"}, {"name": "JSON Lines", "href": f"{address}jsonl"}],
        "annotations": served.ledger.annotations.count(),
        "position": served.ledger.position(),
        "notices": [
            {
                "event": notice.event,
                "state": notice.state,
                "attempts": notice.attempts,
                "problem": notice.problem,
                "at": to_minute(notice.recorded_at.isoformat()),
            }
            for notice in served.ledger.outbox.all(20)
        ],
    }
