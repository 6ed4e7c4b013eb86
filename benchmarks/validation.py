"""What checking a batch costs: our check and split of rows against a bare numpy mask, in one run.

    python -m benchmarks.validation --rows 1000000

Rows have 20 columns: 12 floats and 4 integers with ranges, an id, 3 texts with allowed values. A bad row has one bad
cell. Compared, in CPU seconds (all threads of this process) with wall seconds beside, medians of ``--repeats`` runs:

- mask: numpy comparisons over the 16 numeric columns and ``isin`` over integer codes of the 3 texts, which are given
  to it for free; nothing is asked of the id; gives a Boolean array and nothing else;
- mask + split: the same, and the frame filtered into good and bad rows (bad ones typed, no reasons);
- mask of texts + split: the same from what a batch holds, with ``numpy.isin`` over the texts themselves;
- mask + split + JSON: mask (codes free) and split, and each bad row's cells written as a JSON object, no reasons;
- pandera: ``schema.validate(frame, lazy=True)``, polars backend, the same checks; splits nothing;
- check_rows: ours, from typed cells; the same limits, the id whole, not longer than allowed and without NUL; good rows,
  and the quarantine frame with each bad row's reasons and cells as JSON, which no other contender but the fourth has;
- with Pandera: the same with a Pandera schema of these checks on top, as a project's own ``module:Model`` would be.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import polars as pl
from pandera.errors import SchemaErrors

from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, RawBatch
from tiltyard.ingest.validation import check_rows
from tiltyard.schemas.frames import batch_schema
from tiltyard.schemas.project import Project, parse_project

FLOATS = [f"f{number}" for number in range(12)]
INTEGERS = [f"i{number}" for number in range(4)]
TEXTS = [f"c{number}" for number in range(3)]
ALLOWED = ["red", "green", "blue", "white", "black"]


def the_project() -> Project:
    """A project of 20 columns with a limit on each."""
    features: dict[str, Any] = {name: {"kind": "number", "min": 0, "max": 1, "missing": False} for name in FLOATS}
    features |= {name: {"kind": "integer", "min": 0, "max": 100, "missing": False} for name in INTEGERS}
    features |= {name: {"kind": "category", "allowed": ALLOWED, "missing": False} for name in TEXTS}
    content = {"name": "bench", "classes": ["yes", "no"], "columns": {"id": "id", "features": features}}
    return parse_project(content, "benchmark")


def the_rows(count: int, bad_share: float, seed: int) -> pl.DataFrame:
    """Rows of which a share has one bad cell, in a column drawn by chance."""
    rng = np.random.default_rng(seed)
    where = np.where(rng.random(count) < bad_share, rng.integers(0, 19, count), -1)
    columns: dict[str, Any] = {"id": pl.Series(np.arange(count)).cast(pl.String)}
    for place, name in enumerate([*FLOATS, *INTEGERS, *TEXTS]):
        if name in FLOATS:
            columns[name] = np.where(where == place, -1.0, rng.random(count))
        elif name in INTEGERS:
            columns[name] = np.where(where == place, -1, rng.integers(0, 100, count))
        else:
            codes = np.where(where == place, 5, rng.integers(0, 5, count))
            columns[name] = pl.Series([*ALLOWED, "pink"]).gather(codes)
    return pl.DataFrame(columns)


def mask_of(numbers: dict[str, Any], codes: dict[str, Any], allowed: Any) -> Any:
    """The bare floor: which rows keep every limit."""
    keep = np.ones(len(next(iter(numbers.values()))), dtype=bool)
    for name, values in numbers.items():
        keep &= (values >= 0) & (values <= (1 if name in FLOATS else 100))
    for values in codes.values():
        keep &= np.isin(values, allowed)
    return keep


def seconds(call: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Median CPU and wall seconds of a call, after one that is not counted."""
    call()
    spent = []
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        call()
        spent.append((time.process_time() - cpu, time.perf_counter() - wall))
    return median(cpu for cpu, _ in spent), median(wall for _, wall in spent)


def contenders(frame: pl.DataFrame, project: Project) -> dict[str, Callable[[], Any]]:
    """What is timed, over the same rows."""
    numbers = {name: frame[name].to_numpy() for name in [*FLOATS, *INTEGERS]}
    kinds = pl.Enum([*ALLOWED, "pink"])
    codes = {name: frame[name].cast(kinds).to_physical().to_numpy() for name in TEXTS}
    allowed = np.arange(len(ALLOWED), dtype=np.uint8)
    schema = batch_schema(project)
    count = frame.height
    places = pl.Series("row", np.arange(count)), pl.Series("line", [None], dtype=pl.Int64).new_from_index(0, count)
    raw = RawBatch(tuple(frame.columns), frame, *places, pl.DataFrame(schema=QUARANTINE_TYPES), "typed")

    def split(texts: dict[str, Any], values: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
        keep = pl.Series(mask_of(numbers, texts, values))
        return frame.filter(keep), frame.filter(~keep)

    def pandera() -> Any:
        try:
            return schema.validate(frame, lazy=True)
        except SchemaErrors as errors:
            return errors

    return {
        "mask": lambda: mask_of(numbers, codes, allowed),
        "mask + split": lambda: split(codes, allowed),
        "mask of texts + split": lambda: split({name: frame[name].to_numpy() for name in TEXTS}, ALLOWED),
        "mask + split + JSON": lambda: split(codes, allowed)[1].select(pl.struct(pl.all()).struct.json_encode()),
        "pandera": pandera,
        "check_rows": lambda: check_rows(raw, project),
        "with Pandera": lambda: check_rows(raw, project, schema),
    }


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{options.rows:,} rows x 20 columns, medians of {options.repeats}, CPU s (wall s)\n")
    shares = (0.0, 0.01, 0.5)
    columns = [measured(options.rows, share, options.seed, options.repeats) for share in shares]
    print(f"| bad rows | {' | '.join(f'{share:.0%}' for share in shares)} |\n|---|{'---|' * len(shares)}")
    for name in columns[0]:
        print(f"| {name} | {' | '.join(f'{times[name][0]:.3f} ({times[name][1]:.3f})' for times in columns)} |")
    for name in ("mask", "mask + split", "mask of texts + split", "mask + split + JSON", "pandera"):
        ratios = " | ".join(f"{times['check_rows'][0] / times[name][0]:.2f}" for times in columns)
        print(f"| **check_rows / {name}** | {ratios} |")


def measured(rows: int, share: float, seed: int, repeats: int) -> dict[str, tuple[float, float]]:
    """Each contender's CPU and wall seconds over rows of which a share is bad."""
    frame = the_rows(rows, share, seed)
    return {name: seconds(call, repeats) for name, call in contenders(frame, the_project()).items()}


if __name__ == "__main__":
    main()
