"""``tiltyard annotators``: who may answer, in which role, with which token."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, By, ProjectPath
from tiltyard.apps.cli.console.output import say, show_json, show_table
from tiltyard.project.errors import person
from tiltyard.schemas.errors import AnnotationError, nearest

if TYPE_CHECKING:
    from tiltyard.schemas.records import Access, Role

annotators = typer.Typer(no_args_is_help=True, help="Who may label: add, list, revoke.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="How their annotations are signed.")]
RoleName = Annotated[str, typer.Option("--role", metavar="ROLE", help="annotator, adjudicator or lead.")]
Projects = Annotated[
    list[Path] | None,
    typer.Option("--project", "-p", help="Folder or file of a project; repeat it for one token in several."),
]
NoToken = Annotated[
    bool, typer.Option("--no-token", help="Make none: a trusted proxy or an OpenID provider answers for the person.")
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
    """Let somebody in, and show their token: this once, because only its hash is kept.

    Said again of the same name, the new token and role take the place of the old ones.
    """
    from tiltyard.apps.labeling.auth import grant_access, new_token

    token = None if no_token else new_token()
    granted = grant_access(_named(projects), _checked_name(name), _role(role), token, person(by))
    if as_json:
        show_json({"annotator": name, "role": role, "token": token, "access_id": granted.access_id})
        return
    say(f"{name} may come in as {role}.")
    if token is not None:
        say("Their token, which is shown this once and kept nowhere:")
        typer.echo(token)


@annotators.command("list")
def list_annotators(project: ProjectPath = HERE, as_json: AsJson = False) -> None:
    """List everybody who may come in; no token can be shown again."""
    from tiltyard.workspace.workspace import open_workspace

    rows = [_row(access) for access in open_workspace(project).ledger.access.current()]
    if as_json:
        show_json({"annotators": rows})
    elif rows:
        show_table(rows)
    else:
        say("Nobody may label in the browser yet. Next: tiltyard annotators add NAME")


@annotators.command("revoke")
def revoke(name: Name, projects: Projects = None, by: By = None, as_json: AsJson = False) -> None:
    """Take an access away: the token is worth nothing from now on, open sessions end, answers stay."""
    from tiltyard.apps.labeling.auth import revoke_access as take_away

    revoked = take_away(_named(projects), name, person(by))
    if as_json:
        show_json({"annotator": name, "revoked": [path.name for path in revoked]})
    else:
        say(f"{name} may come in no longer. What they have answered stays.")


def _named(projects: list[Path] | None) -> list[Path]:
    """The projects that a command is about; those of the environment when it names none."""
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
        raise AnnotationError(f"{name!r} is no role; {nearest(name, get_args(Role))}")
    return found


def _checked_name(name: str) -> str:
    """A name that can stand in a ledger, on a page and in a header."""
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise AnnotationError(f"{name!r:.60} is no name: up to {LONGEST_NAME} printable characters, no space around")
    return name
