"""``tiltyard label serve`` and ``label secret``: label the queue in the browser."""

import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tiltyard.apps.cli.console import AsJson, ProjectPath, say, show_json
from tiltyard.schemas.errors import SettingsError

if TYPE_CHECKING:
    from tiltyard.schemas.labeling_settings import LabelingSettings

GRACE_SECONDS: Final = 10
"""How long to wait at the end for requests in flight."""

Projects = Annotated[
    list[Path] | None,
    typer.Option("--project", "-p", help="Folder or file of a project; repeat it to serve several."),
]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on; default: this machine only.")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]
Demo = Annotated[
    bool, typer.Option("--demo", help="Try it without a secret: shows a token, and ends all sessions on exit.")
]


def serve(projects: Projects = None, host: Host = None, port: Port = None, demo: Demo = False) -> None:
    """Serve the labeling queue to browsers, until Ctrl-C.

    Experts log in with a token from 'tiltyard annotators add'. All other settings are environment variables
    (TILTYARD_LABEL_...). Behind a proxy or with several processes, run the factory tiltyard.apps.labeling.asgi:create.
    """
    import uvicorn

    from tiltyard.apps.labeling.app import create_app
    from tiltyard.apps.labeling.middleware.connections import limited_connections

    settings = _settings(projects, host, port, demo)
    app = create_app(settings.projects, settings)
    listener = _open_socket(settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for chatty in ("alembic", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    say(f"Serving on http://{_url_host(settings.host)}:{settings.port}/ until Ctrl-C.")
    if demo:
        _show_demo_token(settings)
    # Which proxies are trusted is Tiltyard's setting, not uvicorn's.
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


def _open_socket(settings: "LabelingSettings") -> socket.socket:
    """A socket that listens on the settings' host and port; SettingsError when it cannot."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        where = f"{_url_host(settings.host)}:{settings.port}"
        raise SettingsError(
            f"cannot listen on {where}: {os.strerror(error.errno or 0)}; name another with --port"
        ) from error


def secret(project: ProjectPath = Path(), as_json: AsJson = False) -> None:
    """Create the secret that signs sessions, once: a file in the workspace that only you can read."""
    from tiltyard.apps.labeling.auth import create_secret

    file, is_new = create_secret(project)
    if as_json:
        show_json({"file": file, "made": is_new})
    else:
        say(f"{'Created' if is_new else 'Kept'} {file}. Next: tiltyard annotators add NAME, then tiltyard label serve")


def _settings(projects: list[Path] | None, host: str | None, port: int | None, demo: bool) -> "LabelingSettings":
    """The environment's settings, overridden by the command line."""
    import secrets

    from pydantic import SecretStr

    from tiltyard.schemas.labeling_settings import LabelingSettings
    from tiltyard.schemas.settings import Settings

    settings = LabelingSettings()
    given: dict[str, Any] = {"host": host, "port": port, "projects": projects or None}
    if projects is None and "projects" not in settings.model_fields_set:
        given["projects"] = [Settings().project]
    if demo:
        given["secret"] = SecretStr(secrets.token_urlsafe(48))
    return settings.model_copy(update={name: value for name, value in given.items() if value is not None})


def _show_demo_token(settings: "LabelingSettings") -> None:
    """Give access as lead, and show the token."""
    from tiltyard.apps.labeling.auth import grant_access, new_token

    token = new_token()
    grant_access(settings.projects, "demo", "lead", token, "label serve --demo")
    say("Log in with this token, shown only once:")
    typer.echo(token)


def _url_host(host: str) -> str:
    """A host as a URL needs it."""
    return f"[{host}]" if ":" in host else host
