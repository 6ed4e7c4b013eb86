"""What networks and busy servers do: a request is sent again, a step may try again, nothing is half."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.servers.faulty_server import STALL_SECONDS, Fault, Faulty, faulty
from tests.servers.ports import free_port
from tests.servers.s3_server import client, credentials, fresh_bucket
from tiltyard.schemas.errors import ObjectError, SettingsError, Unavailable
from tiltyard.stores.files import FileCache
from tiltyard.stores.files.landing import LandedObjects
from tiltyard.stores.s3 import Bucket, S3Files, S3Objects, parse_bucket
from tiltyard.stores.s3.transfer import PART

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTENT = b"x,y\n" + b"1,2\n" * 100_000


@pytest.fixture
def between(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    """A faulty server between us and the buckets; each request is tried three times."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    with faulty(aws) as script:
        yield script


@pytest.fixture
def place(aws: str, between: Faulty) -> Bucket:
    """A bucket behind the faulty server."""
    return parse_bucket(f"s3://{fresh_bucket(aws)}/part?endpoint={between.url}&seconds=60")


@pytest.fixture
def source(aws: str, place: Bucket) -> S3Objects:
    """A source with one object in it."""
    client("s3", aws).put_object(Bucket=place.name, Key="part/a.csv", Body=CONTENT, ChecksumAlgorithm="CRC32")
    return S3Objects(place)


@pytest.fixture
def files(place: Bucket, tmp_path: Path) -> S3Files:
    """A store of files with none in it."""
    return S3Files(place.below("files"), FileCache(tmp_path / "cache", 1_000_000_000))


def test_a_busy_server_is_asked_again(between: Faulty, source: S3Objects, files: S3Files) -> None:
    between.next = ["busy", "busy"]
    (arrival,) = source.arrivals("*")
    between.next = ["busy", "busy"]
    assert source.find("a.csv") == arrival
    between.next = ["busy", "busy"]
    assert b"".join(source.read(arrival)) == CONTENT
    between.next = ["busy", "busy"]
    files.write("a", b"1")
    assert files.read("a") == b"1"
    assert between.next == []


def test_a_server_that_stays_busy_is_not_waited_for(between: Faulty, source: S3Objects, files: S3Files) -> None:
    (arrival,) = source.arrivals("*")
    between.always = "busy"
    for act in (
        lambda: list(source.arrivals("*")),
        lambda: source.find("a.csv"),
        lambda: list(source.read(arrival)),
        lambda: files.write("a", b"1"),
        lambda: files.exists("a"),
        lambda: files.read("a"),
    ):
        between.asked.clear()
        with pytest.raises(Unavailable, match=r"the server is busy \((SlowDown|503)\)"):
            act()
        assert len(between.asked) == 3
    assert files.sweep() == 0


@pytest.mark.parametrize("fault", ["cut", "stall", "flip"])
def test_an_object_that_does_not_come_whole_is_not_landed(
    between: Faulty, source: S3Objects, files: S3Files, fault: Fault
) -> None:
    (arrival,) = source.arrivals("*")
    landed, impatient = LandedObjects(files), S3Objects(replace(source.place, seconds=STALL_SECONDS / 4))
    between.next = [fault]
    with pytest.raises(Unavailable, match=r"object 'a\.csv' in s3://.*no whole answer"):
        landed.land(impatient, arrival, NOW)
    assert list(files.names()) == []
    assert files.sweep() == 0
    assert landed.land(source, arrival, NOW).size == len(CONTENT)


def test_a_file_that_does_not_come_whole_is_not_at_hand(between: Faulty, files: S3Files) -> None:
    files.write("a", CONTENT)
    files.cache.most_bytes = 0
    files.write("b", b"drops all copies")
    between.next = ["cut"]
    with pytest.raises(Unavailable), files.at_hand("a"):
        pass
    with files.at_hand("a") as path:
        assert path.read_bytes() == CONTENT


def test_a_lost_answer_to_our_own_put_is_not_taken_for_a_rival(between: Faulty, files: S3Files) -> None:
    between.next = ["lost"]
    files.write("a", CONTENT)
    puts = [request for request in between.asked if request.startswith("PUT")]
    assert len(puts) == 2, "the put was repeated, and met its own object"
    assert files.read("a") == CONTENT


def test_a_lost_answer_to_the_end_of_an_upload_is_not_taken_for_a_rival(between: Faulty, files: S3Files) -> None:
    content = b"0123456789abcdef" * (PART // 16 + 1)
    between.next = ["none", "none", "none", "lost"]
    files.write("large", content)
    assert sum(request.startswith("POST") for request in between.asked) == 3, "begun once, ended twice"
    assert files.sha256("large")
    assert len(files.read("large")) == len(content)


def test_a_server_that_does_not_know_conditions_is_asked_without(between: Faulty, files: S3Files) -> None:
    between.next = ["unknown"]
    files.write("a", b"1")
    assert len(between.asked) == 2
    assert files.read("a") == b"1"


def test_a_server_that_keeps_no_versions_is_taken_at_its_word(between: Faulty, source: S3Objects) -> None:
    between.next = ["unknown"]
    assert not source.is_versioned()


def test_a_rival_is_not_taken_for_a_lost_answer(files: S3Files) -> None:
    files.write("a", b"the rival's")
    with pytest.raises(ObjectError, match="holds another 'a', and files are written once"):
        files.write("a", b"ours")
    assert files.read("a") == b"the rival's"


def test_a_broken_upload_leaves_nothing(between: Faulty, files: S3Files, aws: str) -> None:
    between.next = ["none", "none", "busy", "busy", "busy"]
    with pytest.raises(Unavailable):
        files.write("large", b"x" * (PART + 1))
    assert list(files.names()) == []
    assert files.sweep() == 0
    assert client("s3", aws).list_multipart_uploads(Bucket=files.place.name).get("Uploads", []) == []


def test_nobody_there_is_an_outage(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    nobody = S3Objects(parse_bucket(f"s3://b/p?endpoint=http://127.0.0.1:{free_port()}"))
    with pytest.raises(Unavailable, match="no whole answer"):
        list(nobody.arrivals("*"))


def test_a_missing_bucket_is_said(aws: str) -> None:
    source = S3Objects(parse_bucket("s3://no-such-bucket-here/p"))
    for act in (lambda: list(source.arrivals("*")), source.is_versioned):
        with pytest.raises(SettingsError, match=r"s3://no-such-bucket-here/p: there is no such bucket"):
            act()


def test_a_wrong_secret_is_said(nanio_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = fresh_bucket(nanio_server)
    for name, value in {**credentials(nanio_server), "AWS_SECRET_ACCESS_KEY": "wrong"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="check AWS_SECRET_ACCESS_KEY"):
        list(S3Objects(parse_bucket(f"s3://{bucket}/secret")).arrivals("*"))


def test_missing_credentials_are_said(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(SettingsError, match="credentials"):
        list(S3Objects(parse_bucket("s3://any/without-credentials?region=eu-west-1")).arrivals("*"))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("s3://", "write s3://BUCKET/PREFIX"),
        ("gs://bucket", "write s3://BUCKET/PREFIX"),
        ("s3://bucket?regoin=x", "unknown option 'regoin'; did you mean 'region'?"),
        ("s3://bucket?seconds=0", "'seconds' must be a number above 0, not '0'"),
        ("s3://bucket?seconds=nan", "'seconds' must be a number above 0"),
        ("s3://bucket?seconds=soon", "'seconds' must be a number above 0, not 'soon'"),
    ],
)
def test_a_place_that_is_no_bucket_is_refused(place: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_bucket(place)
    assert said in str(caught.value)
