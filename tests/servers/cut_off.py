"""S3, PostgreSQL and MLflow on this machine, each behind a connection that can be cut and mended."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from tests.servers.databases import database_of
from tests.servers.mlflow_server import running_mlflow
from tests.servers.s3_server import client, credentials, running_aws
from tests.servers.tcp_proxy import Proxy, between


@dataclass(frozen=True)
class CutOff:
    """The connections by the stores' names, and the environment that sends a project to them."""

    proxies: dict[str, Proxy]
    environment: dict[str, str]


@contextmanager
def stores_to_cut(folder: Path, postgresql: str) -> Iterator[CutOff]:
    """Fresh stores, ended with the context; the bucket ``landing`` is the source, ``kept`` holds the files."""
    database = make_url(database_of(postgresql))
    (folder / "mlflow").mkdir()
    with ExitStack() as servers:
        mlflow, aws = servers.enter_context(running_mlflow(folder / "mlflow")), servers.enter_context(running_aws())
        for bucket in ("landing", "kept"):
            client("s3", aws).create_bucket(Bucket=bucket)
        proxies = {
            "s3": servers.enter_context(between(("127.0.0.1", _port(aws)))),
            "mlflow": servers.enter_context(between(("127.0.0.1", _port(mlflow)))),
            "postgresql": servers.enter_context(between(f"{database.query['host']}/.s.PGSQL.5432")),
        }
        ledger = database.set(query={}, host="127.0.0.1", port=proxies["postgresql"].port)
        environment = {
            **credentials(f"http://127.0.0.1:{proxies['s3'].port}"),
            "TILTYARD_SOURCE_URL": "s3://landing/{project}",
            "TILTYARD_FILES_URL": "s3://kept/{project}",
            "TILTYARD_LEDGER_URL": ledger.render_as_string(hide_password=False),
            "TILTYARD_MLFLOW_URI": f"http://127.0.0.1:{proxies['mlflow'].port}",
        }
        yield CutOff(proxies, environment)


def _port(address: str) -> int:
    """The port of an address."""
    return int(address.rsplit(":", 1)[1])
