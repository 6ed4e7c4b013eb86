"""The stores of files: what is written is whole, stays, and is noticed when it changes. In folders and in buckets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.projects.small_project import make_project, put_object
from tiltyard.samples.identity import sample_keys
from tiltyard.schemas.errors import NotFound, ObjectError
from tiltyard.schemas.records import BatchId, StoredFile
from tiltyard.stores.files import Files, FileStore, FolderObjects, ParquetStore, Pool
from tiltyard.stores.files.landing import Arrival, LandedObjects, ObjectStore
from tiltyard.stores.s3 import S3Files

NOW = datetime(2026, 1, 1, tzinfo=UTC)

ODD_KEYS = [
    " leading.csv",
    "100%.csv",
    "a b.csv",
    "a+b&c=d;e?f#g.csv",
    "back\\slash.csv",
    "deep-er.csv",
    "deep/er/x.csv",
    "quote'\".csv",
    "trailing .csv",
    "{{ 1 + 1 }}.csv",
    "ä/ö ü.csv",
]
"""nanio refuses stranger ones (test_s3_stores has those)."""


def content_of(source: ObjectStore, arrival: Arrival) -> bytes:
    return b"".join(source.read(arrival))


def damage(files: Files, name: str, content: bytes) -> None:
    """Change a stored file behind our back."""
    if isinstance(files, S3Files):
        files.place.client.put_object(Bucket=files.place.name, Key=files.place.whole_key(name), Body=content)
    else:
        assert isinstance(files, FileStore)
        files.path(name).write_bytes(content)


def lose(files: Files, name: str) -> None:
    """Delete a stored file behind our back, and this machine's copy of it."""
    if isinstance(files, S3Files):
        files.place.client.delete_object(Bucket=files.place.name, Key=files.place.whole_key(name))
        files.cache.place(name).unlink(missing_ok=True)
    else:
        assert isinstance(files, FileStore)
        files.path(name).unlink()


def folder_of(files: Files) -> Path:
    """Where temporary files are."""
    if isinstance(files, S3Files):
        return files.cache.folder
    assert isinstance(files, FileStore)
    return files.root


def test_a_listing_names_every_object_in_the_order_of_keys(source: ObjectStore) -> None:
    for key in reversed(ODD_KEYS):
        put_object(source, key, key.encode())
    listed = list(source.arrivals("*"))
    assert [arrival.key for arrival in listed] == sorted(ODD_KEYS)
    assert [content_of(source, arrival) for arrival in listed] == [key.encode() for key in sorted(ODD_KEYS)]
    assert [arrival.size for arrival in listed] == [len(key.encode()) for key in sorted(ODD_KEYS)]


def test_an_object_is_found_as_the_listing_has_it(source: ObjectStore) -> None:
    for key in ODD_KEYS:
        put_object(source, key, b"1")
    assert [source.find(key) for key in sorted(ODD_KEYS)] == list(source.arrivals("*"))
    for key in ("gone.csv", "deep"):
        with pytest.raises(NotFound):
            source.find(key)


def test_a_pattern_leaves_other_objects_alone(source: ObjectStore) -> None:
    put_object(source, "a.csv", b"1")
    put_object(source, "a.txt", b"1")
    assert [arrival.key for arrival in source.arrivals("*.csv")] == ["a.csv"]


def test_half_written_and_hidden_files_are_left(source: ObjectStore) -> None:
    for key in ["a.csv.part", "b.tmp", ".hidden.csv", ".git/x.csv", "whole.csv"]:
        put_object(source, key, b"1")
    assert [arrival.key for arrival in source.arrivals("*")] == ["whole.csv"]


@pytest.mark.parametrize("closed", [".", "days"])
def test_a_folder_that_may_not_be_looked_into_is_told(tmp_path: Path, closed: str) -> None:
    folder = tmp_path / "incoming"
    (folder / "days").mkdir(parents=True)
    source = FolderObjects(folder)
    (folder / closed).chmod(0)
    with as_nobody(), pytest.raises(ObjectError, match="Permission denied; let this user read and enter it"):
        list(source.arrivals("*"))


@contextmanager
def as_nobody() -> Iterator[None]:
    """A user whom a folder's rights keep out, as they do not keep out root."""
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    source = FolderObjects(tmp_path / "incoming")
    (tmp_path / "secret.csv").write_text("secret")
    (tmp_path / "incoming" / "link.csv").symlink_to(tmp_path / "secret.csv")
    assert list(source.arrivals("*")) == []
    for key in ("link.csv", "../secret.csv"):
        with pytest.raises(NotFound, match="no object"):
            content_of(source, Arrival(key, "", 6, ""))
        with pytest.raises(NotFound, match="no object"):
            source.find(key)


def test_changed_content_changes_what_the_listing_says(source: ObjectStore) -> None:
    put_object(source, "a.csv", b"1")
    (before,) = source.arrivals("*")
    put_object(source, "a.csv", b"22")
    after = list(source.arrivals("*"))[-1]
    assert before.stamp != after.stamp
    assert content_of(source, after) == b"22"


def test_an_empty_object_is_an_object(source: ObjectStore) -> None:
    put_object(source, "a.csv", b"")
    (arrival,) = source.arrivals("*")
    assert (arrival.size, content_of(source, arrival)) == (0, b"")


def test_an_object_that_went_since_it_was_listed_is_not_there(source: ObjectStore) -> None:
    gone = Arrival("gone.csv", "", 1, "0" * 32)
    with pytest.raises(NotFound):
        content_of(source, gone)


def test_landing_copies_byte_for_byte_and_names_by_content(source: ObjectStore, files: Files) -> None:
    landed = LandedObjects(files)
    content = os.urandom(3_000_000)
    put_object(source, "a.bin", content)
    (arrival,) = source.arrivals("*")
    first = landed.land(source, arrival, NOW)
    with landed.at_hand(first) as path:
        assert path.read_bytes() == content
    assert landed.land(source, arrival, NOW) == first
    assert landed.is_intact(first)
    (name,) = files.names()
    damage(files, name, content[:-1])
    assert not landed.is_intact(first)
    lose(files, name)
    assert not landed.is_intact(first)
    with pytest.raises(ObjectError, match=r"landed copy of 'a\.bin' is missing"), landed.at_hand(first):
        pass


def test_one_content_under_two_keys_is_two_objects_and_one_copy(source: ObjectStore, files: Files) -> None:
    landed = LandedObjects(files)
    for key in ("a.csv", "b.csv"):
        put_object(source, key, b"same")
    one, two = (landed.land(source, arrival, NOW) for arrival in source.arrivals("*"))
    assert one.object_id != two.object_id
    assert one.checksum == two.checksum
    assert len(list(files.names())) == 1


def _breaks_off() -> bytes:
    raise BufferError("the disk is full, say")


def test_a_file_is_whole_or_not_there(files: Files) -> None:
    with pytest.raises(BufferError), files.being_written("a") as stream:
        stream.write(b"half" + _breaks_off())
    assert list(files.names()) == []
    assert not files.exists("a")
    with pytest.raises(NotFound):
        files.read("a")
    with pytest.raises(NotFound, match="'a' is missing"), files.at_hand("a"):
        pass
    files.write("deep/a", b"whole")
    assert files.exists("deep/a")
    assert files.read("deep/a") == b"whole"
    assert list(files.names()) == ["deep/a"]
    assert files.sweep() == 0


def test_what_is_written_is_at_hand_as_often_as_it_is_wanted(files: Files) -> None:
    files.write("a", b"1")
    with files.at_hand("a") as one, files.at_hand("a") as other:
        assert one.read_bytes() == other.read_bytes() == b"1"
    assert files.sweep() == 0, "nothing is left of what was at hand"


def test_what_a_crash_left_is_swept(files: Files) -> None:
    (folder_of(files) / ".writing-left-by-a-crash").write_bytes(b"x")
    assert list(files.names()) == []
    assert files.sweep() == 1


def test_a_name_may_be_made_of_the_content(files: Files) -> None:
    said: list[str] = []
    with files.being_written(lambda: f"content-{''.join(said)}") as stream:
        stream.write(b"x")
        said.append("x")
    assert list(files.names()) == ["content-x"]


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../../out"])
def test_a_name_cannot_leave_its_store(files: Files, name: str) -> None:
    for act in (files.read, files.exists, files.sha256, lambda name: files.write(name, b"x")):
        with pytest.raises(NotFound, match="not a name inside the store"):
            act(name)


def test_parquet_comes_back_as_it_was_and_a_flipped_byte_is_noticed(files: Files) -> None:
    parquet = ParquetStore(files)
    frame = pl.DataFrame({"x": [1.5, None], "t": ["a", None], "b": [True, None], "n": [2**53 + 1, None]})
    stored = parquet.write("a.parquet", frame)
    assert parquet.read(stored).equals(frame)
    assert parquet.is_intact(stored)
    content = bytearray(files.read("a.parquet"))
    content[len(content) // 2] ^= 1
    damage(files, "a.parquet", bytes(content))
    assert not parquet.is_intact(stored)
    lose(files, "a.parquet")
    assert not parquet.is_intact(stored)
    with pytest.raises(NotFound, match=r"file 'a\.parquet' is missing"):
        parquet.read(stored)


def test_twins_that_write_other_bytes_have_a_file_each(files: Files) -> None:
    parquet = ParquetStore(files)
    frames = [pl.DataFrame({"x": [number]}) for number in (1, 2, 1)]
    one, two, again = (parquet.keep("b1", frame) for frame in frames)
    assert one == again != two
    assert sorted(files.names()) == sorted({one.name, two.name})
    assert [parquet.read(stored)["x"].item() for stored in (one, two)] == [1, 2]
    assert one.name == f"b1-{one.sha256[:16]}.parquet"


def test_an_empty_frame_keeps_its_types(files: Files) -> None:
    parquet = ParquetStore(files)
    frame = pl.DataFrame(schema={"x": pl.Float64, "t": pl.String, "at": pl.Datetime("us", "UTC")})
    assert parquet.read(parquet.write("a.parquet", frame)).schema == frame.schema


@pytest.fixture
def pool(tmp_path: Path, files: Files) -> Pool:
    return Pool(ParquetStore(files), make_project(tmp_path / "project").project)


def rows(first: int, count: int) -> pl.DataFrame:
    ids = pl.Series("sample_id", [f"{number:032x}" for number in range(first, first + count)])
    return pl.DataFrame(
        {
            "sample_id": ids,
            "sample_key": sample_keys(ids),
            "row": list(range(count)),
            "evaluation": [number % 3 == 0 for number in range(count)],
            "x": [float(number) for number in range(count)],
            "y": [None] * count,
            "colour": ["red"] * count,
            "row_id": [str(number) for number in range(count)],
        },
        schema_overrides={"y": pl.Float64},
    )


@pytest.mark.parametrize("chunk_rows", [1, 7, 1000])
def test_a_scan_gives_every_row_once_in_chunks_of_at_most_what_is_asked(pool: Pool, chunk_rows: int) -> None:
    files = [pool.add(BatchId(f"b{number}"), rows(number * 100, 20)) for number in range(3)]
    chunks = list(pool.scan(files, chunk_rows))
    assert max(chunk.height for chunk in chunks) <= chunk_rows
    assert pl.concat(chunks)["sample_id"].to_list() == [
        f"{number:032x}" for first in (0, 100, 200) for number in range(first, first + 20)
    ]


def test_a_file_that_no_batch_names_is_not_in_the_pool(pool: Pool) -> None:
    named = pool.add(BatchId("b1"), rows(0, 5))
    pool.add(BatchId("crashed"), rows(100, 5))
    assert sum(chunk.height for chunk in pool.scan([named], 10)) == 5


def test_known_goes_by_the_whole_id_not_by_the_key_alone(pool: Pool) -> None:
    files = [pool.add(BatchId("b1"), rows(0, 5))]
    ids = pl.Series("sample_id", [f"{2:032x}", f"{77:032x}", "0" * 16 + "f" * 16])
    keys = sample_keys(ids)
    assert keys[2] == keys[0]
    wanted = pl.DataFrame({"sample_id": ids, "sample_key": keys})
    assert pool.known(wanted, files)["sample_id"].to_list() == [f"{2:032x}"]
    assert pool.known(wanted, []).is_empty()


def test_rows_are_found_by_id(pool: Pool) -> None:
    files = [pool.add(BatchId(f"b{number}"), rows(number * 100, 20)) for number in range(3)]
    ids = pl.Series("sample_id", [f"{105:032x}", f"{219:032x}", f"{999:032x}"])
    found = pool.rows(ids.to_list(), sample_keys(ids), files)
    assert sorted(found["sample_id"]) == sorted(ids[:2])
    assert found.columns[:4] == ["sample_id", "sample_key", "row", "evaluation"]


def test_a_stored_file_says_how_many_rows_it_has(pool: Pool) -> None:
    stored = pool.add(BatchId("b1"), rows(0, 5))
    assert (stored.name.partition("-")[0], stored.rows) == ("b1", 5)
    assert isinstance(stored, StoredFile)
