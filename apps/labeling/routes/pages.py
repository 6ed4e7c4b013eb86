"""Pages for annotators: rendered here, filled by scripts through the API."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiltyard.apps.labeling.auth.rate_limits import client_address
from tiltyard.apps.labeling.rendering import render_guidelines, render_page
from tiltyard.apps.labeling.service import Caller, Visitor, caller_in, service_of, visitor_of
from tiltyard.schemas.records import Role

router = APIRouter(include_in_schema=False)
Link = dict[str, Any]


class LoginRequired(Exception):
    """A page needs a login."""


async def page_visitor(request: Request) -> Visitor:
    """The visitor who opens a page; LoginRequired if not logged in."""
    visitor = await visitor_of(request)
    service = service_of(request)
    service.requests.hit(
        client_address(request) if visitor is None else next(iter(visitor.accesses.values())).annotator
    )
    if visitor is None:
        raise LoginRequired
    return visitor


async def page_caller(request: Request, project: str, role: Role) -> tuple[Caller, dict[str, Any]]:
    """The caller who opens a page of a project, and the template context that all such pages share."""
    visitor = await page_visitor(request)
    caller = caller_in(request, visitor, project, role)
    return caller, caller_context(request, caller, visitor)


def redirect_to_login(request: Request) -> Response:
    """A redirect to the login page, which leads back afterwards."""
    return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)


@router.get("/")
async def home(request: Request) -> Response:
    """The visitor's only project, or the list of projects."""
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
    """The labeling page."""
    _, context = await page_caller(request, project, "annotator")
    return render_page("labeling/label.html", context)


@router.get("/p/{project}/guidelines")
async def show_guidelines(request: Request, project: str) -> Response:
    """The guidelines of the project."""
    caller, context = await page_caller(request, project, "annotator")
    found = caller.served.project
    return render_page(
        "labeling/guidelines.html",
        context | {"html": render_guidelines(found.guidelines), "version": found.guidelines_hash},
    )


@router.get("/p/{project}/disputes")
async def show_disputes(request: Request, project: str) -> Response:
    """The adjudication page."""
    _, context = await page_caller(request, project, "adjudicator")
    return render_page("leads/disputes.html", context)


@router.get("/help")
async def show_help(request: Request, project: str = "") -> Response:
    """The keys of commands and, for a project, of its classes."""
    visitor = await page_visitor(request)
    if not project:
        return render_page("labeling/help.html", visitor_context(request, visitor) | {"classes": []})
    caller = caller_in(request, visitor, project, "annotator")
    classes = [entry.model_dump() for entry in caller.served.project.classes]
    return render_page("labeling/help.html", caller_context(request, caller, visitor) | {"classes": classes})


def visitor_context(request: Request, visitor: Visitor) -> dict[str, Any]:
    """The template context of all pages after login."""
    accesses = list(visitor.accesses.values())
    token = service_of(request).csrf.token_of(visitor.nonce) if visitor.nonce else ""
    return {
        "csrf": token,
        "annotator": accesses[0].annotator,
        "role": None,
        "project": None,
        "nav": [],
        "many_projects": len(accesses) > 1,
    }


def caller_context(request: Request, caller: Caller, visitor: Visitor) -> dict[str, Any]:
    """The template context of all pages of a project."""
    project = caller.served.project
    return visitor_context(request, visitor) | {
        "annotator": caller.annotator,
        "role": caller.role,
        "project": {"name": project.name, "description": project.description},
        "nav": _links(caller, request.url.path),
    }


def _links(caller: Caller, path: str) -> list[Link]:
    """The links to a project's pages that the caller's role may open."""
    project = caller.served.project
    home = f"/p/{project.name}/"
    links = [("Label", home)]
    links += [("Guidelines", f"{home}guidelines")] if project.guidelines.strip() else []
    links += [("Disputes", f"{home}disputes")] if caller.may("adjudicator") else []
    if caller.may("lead"):
        links += [("Overview", f"{home}lead"), ("Annotators", f"{home}lead/people"), ("Exports", f"{home}lead/exports")]
    links.append(("Help", f"/help?project={project.name}"))
    return [{"href": href, "text": text, "current": href == path} for text, href in links]
