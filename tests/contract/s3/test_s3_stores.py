"""What buckets have and folders have not: versions, pages, parts, odd keys, rivals; and the copies that we keep."""

import gzip
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.servers.s3_server import client, fresh_bucket
from tiltyard.schemas.errors import NotFound, ObjectError
from tiltyard.stores.files import FileCache
from tiltyard.stores.files.landing import Arrival, LandedObjects
from tiltyard.stores.files.local import sha256_of_file
from tiltyard.stores.s3 import Bucket, S3Files, S3Objects, parse_bucket
from tiltyard.stores.s3.transfer import PART, stored_sha256, upload

NOW = datetime(2026, 1, 1, tzinfo=UTC)

ODDER_KEYS = [
    "\x01control.csv",
    "tab\t.csv",
    "twice%252F.csv",
    "日本/%2F.csv",
    "empty//part.csv",
    "/first.csv",
    "😀.csv",
    "n" * 1015 + ".csv",
]
"""Keys that S3 takes and nanio does not; the last has 1,024 bytes with its prefix, the most. moto takes no new line."""


@pytest.fixture
def s3(aws: str) -> Any:
    """A plain boto3 client, the producers'."""
    return client("s3", aws)


@pytest.fixture
def source(aws: str) -> S3Objects:
    """A part of a bucket without versions."""
    return S3Objects(parse_bucket(f"s3://{fresh_bucket(aws)}/part"))


@pytest.fixture
def versioned(aws: str) -> S3Objects:
    """A part of a bucket with versions."""
    return S3Objects(parse_bucket(f"s3://{fresh_bucket(aws, versioned=True)}/part"))


@pytest.fixture
def files(aws: str, tmp_path: Path) -> S3Files:
    """A store of files, with copies of at most 1,000 bytes."""
    return S3Files(parse_bucket(f"s3://{fresh_bucket(aws)}/files"), FileCache(tmp_path / "cache", 1000))


def put(source: S3Objects, key: str, content: bytes, **how: str) -> Any:
    where = {"Bucket": source.bucket, "Key": source.place.whole_key(key)}
    return source.place.client.put_object(**where, Body=content, **how)


def content_of(source: S3Objects, arrival: Arrival) -> bytes:
    return b"".join(source.read(arrival))


@pytest.mark.parametrize("is_versioned", [False, True])
def test_a_listing_goes_on_after_a_thousand_keys(aws: str, is_versioned: bool) -> None:
    source = S3Objects(parse_bucket(f"s3://{fresh_bucket(aws, versioned=is_versioned)}/part"))
    keys = [f"{number:05d}.csv" for number in range(1_203)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: put(source, key, b"1"), keys))
    assert [arrival.key for arrival in source.arrivals("*.csv")] == keys


def test_odder_keys_arrive_as_they_are(source: S3Objects) -> None:
    for key in ODDER_KEYS:
        put(source, key, key.encode())
    listed = list(source.arrivals("*"))
    assert [arrival.key for arrival in listed] == sorted(ODDER_KEYS)
    assert [content_of(source, arrival) for arrival in listed] == [key.encode() for key in sorted(ODDER_KEYS)]
    assert [source.find(arrival.key) for arrival in listed] == listed


def test_keys_that_stand_for_folders_and_other_prefixes_are_left(source: S3Objects, s3: Any) -> None:
    for key in ("part/", "part/deep/", "partly/a.csv", "part.csv", "a.csv", "part/../a.csv"):
        s3.put_object(Bucket=source.bucket, Key=key, Body=b"")
    put(source, "deep/a.csv", b"1")
    assert [arrival.key for arrival in source.arrivals("*")] == ["deep/a.csv"]


def test_a_whole_bucket_may_be_the_source(aws: str) -> None:
    source = S3Objects(parse_bucket(f"s3://{fresh_bucket(aws)}"))
    put(source, "deep/a.csv", b"1")
    assert [arrival.key for arrival in source.arrivals("*")] == ["deep/a.csv"]
    assert source.name == f"s3:{source.bucket}"
    assert source.key_of(source.bucket, "deep/a.csv") == "deep/a.csv"


def test_a_name_is_the_same_however_the_bucket_is_reached(aws: str) -> None:
    places = ("s3://landing/bank", "s3://landing/bank/", f"s3://landing/bank?endpoint={aws}&region=eu-west-1")
    assert {S3Objects(parse_bucket(place)).name for place in places} == {"s3:landing/bank"}


def test_an_object_that_was_overwritten_before_it_was_landed_is_not_lost(versioned: S3Objects) -> None:
    contents = [b"first", b"second", b"third"]
    versions = [put(versioned, "a.csv", content)["VersionId"] for content in contents]
    put(versioned, "b.csv", b"other")
    arrivals = list(versioned.arrivals("*"))
    assert [arrival.key for arrival in arrivals] == ["a.csv", "a.csv", "a.csv", "b.csv"]
    assert [arrival.version for arrival in arrivals[:3]] == versions, "the oldest comes first"
    assert [content_of(versioned, arrival) for arrival in arrivals] == [*contents, b"other"]
    assert versioned.find("a.csv") == arrivals[2]
    assert versioned.find("a.csv", versions[0]) == arrivals[0]


def test_an_object_that_was_deleted_before_it_was_landed_is_not_lost(versioned: S3Objects) -> None:
    put(versioned, "a.csv", b"1")
    versioned.place.client.delete_object(Bucket=versioned.bucket, Key="part/a.csv")
    (arrival,) = versioned.arrivals("*")
    assert content_of(versioned, arrival) == b"1"
    with pytest.raises(NotFound, match=r"object 'a\.csv' in s3://.*/part is not there"):
        versioned.find("a.csv")


def test_a_mark_of_a_deletion_is_no_object(versioned: S3Objects) -> None:
    put(versioned, "a.csv", b"1")
    answer = versioned.place.client.delete_object(Bucket=versioned.bucket, Key="part/a.csv")
    with pytest.raises(NotFound):
        versioned.find("a.csv", answer["VersionId"])


def test_what_was_there_before_versions_were_kept_is_read_below_a_newer_one(source: S3Objects) -> None:
    put(source, "a.csv", b"before")
    enabled = {"Status": "Enabled"}
    source.place.client.put_bucket_versioning(Bucket=source.bucket, VersioningConfiguration=enabled)
    put(source, "a.csv", b"after")
    older, newer = source.arrivals("*")
    assert older.version == ""
    assert [content_of(source, arrival) for arrival in (older, newer)] == [b"before", b"after"]


def test_what_was_overwritten_since_the_listing_is_not_read_as_the_old_one(source: S3Objects) -> None:
    put(source, "a.csv", b"old")
    (listed,) = source.arrivals("*")
    put(source, "a.csv", b"new")
    with pytest.raises(NotFound, match=r"'a\.csv' in s3://.* changed since it was listed"):
        content_of(source, listed)


def test_an_object_in_parts_is_landed_whole(source: S3Objects, files: S3Files) -> None:
    s3, content = source.place.client, os.urandom(6 << 20)
    where = {"Bucket": source.bucket, "Key": "part/large.bin"}
    begun = s3.create_multipart_upload(**where)["UploadId"]
    pieces = [content[: 5 << 20], content[5 << 20 :]]
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**where, UploadId=begun, PartNumber=number, Body=piece)["ETag"]}
        for number, piece in enumerate(pieces, start=1)
    ]
    s3.complete_multipart_upload(**where, UploadId=begun, MultipartUpload={"Parts": parts})
    (arrival,) = source.arrivals("*")
    assert arrival.stamp.endswith("-2"), "the ETag of an upload in parts is no MD5"
    landed = LandedObjects(files)
    copy = landed.land(source, arrival, NOW)
    assert landed.is_intact(copy)
    with landed.at_hand(copy) as path:
        assert path.read_bytes() == content


def test_bytes_are_landed_as_they_are_stored(source: S3Objects) -> None:
    packed = gzip.compress(b"x,y\n")
    put(source, "a.csv.gz", packed, ContentEncoding="gzip", ContentType="text/csv")
    assert content_of(source, source.find("a.csv.gz")) == packed


def test_a_large_file_is_sent_in_parts_and_once(files: S3Files, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(1000) * ((PART // 1000) + 2))
    upload(files.place, "large", path)
    upload(files.place, "large", path)
    assert files.sha256("large") == sha256_of_file(path)
    with path.open("r+b") as stream:
        stream.write(b"rival")
    with pytest.raises(ObjectError, match="holds another 'large', and files are written once"):
        upload(files.place, "large", path)
    s3 = files.place.client
    stored = s3.head_object(Bucket=files.place.name, Key="files/large")
    assert stored["ETag"].strip('"').endswith("-2")
    assert s3.list_multipart_uploads(Bucket=files.place.name).get("Uploads", []) == []


def test_a_stored_file_carries_its_checksum(files: S3Files) -> None:
    files.write("a", b"1")
    answer = files.place.client.head_object(Bucket=files.place.name, Key="files/a", ChecksumMode="ENABLED")
    assert answer["ChecksumSHA256"] == "a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s="


def test_of_many_rivals_one_writes(files: S3Files) -> None:
    def write(number: int) -> bool:
        try:
            files.write("a", f"writer {number}".encode())
        except ObjectError:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        won = list(threads.map(write, range(16)))
    assert sum(won) == 1
    assert files.read("a") == f"writer {won.index(True)}".encode()


def test_of_many_twins_each_is_content(files: S3Files) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: files.write("a", b"the same"), range(16)))
    assert files.read("a") == b"the same"


def test_a_server_without_conditions_keeps_what_was_written_last(
    nanio_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known and told by the doctor: there, only names that are made of the content are safe from rivals."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing-secret")
    place = parse_bucket(f"s3://{fresh_bucket(nanio_server)}/files?endpoint={nanio_server}&region=us-east-1")
    files = S3Files(place, FileCache(tmp_path / "cache", 1000))
    for content in (b"one", b"other"):
        files.write("a", content)
    assert files.read("a") == b"other"


def fetched_without(place: Bucket, files: S3Files, name: str) -> bytes:
    """A file's bytes when the bucket has it no more: what this machine has a copy of."""
    place.client.delete_object(Bucket=place.name, Key=place.whole_key(name))
    with files.at_hand(name) as path:
        return path.read_bytes()


def test_what_was_written_or_fetched_is_not_fetched_again(files: S3Files, tmp_path: Path) -> None:
    files.write("a", b"written here")
    assert fetched_without(files.place, files, "a") == b"written here"
    files.write("b", b"written here")
    elsewhere = S3Files(files.place, FileCache(tmp_path / "other machine", 1000))
    with elsewhere.at_hand("b") as path:
        assert path.read_bytes() == b"written here"
    assert fetched_without(files.place, elsewhere, "b") == b"written here"


def test_copies_take_no_more_room_than_they_may(files: S3Files) -> None:
    for number in range(5):
        files.write(f"{number}", bytes(300))
        assert fetched_without(files.place, files, "0") == bytes(300)
    copies = sorted(path.name for path in files.cache.root.rglob("*") if path.is_file())
    assert copies == ["0", "3", "4"], "the one that is used stays, of the others the newest"
    with pytest.raises(NotFound):
        fetched_without(files.place, files, "1")


def test_what_is_at_hand_stays_when_its_copy_is_dropped(files: S3Files) -> None:
    files.write("a", b"a" * 900)
    with files.at_hand("a") as path:
        files.write("b", b"b" * 900)
        assert path.read_bytes() == b"a" * 900
        with files.at_hand("a") as again:
            assert again.read_bytes() == b"a" * 900
    assert files.sweep() == 0


def test_a_file_larger_than_all_copies_may_be_is_still_at_hand(files: S3Files) -> None:
    files.write("a", b"a" * 5000)
    with files.at_hand("a") as path:
        assert path.read_bytes() == b"a" * 5000
    assert [path for path in files.cache.root.rglob("*") if path.is_file()] == []


def test_verification_reads_the_bucket_and_not_the_copy(files: S3Files) -> None:
    files.write("a", b"1")
    files.place.client.put_object(Bucket=files.place.name, Key="files/a", Body=b"2")
    assert files.sha256("a") == stored_sha256(files.place, "a") != sha256_of_file(files.cache.place("a"))


def test_a_sweep_of_one_store_leaves_what_another_is_writing(files: S3Files) -> None:
    others = S3Files(replace(files.place, prefix="others"), files.cache)
    with others.being_written("a") as stream:
        assert files.sweep() == 0
        stream.write(b"1")
    assert others.read("a") == b"1"


def test_two_buckets_do_not_share_copies(aws: str, tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache", 1000)
    one, other = (S3Files(parse_bucket(f"s3://{fresh_bucket(aws)}/files"), cache) for _ in range(2))
    one.write("a", b"1")
    with pytest.raises(NotFound), other.at_hand("a"):
        pass
