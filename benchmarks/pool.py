"""Appending to and scanning the pool, against bare Parquet writing and scanning in the same run.

usage: python -m benchmarks.pool [--rows 1000000] [--batches 10] [--rounds 5]

Both sides write the same columns with the same compression and page checksums, one file a batch, fsynced, and
scan all files in chunks of 65,536 rows, adding up one column. Ours also names files by batch, writes beside
and renames, hashes what it wrote (the ledger keeps the SHA-256), and syncs the folder.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from tiltyard.schemas.project import Project, parse_project
from tiltyard.schemas.records import BatchId, StoredFile
from tiltyard.stores.files import FileStore, ParquetStore, Pool

FEATURES = 20


def a_project() -> Project:
    """Twenty numbers."""
    features = {f"f{number}": {"kind": "number"} for number in range(FEATURES)}
    return parse_project({"name": "bench", "columns": {"features": features}, "classes": ["a", "b"]}, "benchmark")


def a_batch(rows: int, seed: int) -> pl.DataFrame:
    """One batch as the pool takes it."""
    rng = np.random.default_rng(seed)
    keys = rng.integers(-(2**63), 2**63 - 1, rows)
    own = {
        "sample_id": [f"{key & (2**64 - 1):016x}{row:016x}" for row, key in enumerate(keys.tolist())],
        "sample_key": keys,
        "row": np.arange(rows),
        "evaluation": rng.random(rows) < 0.2,
    }
    return pl.DataFrame({**own, **{f"f{n}": rng.normal(size=rows) for n in range(FEATURES)}})


def bare_append(folder: Path, batches: list[pl.DataFrame]) -> None:
    """Write each batch with pyarrow and fsync it: what a script would do."""
    for number, batch in enumerate(batches):
        with (folder / f"{number}.parquet").open("wb") as stream:
            pq.write_table(
                batch.to_arrow(compat_level=pl.CompatLevel.oldest()),
                stream,
                compression="zstd",
                compression_level=1,
                use_dictionary=False,
                write_page_checksum=True,
            )
            stream.flush()
            os.fsync(stream.fileno())


def bare_scan(folder: Path, files: int) -> float:
    """Scan all files with pyarrow in chunks and add up one column."""
    total = 0.0
    for number in range(files):
        parquet = pq.ParquetFile(folder / f"{number}.parquet", page_checksum_verification=True)
        for chunk in parquet.iter_batches(batch_size=65_536):
            total += float(chunk.column("f0").to_numpy().sum())
    return total


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of some work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def one_round(project: Project, batches: list[pl.DataFrame], ours_first: bool) -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds of both sides, appending and scanning, in the order that is asked for."""
    folder = Path(tempfile.mkdtemp(prefix="pool-"))
    pool = Pool(ParquetStore(FileStore(folder / "ours")), project)
    (folder / "bare").mkdir()
    stored: list[StoredFile] = []

    def append() -> None:
        stored.extend(pool.add(BatchId(f"b{number}"), batch) for number, batch in enumerate(batches))

    def scan() -> float:
        return sum((float(chunk["f0"].sum()) for chunk in pool.scan(stored, 65_536)), 0.0)

    work: dict[str, Callable[[], object]] = {
        "append ours": append,
        "append bare": lambda: bare_append(folder / "bare", batches),
        "scan ours": scan,
        "scan bare": lambda: bare_scan(folder / "bare", len(batches)),
    }
    order = list(work) if ours_first else ["append bare", "append ours", "scan bare", "scan ours"]
    times = {name: seconds(work[name]) for name in order}
    shutil.rmtree(folder)
    return times


def main() -> None:
    """Measure, and print a Markdown table of medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    project = a_project()
    batches = [a_batch(given.rows // given.batches, seed) for seed in range(given.batches)]
    rounds = [one_round(project, batches, number % 2 == 0) for number in range(given.rounds)]
    print(f"{given.rows:,} rows x {FEATURES} in {given.batches} batches, median of {given.rounds} rounds\n")
    print("| | ours, s (CPU) | bare, s (CPU) | ratio of wall, median of pairs | ratio of CPU |")
    print("|---|---|---|---|---|")
    for act in ("append", "scan"):
        print(_line(act, [one[f"{act} ours"] for one in rounds], [one[f"{act} bare"] for one in rounds]))


def _line(act: str, ours: list[tuple[float, float]], bare: list[tuple[float, float]]) -> str:
    """One line of the table."""
    middle = statistics.median
    wall, cpu = (middle(a[i] / b[i] for a, b in zip(ours, bare, strict=True)) for i in (0, 1))
    cells = [f"{middle(x[0] for x in side):.2f} ({middle(x[1] for x in side):.2f})" for side in (ours, bare)]
    return f"| {act} | {cells[0]} | {cells[1]} | {wall:.2f} | {cpu:.2f} |"


if __name__ == "__main__":
    main()
