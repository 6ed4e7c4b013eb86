"""The stores of files: what is written is whole, stays, and is noticed when it changes."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from schemas.errors import NotFound
from schemas.records import BatchId, StoredFile
from tests.small_project import make_project
from tiltyard.rules.identity import sample_keys
from tiltyard.stores.files import FileStore
from tiltyard.stores.objects import FolderObjects, LandedObjects, ObjectStore
from tiltyard.stores.parquet import ParquetStore
from tiltyard.stores.pool import Pool

NOW = datetime(2026, 1, 1, tzinfo=UTC)

STORES: dict[str, Callable[[Path], ObjectStore]] = {"folder": FolderObjects}
"""Every kind of object store must pass the same tests; a bucket joins here."""


@pytest.fixture(params=sorted(STORES))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    (tmp_path / "incoming").mkdir()
    return STORES[request.param](tmp_path / "incoming")


def put(tmp_path: Path, key: str, content: bytes) -> None:
    path = tmp_path / "incoming" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


ODD_KEYS = ["a b.csv", "ä/ö ü.csv", "100%.csv", "quote'\".csv", "deep/er/x.csv", "new\nline.csv", "trailing .csv"]


def test_a_listing_names_every_object_in_the_order_of_keys(source: ObjectStore, tmp_path: Path) -> None:
    for key in ODD_KEYS:
        put(tmp_path, key, key.encode())
    listed = list(source.arrivals("*"))
    assert [arrival.key for arrival in listed] == sorted(ODD_KEYS)
    assert all(b"".join(source.read(arrival.key)) == arrival.key.encode() for arrival in listed)
    assert [arrival.size for arrival in listed] == [len(key.encode()) for key in sorted(ODD_KEYS)]


def test_a_pattern_leaves_other_objects_alone(source: ObjectStore, tmp_path: Path) -> None:
    put(tmp_path, "a.csv", b"1")
    put(tmp_path, "a.txt", b"1")
    assert [arrival.key for arrival in source.arrivals("*.csv")] == ["a.csv"]


def test_half_written_and_hidden_files_are_left(source: ObjectStore, tmp_path: Path) -> None:
    for key in ["a.csv.part", "b.tmp", ".hidden.csv", ".git/x.csv", "whole.csv"]:
        put(tmp_path, key, b"1")
    assert [arrival.key for arrival in source.arrivals("*")] == ["whole.csv"]


def test_links_out_of_the_folder_are_not_followed(source: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("secret")
    (tmp_path / "incoming" / "link.csv").symlink_to(tmp_path / "secret.csv")
    assert list(source.arrivals("*")) == []
    for key in ("link.csv", "../secret.csv"):
        with pytest.raises(NotFound, match="no object"):
            list(source.read(key))


def test_changed_content_changes_what_the_listing_says(source: ObjectStore, tmp_path: Path) -> None:
    put(tmp_path, "a.csv", b"1")
    (before,) = source.arrivals("*")
    put(tmp_path, "a.csv", b"22")
    (after,) = source.arrivals("*")
    assert before.stamp != after.stamp


def test_landing_copies_byte_for_byte_and_names_by_content(source: ObjectStore, tmp_path: Path) -> None:
    landed = LandedObjects(FileStore(tmp_path / "objects"))
    content = os.urandom(3_000_000)
    put(tmp_path, "a.bin", content)
    (arrival,) = source.arrivals("*")
    first = landed.land(source, arrival, NOW)
    assert landed.path(first).read_bytes() == content
    assert landed.land(source, arrival, NOW) == first
    assert landed.is_intact(first)
    landed.path(first).write_bytes(content[:-1])
    assert not landed.is_intact(first)


def test_one_content_under_two_keys_is_two_objects_and_one_copy(source: ObjectStore, tmp_path: Path) -> None:
    landed = LandedObjects(FileStore(tmp_path / "objects"))
    for key in ("a.csv", "b.csv"):
        put(tmp_path, key, b"same")
    one, two = (landed.land(source, arrival, NOW) for arrival in source.arrivals("*"))
    assert one.object_id != two.object_id
    assert landed.path(one) == landed.path(two)
    assert len(list(landed.files.names())) == 1


def _breaks_off() -> bytes:
    raise BufferError("the disk is full, say")


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    files = FileStore(tmp_path / "files")
    with pytest.raises(BufferError), files.being_written("a") as stream:
        stream.write(_breaks_off())
    assert list(files.names()) == []
    files.write("deep/a", b"whole")
    assert files.read("deep/a") == b"whole"
    (tmp_path / "files" / ".writing-left-by-a-crash").write_bytes(b"x")
    assert list(files.names()) == ["deep/a"]
    assert files.sweep() == 1


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../../out"])
def test_a_name_cannot_leave_its_store(tmp_path: Path, name: str) -> None:
    files = FileStore(tmp_path / "files")
    with pytest.raises(NotFound, match="not a name inside the store"):
        files.write(name, b"x")


def test_parquet_comes_back_as_it_was_and_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    parquet = ParquetStore(tmp_path / "parquet")
    frame = pl.DataFrame({"x": [1.5, None], "t": ["a", None], "b": [True, None], "n": [2**53 + 1, None]})
    stored = parquet.write("a.parquet", frame)
    assert parquet.read(stored).equals(frame)
    assert parquet.is_intact(stored)
    path = tmp_path / "parquet" / "a.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert not parquet.is_intact(stored)
    path.unlink()
    assert not parquet.is_intact(stored)
    with pytest.raises(NotFound, match=r"file 'a\.parquet' is missing"):
        parquet.read(stored)


def test_an_empty_frame_keeps_its_types(tmp_path: Path) -> None:
    parquet = ParquetStore(tmp_path / "parquet")
    frame = pl.DataFrame(schema={"x": pl.Float64, "t": pl.String, "at": pl.Datetime("us", "UTC")})
    assert parquet.read(parquet.write("a.parquet", frame)).schema == frame.schema


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return Pool(ParquetStore(tmp_path / "pool"), make_project(tmp_path / "project").project)


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
    assert pool.known(ids, keys, files).to_list() == [True, False, False]
    assert pool.known(ids, keys, []).to_list() == [False, False, False]


def test_rows_are_found_by_id(pool: Pool) -> None:
    files = [pool.add(BatchId(f"b{number}"), rows(number * 100, 20)) for number in range(3)]
    ids = pl.Series("sample_id", [f"{105:032x}", f"{219:032x}", f"{999:032x}"])
    found = pool.rows(ids.to_list(), sample_keys(ids), files)
    assert sorted(found["sample_id"]) == sorted(ids[:2])
    assert found.columns[:4] == ["sample_id", "sample_key", "row", "evaluation"]


def test_a_stored_file_says_how_many_rows_it_has(pool: Pool) -> None:
    stored = pool.add(BatchId("b1"), rows(0, 5))
    assert (stored.name, stored.rows) == ("b1.parquet", 5)
    assert isinstance(stored, StoredFile)
