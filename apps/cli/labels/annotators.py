"""``tiltyard annotators``: who has access to label, in which role, with which token."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from tiltyard.apps.cli.console import HERE, AsJson, By, ProjectPath, say, show_json, show_table
from tiltyard.project.errors import person
from tiltyard.schemas.errors import AnnotationError, nearest

if TYPE_CHECKING:
    from tiltyard.schemas.records import Access, Role

annotators = typer.Typer(no_args_is_help=True, help="Access to labeling: add, list, revoke.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name on their annotations.")]
RoleName = Annotated[str, typer.Option("--role", metavar="ROLE", help="annotator, adjudicator or lead.")]
Projects = Annotated[
    list[Path] | None,
    typer.Option("--project", "-p", help="Folder or file of a project; repeat it for one token in several."),
]
NoToken = Annotated[
    bool,
    typer.Option("--no-token", help="Create no token: a trusted proxy or OpenID provider authenticates the person."),
]
LONGEST_NAME = 200


@annotators.command("add")
def add(
    name: Name,
    role: RoleName = "annotator",
    projects: Projects = None,
    no_token: NoToken = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Give a person access and show their token once; only its hash is stored.

    Run again for the same name, the new token and role replace the old ones.
    """
    from tiltyard.apps.labeling.auth import grant_access, new_token

    token = None if no_token else new_token()
    granted = grant_access(_named(projects), _checked_name(name), _role(role), token, person(by))
    if as_json:
        show_json({"annotator": name, "role": role, "token": token, "access_id": granted.access_id})
        return
    say(f"{name} has access as {role}.")
    if token is not None:
        say("Their token, shown only once and not stored:")
        typer.echo(token)


@annotators.command("list")
def list_annotators(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """List everyone who has access; tokens cannot be shown again."""
    from tiltyard.workspace.workspace import open_workspace

    rows = [_row(access) for access in open_workspace(project).ledger.access.current()]
    if as_json:
        show_json({"annotators": rows})
    elif rows:
        show_table(rows)
    else:
        say("No one has access to label in the browser yet. Next: tiltyard annotators add NAME")


@annotators.command("revoke")
def revoke(name: Name, projects: Projects = None, by: By = None, as_json: AsJson = False) -> None:
    """Revoke access: the token stops working, open sessions end, annotations stay."""
    from tiltyard.apps.labeling.auth import revoke_access

    revoked = revoke_access(_named(projects), name, person(by))
    if as_json:
        show_json({"annotator": name, "revoked": [path.name for path in revoked]})
    else:
        say(f"Access of {name} revoked. Their annotations stay.")


def _named(projects: list[Path] | None) -> list[Path]:
    """The projects that the command names, else the one of the environment."""
    from tiltyard.schemas.settings import Settings

    return projects or [Settings().project]


def _row(access: "Access") -> dict[str, Any]:
    """An access as a row."""
    return {
        "annotator": access.annotator,
        "role": access.role,
        "token": "yes" if access.token_hash else "no",
        "since": access.recorded_at.isoformat(timespec="minutes")[:16].replace("T", " "),
        "by": access.decided_by,
    }


def _role(name: str) -> "Role":
    """A role by its name."""
    from tiltyard.schemas.records import Role

    found: Role | None = next((role for role in get_args(Role) if role == name), None)
    if found is None:
        raise AnnotationError(f"unknown role {name!r}; {nearest(name, get_args(Role))}")
    return found


def _checked_name(name: str) -> str:
    """A name that is valid in the ledger, on a page and in a header."""
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        rule = f"use up to {LONGEST_NAME} printable characters, no spaces around them"
        raise AnnotationError(f"invalid name {name!r:.60}: {rule}")
    return name
