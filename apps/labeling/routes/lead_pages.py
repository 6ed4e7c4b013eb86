"""Pages for leads, rendered on the server without scripts."""

import re
from asyncio import wrap_future
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiltyard.apps.labeling.api import ApiError
from tiltyard.apps.labeling.api.request_body import SAMPLE_ID
from tiltyard.apps.labeling.api.responses import SampleResponse
from tiltyard.apps.labeling.auth.csrf import FIELD
from tiltyard.apps.labeling.leads import agreement, annotators, confusion, mark_gold, retire_gold, sample_detail
from tiltyard.apps.labeling.leads.overview import batches, daily_totals, dispute_count, flags, proposals, to_minute
from tiltyard.apps.labeling.rendering import render_page
from tiltyard.apps.labeling.routes.login import form_text
from tiltyard.apps.labeling.routes.pages import page_caller
from tiltyard.apps.labeling.service import Caller, ServedProject, service_of
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Annotation

router = APIRouter(include_in_schema=False)
Row = dict[str, Any]


@router.get("/p/{project}/lead")
async def show_overview(request: Request, project: str) -> Response:
    """The overview of the queue."""
    caller, context = await page_caller(request, project, "lead")
    return render_page("leads/overview.html", context | await run_in_threadpool(_overview, caller))


@router.get("/p/{project}/lead/people")
async def show_people(request: Request, project: str) -> Response:
    """The figures of each annotator."""
    caller, context = await page_caller(request, project, "lead")
    return render_page("leads/annotators.html", context | await run_in_threadpool(_people, caller.served))


@router.get("/p/{project}/lead/sample/{sample_id}")
async def show_sample(request: Request, project: str, sample_id: str) -> Response:
    """One sample with all its annotations."""
    caller, context = await page_caller(request, project, "lead")
    try:
        found = await run_in_threadpool(sample_detail, caller.served, _checked_id(sample_id))
    except NotFound:
        return render_page(
            "leads/sample.html", context | {"sample": None, "history": [], "assignments": [], "found": False}, 404
        )
    return render_page("leads/sample.html", context | _sample(found, caller.served.project))


@router.post("/p/{project}/lead/sample/{sample_id}/gold")
async def set_gold(request: Request, project: str, sample_id: str) -> Response:
    """Mark a sample as gold with the class of the form, or remove the mark if the form has no class."""
    caller, _ = await page_caller(request, project, "lead")
    form = await request.form()
    if caller.nonce and not service_of(request).csrf.is_valid(caller.nonce, form_text(form.get(FIELD))):
        raise ApiError(403, "the CSRF token is missing or expired; reload the page", "csrf")
    served, who, label = caller.served, caller.annotator, form_text(form.get("label"))
    sample_id = _checked_id(sample_id)
    act: Callable[[], object] = (
        partial(mark_gold, served, who, sample_id, label) if label else partial(retire_gold, served, who, sample_id)
    )
    await wrap_future(served.writer.run(act))
    return RedirectResponse(f"/p/{project}/lead/sample/{sample_id}", 303)


@router.get("/p/{project}/lead/exports")
async def show_exports(request: Request, project: str) -> Response:
    """The exports of annotations, and the delivery of notices."""
    caller, context = await page_caller(request, project, "lead")
    return render_page("leads/exports.html", context | await run_in_threadpool(_exports, caller.served))


def _checked_id(sample_id: str) -> str:
    """A sample id from a path; NotFound if it is invalid, because a database may reject such a text."""
    if not re.fullmatch(SAMPLE_ID, sample_id):
        raise NotFound("no such sample; the overview and the exports list the ids of samples")
    return sample_id


def _overview(caller: Caller) -> Row:
    """The content of the overview."""
    served = caller.served
    progress = served.progress.of(caller.annotator).model_dump(mode="json")
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
    """The content of the page about annotators."""
    rows = [person.model_dump(mode="json") for person in annotators(served)]
    for row in rows:
        row["since"], row["last"] = (to_minute(row[name]) if row[name] else None for name in ("since", "last"))
    matrices = [one.model_dump() for one in confusion(served)]
    return {"people": rows, "agreement": agreement(served).model_dump(), "confusion": matrices}


def _sample(found: SampleResponse, project: Project) -> Row:
    """The content of the page about a sample."""
    columns = project.columns.features | project.columns.context
    units = {name: column.unit for name, column in columns.items()}
    values = [{"column": name, "value": value, "unit": units.get(name, "")} for name, value in found.payload.items()]
    prediction = {"label": found.suggestion, "probability": found.probability} if found.suggestion else None
    superseded = {one.supersedes for one in found.annotations}
    return {
        "sample": {
            "sample_id": found.sample_id,
            "values": values,
            "label": found.label,
            "dispute": found.dispute,
            "gold": found.gold,
            "suggestion": prediction,
        },
        "assignments": [one.model_dump() for one in found.assignments],
        "classes": project.class_names,
        "history": [_act(one, superseded=one.annotation_id in superseded) for one in found.annotations],
        "found": True,
    }


def _act(annotation: Annotation, *, superseded: bool) -> Row:
    """One annotation as a row of the history."""
    names = ("seq", "annotator", "act", "label", "note", "purpose", "strategy", "late", "origin", "supersedes")
    also = ("suggestion", "suggestion_visible", "lead_ms")
    row = {name: getattr(annotation, name) for name in (*names, *also)}
    at = to_minute(annotation.recorded_at.isoformat())
    return row | {"at": at, "superseded": superseded, "guidelines": annotation.guidelines_hash}


def _exports(served: ServedProject) -> Row:
    """The content of the page about exports."""
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
