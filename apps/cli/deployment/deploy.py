"""``tiltyard deploy``: one project's flows as deployments of a Prefect server."""

import os
import subprocess
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.apps.cli.console import HERE, AsJson, ProjectPath, say, show_json, show_table
from tiltyard.schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefect.client.orchestration import SyncPrefectClient

DEPLOYMENTS = Path("prefect.yaml")

Pool = Annotated[
    str, typer.Option("--pool", envvar="TILTYARD_WORK_POOL", help="Work pool whose workers run the project's flows.")
]
At = Annotated[str | None, typer.Option("--at", help="The project's path on the workers; default: the same as here.")]
File = Annotated[Path, typer.Option("--file", help="The deployments file, in Prefect's format.")]
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
    """Deploy every flow of one project to the Prefect server at PREFECT_API_URL; run it again after a change.

    Deployments are named after the project, such as 'retrain-challenger/bank', and run only on its events. The file is
    checked first: unknown keys, events that Tiltyard does not emit, parameters that do not fit. Schedules begin
    paused; schedules and triggers that people paused or resumed since then stay so.
    """
    from tiltyard.apps.cli.deployment.files import variables_of
    from tiltyard.workspace.workspace import open_workspace

    workspace = open_workspace(project)
    folder = at or str(workspace.project_file.parent.resolve())
    given = variables_of(workspace, pool, folder)
    if variables:
        sys.stdout.write("".join(f"export {name}={quote(value)}\n" for name, value in given.items()))
        return
    deployed = deploy_flows(file, given)
    if as_json:
        show_json({"project": workspace.project.name, "pool": pool, "deployments": deployed})
        return
    show_table([{"deployment": name} for name in deployed], f"Deployed to work pool {pool!r}")
    say(f"Next: prefect worker start --pool {pool}; then tiltyard automations apply, to get notices.")


def deploy_flows(file: Path, variables: "Mapping[str, str]") -> list[str]:
    """Check a file and deploy all of it with Prefect; the deployments' names.

    Raises SettingsError for mistakes in the file, the server's address or the work pool.
    """
    from tiltyard.apps.cli.deployment.client import prefect_client
    from tiltyard.apps.cli.deployment.files import fill_variables, read_yaml
    from tiltyard.apps.cli.deployment.lint import all_flows, lint_deployments, refuse_mistakes
    from tiltyard.apps.cli.deployment.preserved_state import read_paused_state, restore_paused_state

    content, project = fill_variables(read_yaml(file), variables), variables["TILTYARD_PROJECT_NAME"]
    refuse_mistakes(lint_deployments(content), file)
    with prefect_client() as client:
        require_work_pool(client, variables["TILTYARD_WORK_POOL"])
        before = read_paused_state(client, project)
        try:
            _prefect_deploy(file, variables)
        finally:
            restore_paused_state(client, project, before)
    return [f"{all_flows()[one['entrypoint']].name}/{one['name']}" for one in content["deployments"]]


def require_work_pool(client: "SyncPrefectClient", name: str) -> None:
    """Raise SettingsError with the command that creates it, when the server has no such work pool."""
    from prefect.exceptions import ObjectNotFound

    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        command = f"prefect work-pool create {name} --type process"
        raise SettingsError(
            f"no work pool {name!r} on the server; create it with '{command}', or name another with --pool"
        ) from None


def _prefect_deploy(file: Path, variables: "Mapping[str, str]") -> None:
    """Run Prefect's own command without prompts."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    environment = {**os.environ, **variables}
    # The same interpreter, and no shell that could interpret the path.
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 (see above)
    if run.returncode:
        raise SettingsError(f"'prefect deploy' failed: {(run.stdout + run.stderr).strip()[-1500:]}")
