"""Where a workspace looks and keeps: what the settings say, else the project file, else the folder beside it."""

from pathlib import Path

import pytest

from tests.projects.small_project import make_project
from tiltyard.schemas.errors import SettingsError
from tiltyard.schemas.settings import Settings
from tiltyard.stores.files import FileStore
from tiltyard.stores.s3 import S3Files, S3Objects, parse_bucket
from tiltyard.workspace.workspace import Workspace, open_workspace


def opened(folder: Path, source: str = "incoming", **settings: object) -> Workspace:
    """A project with a source, opened under settings."""
    project_file = make_project(folder, source={"folder": source}).project_file
    return open_workspace(project_file, Settings(**settings))  # type: ignore[arg-type]  # each test gives the right ones


def test_a_folder_is_seen_from_the_project_file(tmp_path: Path) -> None:
    assert opened(tmp_path, "in/here").source.name == "folder:here"
    assert (tmp_path / "in" / "here").is_dir()


def test_a_bucket_may_stand_in_the_project_file(aws: str, tmp_path: Path) -> None:
    source = opened(tmp_path, "s3://landing/bank").source
    assert isinstance(source, S3Objects)
    assert (source.bucket, source.prefix, source.name) == ("landing", "bank", "s3:landing/bank")


def test_the_settings_go_before_the_project_file(aws: str, tmp_path: Path) -> None:
    assert opened(tmp_path, source_url="s3://landing/{project}").source.name == "s3:landing/small"
    assert opened(tmp_path, "s3://landing/x", source_url=str(tmp_path / "{project}")).source.name == "folder:small"


def test_files_are_in_the_folder_unless_a_bucket_is_named(aws: str, tmp_path: Path) -> None:
    here = opened(tmp_path).files("pool")
    assert isinstance(here, FileStore)
    assert here.root == tmp_path / "workspace" / "pool"
    there = opened(tmp_path, files_url="s3://files/all/{project}", cache_mb=7).files("pool")
    assert isinstance(there, S3Files)
    assert (there.name, there.cache.most_bytes) == ("s3://files/all/small/pool/", 7_000_000)
    assert there.cache.root == tmp_path / "workspace" / "cache"


@pytest.mark.parametrize(
    ("source", "files"),
    [("s3://b", "s3://b/small"), ("s3://b/small/pool", "s3://b/{project}"), ("s3://b/x", "s3://b/x")],
)
def test_our_own_files_are_never_taken_for_objects(aws: str, tmp_path: Path, source: str, files: str) -> None:
    with pytest.raises(SettingsError, match=r"the source s3://b.* and TILTYARD_FILES_URL overlap"):
        assert opened(tmp_path, source, files_url=files).source


def test_source_and_files_may_share_a_bucket(aws: str, tmp_path: Path) -> None:
    assert opened(tmp_path, "s3://b/in", files_url="s3://b/in-files").source.name == "s3:b/in"


def test_a_place_of_files_that_is_no_bucket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"'gs://files' is not a bucket; write s3://BUCKET/PREFIX"):
        opened(tmp_path, files_url="gs://files").files("pool")


def test_the_region_is_taken_from_the_place_or_either_variable(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_bucket("s3://b").client.meta.region_name == "us-east-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert parse_bucket("s3://b").client.meta.region_name == "eu-west-1"
    assert parse_bucket("s3://b?region=eu-north-1").client.meta.region_name == "eu-north-1"


@pytest.mark.parametrize("said", ["0", "-1", "many", "2.5"])
def test_a_wrong_number_of_attempts_is_told(
    aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:  # fmt: skip
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", said)
    with pytest.raises(SettingsError, match=f"AWS_MAX_ATTEMPTS is '{said}'; set it to a whole number"):
        list(opened(tmp_path, "s3://landing/bank").source.arrivals("*"))


@pytest.mark.parametrize(
    ("setting", "place"), [("ledger_url", "sqlite:///{folder}/one.db"), ("workspace", "{folder}/work")]
)
def test_two_projects_never_share_a_ledger_without_a_word(tmp_path: Path, setting: str, place: str) -> None:
    shared = place.replace("{folder}", str(tmp_path))

    def named(name: str, shared: str) -> Workspace:
        file = make_project(tmp_path / name, name=name).project_file
        return open_workspace(file, Settings(**{setting: shared}))  # type: ignore[arg-type]  # the right one of two

    assert named("alpha", shared).ledger.position() == 0
    for _ in range(2):
        with pytest.raises(SettingsError, match=f"TILTYARD_{setting.upper()}: .* not 'beta''s; put {{project}} into"):
            assert named("beta", shared).ledger
    assert named("alpha", shared).ledger.position() == 0
    for name in ("beta", "gamma"):
        assert named(name, f"{shared}-{{project}}").ledger.position() == 0


def test_a_project_that_is_renamed_keeps_the_ledger_in_its_own_folder(tmp_path: Path) -> None:
    assert make_project(tmp_path, name="before").ledger.position() == 0
    assert make_project(tmp_path, name="after").ledger.position() == 0
