"""Pages: templates that escape whatever they are given, and what every page is told."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tiltyard.apps.labeling.service.callers import Caller, Visitor
from tiltyard.apps.labeling.service.service import service_of

FOLDER: Final = Path(__file__).parents[1]
Link = dict[str, Any]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    """The templates of the package; autoescape is for all of them, whatever their names end in."""
    return Environment(loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined)


def page(name: str, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """A rendered page."""
    return HTMLResponse(_templates().get_template(name).render(context), status)


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
