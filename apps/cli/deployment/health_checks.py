"""Health checks of a Prefect server: whether a project is deployed there, and whether workers are online."""

from collections.abc import Collection, Iterator

from prefect.client.orchestration import SyncPrefectClient

from tiltyard.apps.cli.console.findings import Finding
from tiltyard.apps.cli.deployment.client import prefect_client
from tiltyard.apps.cli.deployment.lint import all_flows
from tiltyard.apps.cli.deployment.preserved_state import deployments_of
from tiltyard.schemas.errors import TiltyardError


def check_server(project: str) -> Iterator[Finding]:
    """Check that every flow of a project is deployed, and that a worker runs them."""
    try:
        with prefect_client() as client:
            deployed = deployments_of(client, project)
            yield flows_finding(project, [one.entrypoint or "" for one in deployed])
            yield from (_worker(client, pool) for pool in sorted({one.work_pool_name or "" for one in deployed}))
    except TiltyardError as error:
        yield Finding("deployments", "fail", str(error), "Check PREFECT_API_URL and PREFECT_API_KEY.")


def flows_finding(project: str, entrypoints: Collection[str]) -> Finding:
    """Check that each flow is deployed under an entry point that exists; ``entrypoints`` are those of the deployments.

    Prefect imports an entry point when a run starts, so a deployment of an older version fails only then.
    """
    found = set(entrypoints)
    if unknown := sorted(found - set(all_flows())):
        summary = f"{len(unknown)} deployments of {project!r} have entry points that do not exist, so their runs fail: "
        return Finding("deployments", "fail", summary + ", ".join(unknown), "tiltyard deploy")
    missing = sorted(flow.name for entrypoint, flow in all_flows().items() if entrypoint not in found)
    summary = f"{len(found)} of {len(all_flows())} flows are deployed as {project!r}"
    if not missing:
        return Finding("deployments", "ok", summary)
    return Finding("deployments", "warn", f"{summary}; missing: {', '.join(missing)}", "tiltyard deploy")


def _worker(client: SyncPrefectClient, pool: str) -> Finding:
    """Check that a worker of a work pool is online."""
    workers = client.read_workers_for_work_pool(pool)
    online = [one.name for one in workers if one.status == "ONLINE"]
    if online:
        return Finding("workers", "ok", f"{len(online)} online in work pool {pool!r}")
    remedy = f"prefect worker start --pool {pool} --limit 2"
    return Finding("workers", "warn", f"no online worker in work pool {pool!r}: runs wait", remedy)
