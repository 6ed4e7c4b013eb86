"""``tiltyard deploy``: one project's flows as deployments of a Prefect server."""

import os
import subprocess
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console.options import HERE, AsJson, ProjectPath
from tiltyard.apps.cli.console.output import say, show_json, show_table
from tiltyard.schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefect.client.orchestration import SyncPrefectClient

DEPLOYMENTS = Path("prefect.yaml")

Pool = Annotated[
    str, typer.Option("--pool", envvar="TILTYARD_WORK_POOL", help="Work pool whose workers run the project's flows.")
]
At = Annotated[str | None, typer.Option("--at", help="Where workers find the project; default: the same path as here.")]
File = Annotated[Path, typer.Option("--file", help="The deployments, as Prefect reads them.")]
Variables = Annotated[
    bool, typer.Option("--variables", help="Only write the variables for 'prefect deploy', as shell commands.")
]


def deploy(
    project: ProjectPath = HERE,
    pool: Pool = "tiltyard",
    at: At = None,
    file: File = DEPLOYMENTS,
    variables: Variables = False,
    as_json: AsJson = False,
) -> None:
    """Deploy every flow for one project to the Prefect server of PREFECT_API_URL; again after a change.

    Deployments bear the project's name, such as 'retrain-challenger/bank', and wake on its events only. The file is
    checked first: unknown keys, events that nobody emits, parameters that do not fit. Schedules begin paused; what
    people switched on or off since then stays as it is.
    """
    from tiltyard.apps.cli.deployment.files import variables_of
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    folder = at or str(workspace.project_file.parent.resolve())
    given = variables_of(workspace, pool, folder)
    if variables:
        sys.stdout.write("".join(f"export {name}={quote(value)}\n" for name, value in given.items()))
        return
    deployed = deploy_all(file, given)
    if as_json:
        show_json({"project": workspace.project.name, "pool": pool, "deployments": deployed})
        return
    show_table([{"deployment": name} for name in deployed], f"Deployed to work pool {pool!r}")
    say(f"Next: prefect worker start --pool {pool}; and tiltyard automations apply, to be told what happens.")


def deploy_all(file: Path, variables: "Mapping[str, str]") -> list[str]:
    """Check a file and have Prefect deploy all of it; the deployments' names.

    Raises SettingsError for what is wrong with the file, the server or the work pool.
    """
    from tiltyard.apps.cli.deployment.client import prefect_client
    from tiltyard.apps.cli.deployment.files import filled, read_yaml
    from tiltyard.apps.cli.deployment.lint import every_flow, mistakes_in_deployments, refuse
    from tiltyard.apps.cli.deployment.preserved_state import restore, switches_of

    content, project = filled(read_yaml(file), variables), variables["TILTYARD_PROJECT_NAME"]
    refuse(mistakes_in_deployments(content), file)
    with prefect_client() as client:
        find_pool(client, variables["TILTYARD_WORK_POOL"])
        before = switches_of(client, project)
        try:
            _prefect_deploy(file, variables)
        finally:
            restore(client, project, before)
    return [f"{every_flow()[one['entrypoint']].name}/{one['name']}" for one in content["deployments"]]


def find_pool(client: "SyncPrefectClient", name: str) -> None:
    """Raise SettingsError with the command that makes it, when the server has no such work pool."""
    from prefect.exceptions import ObjectNotFound

    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        command = f"prefect work-pool create {name} --type process"
        raise SettingsError(f"there is no work pool {name!r}; make it with '{command}', or name another") from None


def _prefect_deploy(file: Path, variables: "Mapping[str, str]") -> None:
    """Run Prefect's own command, which asks nothing."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    environment = {**os.environ, **variables}
    # Our own interpreter, and no shell that could read the path otherwise.
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 (see above)
    if run.returncode:
        raise SettingsError(f"'prefect deploy' failed: {(run.stdout + run.stderr).strip()[-1500:]}")
