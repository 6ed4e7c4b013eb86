"""The checks of ``tiltyard doctor``: each ends in ok, warn or fail, with what to do."""

import os
import platform
import sqlite3
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tiltyard.apps.cli.console.findings import Finding
from tiltyard.schemas.errors import TiltyardError

if TYPE_CHECKING:
    from tiltyard.stores.files import Files
    from tiltyard.workspace.workspace import Workspace

LIBRARIES: Final = ("prefect", "mlflow", "scikit-learn", "modAL-python", "pandera", "polars", "pandas", "sqlalchemy")


def run_checks(project: Path) -> Iterator[Finding]:
    """Run all checks, the machine's first; without a project the project's checks are skipped."""
    yield _python()
    yield _libraries()
    yield _fastapi()
    yield _modal()
    yield _threads()
    yield _sqlite()
    yield _prefect()
    yield from _of_project(project)


def _python() -> Finding:
    """Python's version and the machine."""
    facts = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("python", "ok", facts)
    return Finding("python", "warn", facts, "Tiltyard is tested on Python 3.11 to 3.13; use one of these.")


def _installed(package: str) -> str | None:
    """A package's version, if it is installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _libraries() -> Finding:
    """The versions of the main libraries."""
    found = {name: _installed(name) for name in LIBRARIES}
    missing = [name for name, found_version in found.items() if found_version is None]
    if missing:
        return Finding("libraries", "fail", f"missing: {', '.join(missing)}", "pip install -r requirements.lock")
    return Finding("libraries", "ok", ", ".join(f"{name} {found_version}" for name, found_version in found.items()))


def _fastapi() -> Finding:
    """Prefect's server does not import with a newer FastAPI."""
    found = _installed("fastapi") or "0"
    major, minor = (int(part) for part in (*found.split("."), "0")[:2])
    if (major, minor) >= (0, 155):
        return Finding(
            "fastapi", "fail", f"{found}: Prefect's server does not start with it", "pip install 'fastapi<0.151'"
        )
    return Finding("fastapi", "ok", found)


def _modal() -> Finding:
    """The package ``modal`` is another company's product."""
    if _installed("modAL-python") is None and _installed("modal") is not None:
        remedy = "pip uninstall modal; pip install modAL-python==0.4.2.1"
        return Finding("modAL", "fail", "'modal' is installed, which is another product; modAL is missing", remedy)
    if _installed("modal") is not None:
        facts = "both 'modAL-python' and 'modal' are installed; on a file system without case they hide each other"
        return Finding("modAL", "warn", facts, "Uninstall 'modal' from this environment unless you use it.")
    return Finding("modAL", "ok", f"modAL-python {_installed('modAL-python')}")


def _threads() -> Finding:
    """OpenMP's threads stall each other on busy cores; Tiltyard's steps use one thread, other code may not."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads in {"", "1"}:
        return Finding("threads", "ok", f"OMP_NUM_THREADS={threads or 'unset'}; Tiltyard fits with one thread")
    remedy = "export OMP_NUM_THREADS=1, unless you measured that more are faster."
    return Finding("threads", "warn", f"OMP_NUM_THREADS={threads}", remedy)


def _sqlite() -> Finding:
    """The ledger needs RETURNING and WAL."""
    if sqlite3.sqlite_version_info < (3, 35):
        remedy = "Use a Python that is built with SQLite 3.35 or newer."
        return Finding("sqlite", "fail", f"{sqlite3.sqlite_version} is too old", remedy)
    return Finding("sqlite", "ok", sqlite3.sqlite_version)


def _prefect() -> Finding:
    """Whether Prefect's server is reachable, or flows run embedded."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    address = PREFECT_API_URL.value()
    if not address:
        return Finding("prefect", "ok", "no PREFECT_API_URL: 'tiltyard run' embeds its server")
    with get_client(sync_client=True) as client:
        problem = client.api_healthcheck()
    if problem is None:
        return Finding("prefect", "ok", f"the server at {address} is reachable")
    return Finding("prefect", "fail", f"cannot reach the server at {address}: {problem!r:.100}", PREFECT_REMEDY)


PREFECT_REMEDY: Final = "Start it with 'prefect server start', or unset PREFECT_API_URL to run embedded."


def _of_project(project: Path) -> Iterator[Finding]:
    """Check the project; the first failure ends the checks, because the rest depends on it."""
    from tiltyard.workspace.workspace import open_workspace

    try:
        workspace = open_workspace(project)
    except TiltyardError as error:
        yield Finding("project", "warn", str(error), "Name a project with --project to check it as well.")
        return
    except OSError as error:
        yield Finding("project", "fail", f"{error}", "Give this user the right to write there.")
        return
    yield Finding("project", "ok", f"{workspace.project.name} at {workspace.project_file}")
    for check in (_writable, _source, _files, _contract, _metric, _trusted, _ledger, _registry, _champion):
        finding = check(workspace)
        yield finding
        if finding.state == "fail":
            return
    yield from _server(workspace)


def _server(workspace: "Workspace") -> Iterator[Finding]:
    """Check the project's deployments on Prefect's server, if one is set."""
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        # Imports every flow, and with them the libraries that fit models.
        from tiltyard.apps.cli.deployment.health_checks import check_server

        yield from check_server(workspace.project.name)


def _trusted(workspace: "Workspace") -> Finding:
    """Whose code may run when a model is loaded."""
    trusted = workspace.project.trusted
    if not trusted:
        return Finding("trusted", "ok", "models contain only known types and those of the candidates")
    return Finding("trusted", "warn", trust_warning(trusted), "Remove from 'trusted' what no candidate needs.")


def trust_warning(trusted: list[str]) -> str:
    """The consequence of the project file's ``trusted`` list, for users who did not write it."""
    names = ", ".join(trusted)
    return f"anyone who can change {names} can run code here when a model is loaded ('trusted' in the project file)"


def _writable(workspace: "Workspace") -> Finding:
    """Whether the workspace's folder can be written to."""
    if os.access(workspace.folder, os.W_OK | os.X_OK):
        return Finding("workspace", "ok", str(workspace.folder))
    return Finding("workspace", "fail", f"{workspace.folder} is not writable", "Give this user the right to write.")


def _source(workspace: "Workspace") -> Finding:
    """Whether the source's objects can be listed and read."""
    from tiltyard.stores.files import FolderObjects

    try:
        source = workspace.source
        if isinstance(source, FolderObjects):
            return Finding("source", "ok", f"{source} is scanned for objects")
        return _source_bucket(workspace)
    except TiltyardError as error:
        return Finding("source", "fail", str(error), SOURCE_REMEDY)


SOURCE_REMEDY: Final = (
    "Check TILTYARD_SOURCE_URL or source.folder, boto3's variables (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL), and "
    "the rights s3:ListBucket, s3:GetBucketVersioning, s3:ListBucketVersions, s3:GetObject, s3:GetObjectVersion."
)


def _source_bucket(workspace: "Workspace") -> Finding:
    """Whether a source bucket can be read, and whether its versioning is on."""
    from tiltyard.stores.s3 import S3Objects
    from tiltyard.stores.s3.probe import supports_versions

    source = workspace.source
    assert isinstance(source, S3Objects)
    if supports_versions(source, workspace.project.source.pattern):
        return Finding("source", "ok", f"{source.place} is listed and read, versioning is on")
    facts = f"{source.place} is listed and read, versioning is off: an object overwritten before it lands is lost"
    return Finding("source", "warn", facts, "Turn on the bucket's versioning, unless producers never overwrite.")


def _files(workspace: "Workspace") -> Finding:
    """Whether immutable files can be written, and concurrent writes of one name are refused."""
    try:
        files = workspace.files("objects")
        if workspace.settings.files_url is None:
            return Finding("files", "ok", str(workspace.folder))
        return _files_bucket(files)
    except TiltyardError as error:
        return Finding("files", "fail", str(error), FILES_REMEDY)


FILES_REMEDY: Final = (
    "Check TILTYARD_FILES_URL, boto3's variables (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL), and the rights "
    "s3:ListBucket, s3:GetObject, s3:PutObject, s3:AbortMultipartUpload."
)


def _files_bucket(files: "Files") -> Finding:
    """Whether a bucket is writable, and refuses a second put of one name."""
    from tiltyard.stores.s3 import S3Files
    from tiltyard.stores.s3.probe import supports_conditional_writes

    assert isinstance(files, S3Files)
    if supports_conditional_writes(files.place):
        return Finding("files", "ok", f"{files.place} is written, and a second put of one name is refused")
    facts = f"{files.place} is written, but its server ignores If-None-Match: a second put replaces the first"
    remedy = "Files named by their content are safe; for the others run one worker, or use a server that supports it."
    return Finding("files", "warn", facts, remedy)


def _contract(workspace: "Workspace") -> Finding:
    """Whether the Pandera schema, if there is one, can be loaded."""
    try:
        return Finding(
            "contract", "ok", f"{workspace.contract_hash[:12]}, {workspace.project.pandera or 'columns only'}"
        )
    except TiltyardError as error:
        return Finding("contract", "fail", str(error), "Fix 'pandera' in the project file, or the module it names.")


def _metric(workspace: "Workspace") -> Finding:
    """Whether the gate's metric can be loaded, if it is a custom one."""
    from tiltyard.evaluation.custom_metrics import is_custom, load_metric

    metric = workspace.project.gate.metric
    try:
        facts = f"gate.metric: {metric}"
        if is_custom(metric):
            facts += ", higher is better" if load_metric(metric).greater_is_better else ", lower is better"
        return Finding("metric", "ok", facts)
    except TiltyardError as error:
        return Finding("metric", "fail", str(error), "Fix 'gate.metric' in the project file, or the module it names.")


def _ledger(workspace: "Workspace") -> Finding:
    """Whether the ledger opens."""
    from tiltyard.stores.ledger.chain.integrity import missing_guards

    remedy = "Check TILTYARD_LEDGER_URL, or restore workspace/ledger.db from a backup; 'tiltyard verify' shows details."
    try:
        position, missing = workspace.ledger.position(), missing_guards(workspace.ledger)
    except Exception as error:  # each database driver raises its own errors
        return Finding("ledger", "fail", f"{str(error).splitlines()[0]}", remedy)
    if missing:
        return Finding(
            "ledger", "fail", f"{len(missing)} guards against changes are missing", "'tiltyard verify' names them."
        )
    return Finding("ledger", "ok", f"{position:,} facts")


def _registry(workspace: "Workspace") -> Finding:
    """Whether MLflow is reachable."""
    try:
        aliases = workspace.registry.aliases()
    except TiltyardError as error:
        return Finding("mlflow", "fail", str(error), "Check TILTYARD_MLFLOW_URI, and that its server is running.")
    return Finding("mlflow", "ok", f"{workspace.registry.uri}, aliases: {', '.join(aliases) or 'none yet'}")


def _champion(workspace: "Workspace") -> Finding:
    """Whether the registry's alias shows the ledger's champion."""
    champion = workspace.ledger.champions.champion_id
    if champion is None:
        return Finding("champion", "ok", "none yet")
    version_shown = workspace.registry.aliases().get("champion")
    version_true = workspace.ledger.models.get(champion).registry_version
    if version_shown == version_true:
        return Finding("champion", "ok", f"{champion[:8]}, and the registry's alias agrees")
    facts = f"the ledger says version {version_true}, the registry's alias shows {version_shown}"
    return Finding("champion", "warn", facts, "The next promotion or the reconcile flow repairs the alias.")
