"""The places that the stores' contract holds for: a folder, and buckets of two servers, with versions and without."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.s3_server import credentials, fresh_bucket, running_nanio
from tiltyard.stores.files import FileCache, Files, FileStore, FolderObjects
from tiltyard.stores.files.landing import ObjectStore
from tiltyard.stores.s3 import S3Files, S3Objects, parse_bucket

CACHE_BYTES = 100_000_000


@pytest.fixture(scope="session")
def nanio_server() -> Iterator[str]:
    """The URL of the S3 server that ignores conditional writes."""
    with running_nanio() as url:
        yield url


def bucket_on(kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh bucket's URL, with the environment set to reach it: ``bucket``, ``versioned bucket`` or ``nanio``."""
    url = request.getfixturevalue("nanio_server" if kind == "nanio" else "aws_server")
    for name, value in credentials(url).items():
        monkeypatch.setenv(name, value)
    return f"s3://{fresh_bucket(url, versioned=kind == 'versioned bucket')}/our/part?endpoint={url}"


@pytest.fixture(params=["folder", "bucket", "versioned bucket", "nanio"])
def source(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """A place where producers put objects, of each kind."""
    if request.param == "folder":
        return FolderObjects(tmp_path / "incoming")
    return S3Objects(parse_bucket(bucket_on(request.param, request, monkeypatch)))


@pytest.fixture(params=["folder", "bucket", "versioned bucket", "nanio"])
def files(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """A place of immutable files, of each kind."""
    if request.param == "folder":
        return FileStore(tmp_path / "files")
    place = parse_bucket(bucket_on(request.param, request, monkeypatch)).below("files")
    return S3Files(place, FileCache(tmp_path / "cache", CACHE_BYTES))
