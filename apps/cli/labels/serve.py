"""``tiltyard label serve`` and ``label secret``: the queue in the browser."""

import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tiltyard.apps.cli.console.options import AsJson, ProjectPath
from tiltyard.apps.cli.console.output import say, show_json
from tiltyard.schemas.errors import SettingsError

if TYPE_CHECKING:
    from tiltyard.schemas.labeling_settings import LabelingSettings

GRACE_SECONDS: Final = 10
"""What requests under way are waited for at the end."""

Projects = Annotated[
    list[Path] | None,
    typer.Option("--project", "-p", help="Folder or file of a project; repeat it to serve several."),
]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on; default: this machine alone.")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]
Demo = Annotated[
    bool, typer.Option("--demo", help="Try it without a secret: everybody is logged out at the end, a token is shown.")
]


def serve(projects: Projects = None, host: Host = None, port: Port = None, demo: Demo = False) -> None:
    """Serve the queue to experts' browsers, until Ctrl-C.

    They log in with a token of 'tiltyard annotators add'. Everything else is set in the environment
    (TILTYARD_LABEL_...); behind a proxy or with several processes, run the factory tiltyard.apps.labeling.asgi:create.
    """
    import uvicorn

    from tiltyard.apps.labeling.app import create_app
    from tiltyard.apps.labeling.middleware.connections import limited_connections

    settings = _settings(projects, host, port, demo)
    app = create_app(settings.projects, settings)
    listener = _listening(settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for chatty in ("alembic", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    say(f"Serving on http://{_shown(settings.host)}:{settings.port}/ until Ctrl-C.")
    if demo:
        _tell_demo_token(settings)
    # Who is believed to forward for others is our own setting, not uvicorn's.
    config = uvicorn.Config(
        app,
        http=limited_connections(settings.trusted_proxies),
        proxy_headers=False,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _listening(settings: "LabelingSettings") -> socket.socket:
    """A socket that listens where the settings say; SettingsError where it cannot."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        where = f"{_shown(settings.host)}:{settings.port}"
        raise SettingsError(
            f"cannot listen on {where}: {os.strerror(error.errno or 0)}; name another with --port"
        ) from error


def secret(project: ProjectPath = Path(), as_json: AsJson = False) -> None:
    """Make the secret that sessions are signed with, once: a file in the workspace that only you can read."""
    from tiltyard.apps.labeling.auth import create_secret

    file, is_new = create_secret(project)
    if as_json:
        show_json({"file": file, "made": is_new})
    else:
        say(f"{'Made' if is_new else 'Kept'} {file}. Next: tiltyard annotators add NAME, then tiltyard label serve")


def _settings(projects: list[Path] | None, host: str | None, port: int | None, demo: bool) -> "LabelingSettings":
    """The environment's settings, with what the command line says instead."""
    import secrets

    from pydantic import SecretStr

    from tiltyard.schemas.labeling_settings import LabelingSettings
    from tiltyard.schemas.settings import Settings

    settings = LabelingSettings()
    said: dict[str, Any] = {"host": host, "port": port, "projects": projects or None}
    if projects is None and "projects" not in settings.model_fields_set:
        said["projects"] = [Settings().project]
    if demo:
        said["secret"] = SecretStr(secrets.token_urlsafe(48))
    return settings.model_copy(update={name: value for name, value in said.items() if value is not None})


def _tell_demo_token(settings: "LabelingSettings") -> None:
    """Let the one who tries it in as lead, and show the token."""
    from tiltyard.apps.labeling.auth import grant_access, new_token

    token = new_token()
    grant_access(settings.projects, "demo", "lead", token, "label serve --demo")
    say("Log in with this token, which is shown this once:")
    typer.echo(token)


def _shown(host: str) -> str:
    """A host as it stands in an address."""
    return f"[{host}]" if ":" in host else host
