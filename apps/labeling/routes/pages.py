"""The experts' pages: rendered here, filled by the API."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiltyard.apps.labeling.auth.rate_limits import client_address
from tiltyard.apps.labeling.rendering.markdown import render_guidelines
from tiltyard.apps.labeling.rendering.templates import render_page
from tiltyard.apps.labeling.service.callers import Caller, Visitor, caller_in, visitor_of
from tiltyard.apps.labeling.service.service import service_of
from tiltyard.schemas.records import Role

router = APIRouter(include_in_schema=False)
Link = dict[str, Any]


class LoginRequired(Exception):
    """A page was asked for by somebody who is not logged in."""


async def page_visitor(request: Request) -> Visitor:
    """Who asks for a page; LogInFirst for strangers."""
    visitor = await visitor_of(request)
    service = service_of(request)
    service.requests.hit(
        client_address(request) if visitor is None else next(iter(visitor.accesses.values())).annotator
    )
    if visitor is None:
        raise LoginRequired
    return visitor


async def page_caller(request: Request, project: str, role: Role) -> tuple[Caller, dict[str, Any]]:
    """Who asks for a page of a project, and what every such page is told."""
    visitor = await page_visitor(request)
    caller = caller_in(request, visitor, project, role)
    return caller, caller_context(request, caller, visitor)


def redirect_to_login(request: Request) -> Response:
    """The way to the log-in page and back."""
    return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)


@router.get("/")
async def home(request: Request) -> Response:
    """The one project of the visitor, or the list of them."""
    visitor = await page_visitor(request)
    if len(visitor.accesses) == 1:
        return RedirectResponse(f"/p/{next(iter(visitor.accesses))}/", 303)
    service = service_of(request)
    projects = [
        {
            "name": name,
            "description": service.projects[name].project.description,
            "role": access.role,
            "href": f"/p/{name}/",
            "waiting": await run_in_threadpool(service.projects[name].progress.waiting, access.annotator),
        }
        for name, access in visitor.accesses.items()
    ]
    return render_page("shared/projects.html", visitor_context(request, visitor) | {"projects": projects})


@router.get("/p/{project}/")
async def show_labeling(request: Request, project: str) -> Response:
    """The page on which samples are labeled."""
    _, context = await page_caller(request, project, "annotator")
    return render_page("labeling/label.html", context)


@router.get("/p/{project}/guidelines")
async def show_guidelines(request: Request, project: str) -> Response:
    """How to label, as the project says it."""
    caller, context = await page_caller(request, project, "annotator")
    found = caller.served.project
    return render_page(
        "labeling/guidelines.html",
        context | {"html": render_guidelines(found.guidelines), "version": found.guidelines_hash},
    )


@router.get("/p/{project}/disputes")
async def show_disputes(request: Request, project: str) -> Response:
    """The page on which disputes are decided."""
    _, context = await page_caller(request, project, "adjudicator")
    return render_page("leads/disputes.html", context)


@router.get("/help")
async def show_help(request: Request, project: str = "") -> Response:
    """The keys, and the classes' keys of a project that is named."""
    visitor = await page_visitor(request)
    if not project:
        return render_page("labeling/help.html", visitor_context(request, visitor) | {"classes": []})
    caller = caller_in(request, visitor, project, "annotator")
    classes = [entry.model_dump() for entry in caller.served.project.classes]
    return render_page("labeling/help.html", caller_context(request, caller, visitor) | {"classes": classes})


def visitor_context(request: Request, visitor: Visitor) -> dict[str, Any]:
    """What every page of somebody who is logged in is told."""
    accesses = list(visitor.accesses.values())
    proof = service_of(request).csrf.proof_of(visitor.nonce) if visitor.nonce else ""
    return {
        "csrf": proof,
        "annotator": accesses[0].annotator,
        "role": None,
        "project": None,
        "nav": [],
        "many_projects": len(accesses) > 1,
    }


def caller_context(request: Request, caller: Caller, visitor: Visitor) -> dict[str, Any]:
    """What every page of a project is told."""
    project = caller.served.project
    return visitor_context(request, visitor) | {
        "annotator": caller.annotator,
        "role": caller.role,
        "project": {"name": project.name, "description": project.description},
        "nav": _links(caller, request.url.path),
    }


def _links(caller: Caller, path: str) -> list[Link]:
    """The links of a project's pages, as far as the caller's role reaches."""
    project = caller.served.project
    home = f"/p/{project.name}/"
    links = [("Label", home)]
    links += [("Guidelines", f"{home}guidelines")] if project.guidelines.strip() else []
    links += [("Disputes", f"{home}disputes")] if caller.may("adjudicator") else []
    if caller.may("lead"):
        links += [("Overview", f"{home}lead"), ("People", f"{home}lead/people"), ("Exports", f"{home}lead/exports")]
    links.append(("Help", f"/help?project={project.name}"))
    return [{"href": href, "text": text, "current": href == path} for text, href in links]
