"""Buckets and queues over HTTP on this machine: moto for S3, SQS, SNS, EventBridge and IAM; nanio for S3 alone.

Each runs in a process of its own, on 127.0.0.1 and a free port, and is ended by its id. moto keeps conditional writes;
nanio ignores them, as several servers in the field do.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import boto3
import httpx

from tests.servers.ports import free_port

ACCESS_KEY, SECRET_KEY, REGION = "testing", "testing-secret", "us-east-1"
START_SECONDS = 60


def credentials(url: str) -> dict[str, str]:
    """The environment variables that send boto3, wherever it is used, to a server of ours."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def client(service: str, url: str) -> Any:
    """A boto3 client of a server of ours, whatever the environment says."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


def fresh_bucket(url: str, versioned: bool = False) -> str:
    """Make an empty bucket; its name."""
    name, s3 = f"tiltyard-{uuid4().hex[:12]}", client("s3", url)
    s3.create_bucket(Bucket=name)
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@contextmanager
def running_aws() -> Iterator[str]:
    """moto's server until the end of the block: its URL. It takes any credentials, unless told to check them."""
    port = free_port()
    with _running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running_nanio() -> Iterator[str]:
    """nanio's server until the end of the block: its URL. It has no versions and takes each put as unconditional."""
    port, command = free_port(), str(Path(sys.executable).parent / "nanio")
    words = ["serve", "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "--no-access-log"]
    keys = {"NANIO_ACCESS_KEY": ACCESS_KEY, "NANIO_SECRET_KEY": SECRET_KEY}
    with TemporaryDirectory(prefix="nanio-") as folder, _running([command, *words, "--data-dir", folder], port, keys):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(command: Sequence[str], port: int, environment: dict[str, str] | None = None) -> Iterator[None]:
    """A server that listens on a port, until the end of the block; what it says is shown when it does not start."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TILTYARD_", "COV"))}
    with TemporaryDirectory(prefix="server-log-") as folder, (Path(folder) / "log").open("w+b") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**kept, **(environment or {})}
        )
        try:
            _wait(process, port, Path(folder) / "log")
            yield
        finally:
            _end(process)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until a server answers anything; its last words are the failure's message."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", timeout=5)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the server does not start: {log.read_text('utf-8')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server, gently at first."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
