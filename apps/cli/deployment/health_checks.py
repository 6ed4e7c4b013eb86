"""The doctor's questions about a Prefect server: whether a project is deployed there, and whether anybody works."""

from collections.abc import Collection, Iterator

from prefect.client.orchestration import SyncPrefectClient

from tiltyard.apps.cli.deployment.client import prefect_client
from tiltyard.apps.cli.deployment.lint import every_flow
from tiltyard.apps.cli.deployment.preserved_state import deployments_of
from tiltyard.apps.cli.project.health_checks import Finding
from tiltyard.schemas.errors import TiltyardError


def findings_of_server(project: str) -> Iterator[Finding]:
    """Whether every flow of a project is deployed and somebody runs them."""
    try:
        with prefect_client() as client:
            deployed = deployments_of(client, project)
            yield flows_finding(project, [one.entrypoint or "" for one in deployed])
            yield from (_worker(client, pool) for pool in sorted({one.work_pool_name or "" for one in deployed}))
    except TiltyardError as error:
        yield Finding("deployments", "fail", str(error), "Check PREFECT_API_URL and PREFECT_API_KEY.")


def flows_finding(project: str, entrypoints: Collection[str]) -> Finding:
    """Whether each flow is deployed under an entry point that exists; ``entrypoints`` are those of the deployments.

    Prefect imports an entry point when a run starts, so a deployment of an older version fails only then.
    """
    there = set(entrypoints)
    if gone := sorted(there - set(every_flow())):
        said = f"{len(gone)} deployments of {project!r} have entry points that do not exist, so their runs fail: "
        return Finding("deployments", "fail", said + ", ".join(gone), "tiltyard deploy")
    missing = sorted(flow.name for entrypoint, flow in every_flow().items() if entrypoint not in there)
    said = f"{len(there)} of {len(every_flow())} flows are deployed as {project!r}"
    if not missing:
        return Finding("deployments", "ok", said)
    return Finding("deployments", "warn", f"{said}; missing: {', '.join(missing)}", "tiltyard deploy")


def _worker(client: SyncPrefectClient, pool: str) -> Finding:
    """Whether a worker of a pool is at work."""
    workers = client.read_workers_for_work_pool(pool)
    online = [one.name for one in workers if one.status == "ONLINE"]
    if online:
        return Finding("workers", "ok", f"{len(online)} of work pool {pool!r}")
    remedy = f"prefect worker start --pool {pool} --limit 2"
    return Finding("workers", "warn", f"nobody works for work pool {pool!r}: runs wait", remedy)
