"""Landing an object and keeping the pool in a bucket, against bare boto3 and against a folder in the same run.

usage: python -m benchmarks.buckets [--megabytes 64] [--rows 100000] [--batches 10] [--rounds 5]

moto's server stands for S3, on this machine and in a process of its own: most of the time of whatever sends bytes is
its own, so only the ratios say something. Landing: the bare side downloads an object into a file and uploads the file;
ours also hashes it, syncs it, puts it on the condition that its name is free, with a checksum, and keeps a copy.
Pool: ours in a bucket against ours in a folder; ``cold`` is the first scan on a machine without copies.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.pool import a_batch, a_project
from tests.servers.s3_server import credentials, fresh_bucket, running_aws
from tiltyard.schemas.records import BatchId, StoredFile
from tiltyard.stores.files import FileCache, Files, FileStore, ParquetStore, Pool
from tiltyard.stores.files.landing import LandedObjects
from tiltyard.stores.s3 import Bucket, S3Files, S3Objects, parse_bucket

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CACHE_BYTES = 10_000_000_000


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of some work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def a_store(place: Bucket, folder: Path) -> S3Files:
    """Files in a part of a bucket, as a machine sees them that has no copies yet."""
    return S3Files(place, FileCache(Path(tempfile.mkdtemp(dir=folder)), CACHE_BYTES))


def landing(url: str, folder: Path, megabytes: int) -> dict[str, float]:
    """Seconds to land one object, ours and bare."""
    place = parse_bucket(f"s3://{fresh_bucket(url)}/in")
    content = os.urandom(megabytes << 20)
    place.client.put_object(Bucket=place.name, Key="in/a.bin", Body=content)
    source = S3Objects(place)
    (arrival,) = source.arrivals("*")
    landed = LandedObjects(a_store(Bucket(place.name, "files"), folder))

    def bare() -> None:
        place.client.download_file(place.name, "in/a.bin", str(folder / "bare.bin"))
        place.client.upload_file(str(folder / "bare.bin"), place.name, "bare/a.bin")

    return {"landing bare": seconds(bare), "landing ours": seconds(lambda: landed.land(source, arrival, NOW))}


def pooling(url: str, folder: Path, rows: int, batches: int) -> dict[str, float]:
    """Seconds to append batches to a pool and to scan it, in a folder and in a bucket."""
    place, frames = parse_bucket(f"s3://{fresh_bucket(url)}/pool"), [a_batch(rows, seed) for seed in range(batches)]
    stored: list[StoredFile] = []
    found: dict[str, float] = {}

    def pool_in(files: Files) -> Pool:
        return Pool(ParquetStore(files), a_project())

    def append(files: Files) -> None:
        stored[:] = [pool_in(files).add(BatchId(f"b{number}"), frame) for number, frame in enumerate(frames)]

    def scan(files: Files) -> float:
        return sum(float(chunk["f0"].sum()) for chunk in pool_in(files).scan(stored, 65_536))

    here, there = FileStore(Path(tempfile.mkdtemp(dir=folder))), a_store(place, folder)
    elsewhere = a_store(place, folder)
    found["append folder"] = seconds(lambda: append(here))
    found["append bucket"] = seconds(lambda: append(there))
    found["scan folder"] = seconds(lambda: scan(here))
    found["scan bucket, cold"] = seconds(lambda: scan(elsewhere))
    found["scan bucket"] = seconds(lambda: scan(there))
    return found


RATIOS = {
    "landing ours": "landing bare",
    "append bucket": "append folder",
    "scan bucket, cold": "scan folder",
    "scan bucket": "scan folder",
}


def main() -> None:
    """Run and print each figure's median and its ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=64)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    said = parser.parse_args()
    found: list[dict[str, float]] = []
    with running_aws() as url:
        os.environ.update(credentials(url))
        for _round in range(said.rounds):
            with tempfile.TemporaryDirectory(prefix="buckets-") as name:
                folder = Path(name)
                landed = landing(url, folder, said.megabytes)
                found.append(landed | pooling(url, folder, said.rows, said.batches))
    for name in found[0]:
        median = statistics.median(one[name] for one in found)
        beside = RATIOS.get(name)
        ratio = statistics.median(one[name] / one[beside] for one in found) if beside else None
        print(f"{name:18} {median:7.2f} s" + (f"   {ratio:.2f}x {beside}" if ratio is not None else ""))


if __name__ == "__main__":
    main()
