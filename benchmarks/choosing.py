"""What choosing 1,000 rows costs: CPU against bare `predict_proba`, and memory beyond what was there before.

    python -m benchmarks.choosing --rows 10000 100000 1000000 10000000

Each contender runs in a process of its own over the same memory-mapped file (rows x 20 float64, five classes, a
logistic regression fitted on 2,000 rows): first bare `predict_proba` over the whole file, then the contender; the
ratio is the contender's CPU seconds over the bare ones of the same process, the median of --repeats. Memory is the
peak of anonymous memory while the contender ran, so the file's own pages, which the system may drop, do not count.
`choose` streams the same rows from a Parquet file of the pool's shape and is compared with reading the same file
piece by piece and scoring it. scikit-activeml and small-text take part where they are installed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter, process_time
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # CPU seconds of one thread are the same busy or not

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from modAL.batch import ranked_batch
from modAL.uncertainty import classifier_uncertainty, entropy_sampling, margin_sampling
from sklearn.linear_model import LogisticRegression

from tiltyard.query.selection import QuerySpec, select_samples
from tiltyard.query.strategies import get_strategy
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.project import Project

COLUMNS, CLASSES, LABELED, CHUNK = 20, 5, 2_000, 65_536
NAMES = [f"x{number}" for number in range(COLUMNS)]
PROJECT = Project.model_validate(
    {
        "name": "made",
        "columns": {"features": {name: {"kind": "number"} for name in NAMES}},
        "classes": [str(number) for number in range(CLASSES)],
    }
)


class Task:
    """The files, the model and the number of rows wanted."""

    def __init__(self, folder: Path, rows: int, number: int) -> None:
        self.matrix = np.load(folder / f"{rows}.npy", mmap_mode="r")
        self.parquet = folder / f"{rows}.parquet"
        self.number = number
        known = np.load(folder / "known.npy")
        self.labeled, self.y = known[:, :COLUMNS], known[:, COLUMNS].astype(int).astype(str)
        self.model = LogisticRegression(max_iter=1000).fit(self.labeled, self.y)
        self.frame_model = LogisticRegression(max_iter=1000).fit(
            feature_frame(pl.DataFrame(self.labeled, schema=NAMES), PROJECT), self.y
        )

    def chunks(self) -> Iterator[pl.DataFrame]:
        """The pool's rows as a store would read them."""
        for batch in pq.ParquetFile(self.parquet).iter_batches(CHUNK):
            yield pl.DataFrame(pl.from_arrow(batch))


def bare(task: Task) -> Any:
    """Every probability of the matrix, at once."""
    return task.model.predict_proba(task.matrix)


def bare_parquet(task: Task) -> Any:
    """Every probability of the Parquet file, piece by piece, nothing kept."""
    for chunk in task.chunks():
        task.frame_model.predict_proba(feature_frame(chunk, PROJECT))


def ours(name: str) -> Callable[[Task], Any]:
    """A strategy straight on the matrix."""
    return lambda task: get_strategy(name)(task.model, task.matrix, task.number, labeled=task.labeled)


def chosen(name: Any) -> Callable[[Task], Any]:
    """The whole of :func:`select_samples` over the Parquet file, with payload and random share."""
    wanted = {"strategy": name, "random_share": 0.1, "seed": 1}
    return lambda task: select_samples(
        task.chunks(), QuerySpec(number=task.number, **wanted), PROJECT, model=task.frame_model
    )


def modal(sampling: Any) -> Callable[[Task], Any]:
    """modAL's function on the matrix."""
    return lambda task: sampling(task.model, task.matrix, n_instances=task.number)


def modal_ranked(task: Task) -> Any:
    """modAL's ranked batch."""
    learner = argparse.Namespace(X_training=task.labeled, on_transformed=False)
    uncertainty = classifier_uncertainty(task.model, task.matrix)
    return ranked_batch(learner, np.asarray(task.matrix), uncertainty, task.number, "euclidean", None)


def activeml_margin(task: Task) -> Any:
    """scikit-activeml's margin sampling."""
    from skactiveml.classifier import SklearnClassifier  # type: ignore[import-not-found]  # a rival, installed by hand
    from skactiveml.pool import UncertaintySampling  # type: ignore[import-not-found]  # a rival, installed by hand

    rows = np.concatenate([task.labeled, task.matrix])
    y = np.full(len(rows), None, dtype=object)
    y[:LABELED] = task.y
    model = SklearnClassifier(task.model, classes=sorted(set(task.y)), missing_label=None).fit(rows[:LABELED], task.y)
    query = UncertaintySampling(method="margin_sampling", missing_label=None, random_state=0)
    return query.query(rows, y, model, fit_clf=False, batch_size=task.number)


def small_text_margin(task: Task) -> Any:
    """small-text's breaking ties; its query asks nothing of the data set but what the classifier takes."""
    from small_text import BreakingTies  # type: ignore[import-not-found]  # a rival, installed by hand

    everything = np.arange(len(task.matrix))
    return BreakingTies().query(task.model, task.matrix, everything, np.arange(0), np.arange(0), n=task.number)


CONTENDERS: dict[str, tuple[Callable[[Task], Any], Callable[[Task], Any], int]] = {
    "margin": (ours("margin"), bare, 10**8),
    "modAL margin": (modal(margin_sampling), bare, 10**8),
    "scikit-activeml margin": (activeml_margin, bare, 10**5),
    "small-text breaking ties": (small_text_margin, bare, 10**6),
    "entropy": (ours("entropy"), bare, 10**8),
    "modAL entropy": (modal(entropy_sampling), bare, 10**8),
    "margin_kmeans": (ours("margin_kmeans"), bare, 10**8),
    "ranked_batch": (ours("ranked_batch"), bare, 10**6),
    "modAL ranked batch": (modal_ranked, bare, 10**4),
    "choose: margin": (chosen("margin"), bare_parquet, 10**8),
    "choose: margin_kmeans": (chosen("margin_kmeans"), bare_parquet, 10**8),
}
"""Name → what runs, what it is measured against, and the most rows it is asked to take (beyond: minutes or out of
memory)."""
SLOW = ("modAL ranked batch", "scikit-activeml margin")
NEEDS = {"scikit-activeml margin": "skactiveml", "small-text breaking ties": "small_text"}


def anonymous_mb() -> float:
    """Anonymous memory of this process in MB (Linux)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


class PeakMemory:
    """The highest anonymous memory while the block runs, less what there was before, in MB."""

    def __enter__(self) -> "PeakMemory":
        self.before = self.peak = anonymous_mb()
        self.stop = Event()
        self.thread = Thread(target=self._watch)
        self.thread.start()
        return self

    def _watch(self) -> None:
        while not self.stop.wait(0.02):
            self.peak = max(self.peak, anonymous_mb())

    def __exit__(self, *failure: object) -> None:
        self.stop.set()
        self.thread.join()

    @property
    def extra(self) -> float:
        """The result, in MB."""
        return self.peak - self.before


def measured(name: str, folder: Path, rows: int, number: int, repeats: int) -> dict[str, Any]:
    """One contender's figures, in this process."""
    run, base, _ = CONTENDERS[name]
    warm, task = Task(folder, 5_000, 100), Task(folder, rows, number)
    base(warm), run(warm)
    figures = [_figures(lambda: base(task), lambda: run(task)) for _ in range(repeats)]
    middle = {key: median(figure[key] for figure in figures) for key in figures[0]}
    return {"rows": rows, "strategy": name, **middle}


def _figures(base: Callable[[], Any], run: Callable[[], Any]) -> dict[str, float]:
    """One pass of the bare scoring and one of the contender."""
    bare_cpu = _cpu(base)
    start = perf_counter()
    with PeakMemory() as memory:
        cpu = _cpu(run)
    wall = perf_counter() - start
    return {"CPU s": cpu, "wall s": wall, "bare CPU s": bare_cpu, "ratio": cpu / bare_cpu, "extra MB": memory.extra}


def _cpu(run: Callable[[], Any]) -> float:
    """CPU seconds of all threads of this process."""
    start = process_time()
    run()
    return process_time() - start


def prepare(folder: Path, rows: int) -> None:
    """Write the rows as a numpy file and as a pool file, a piece at a time."""
    rng = np.random.default_rng(rows)
    target = np.lib.format.open_memmap(folder / f"{rows}.npy", "w+", np.float64, (rows, COLUMNS))
    writer: Any = None
    for start in range(0, rows, CHUNK):
        block = rng.normal(size=(min(CHUNK, rows - start), COLUMNS))
        target[start : start + len(block)] = block
        keys = rng.integers(-(2**63), 2**63, len(block))
        ids = pl.Series(keys.view(np.uint64)).cast(pl.String).str.zfill(32)
        numbers = np.arange(start, start + len(block))
        leading = pl.DataFrame({"sample_id": ids, "sample_key": keys, "row": numbers, "evaluation": numbers < 0})
        table = leading.hstack(pl.DataFrame(block, schema=NAMES)).to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(folder / f"{rows}.parquet", table.schema, use_dictionary=False)
        writer.write_table(table)
    writer.close()
    target.flush()


def known_rows() -> Any:
    """Labelled rows: five classes from noisy linear scores."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(LABELED, COLUMNS))
    scores = X @ rng.normal(size=(COLUMNS, CLASSES)) + rng.normal(size=(LABELED, CLASSES))
    return np.column_stack([X, scores.argmax(axis=1)])


def table(results: list[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    names = ["rows", "strategy", "CPU s", "wall s", "bare CPU s", "ratio", "extra MB"]
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(_cell(result[name]) for name in names)} |" for result in results]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    """A figure with three digits that matter."""
    return (
        f"{value:.3g}"
        if isinstance(value, float) and value < 1000
        else f"{value:,.0f}"
        if value != str(value)
        else value
    )


def main() -> None:
    """Prepare the files, run each contender in its own process, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--number", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS))
    parser.add_argument("--one", nargs=3, metavar=("NAME", "FOLDER", "ROWS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, folder, rows = options.one
        print(json.dumps(measured(name, Path(folder), int(rows), options.number, options.repeats)))
        return
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "known.npy", known_rows())
        results = []
        for rows in [5_000, *options.rows]:
            prepare(Path(folder), rows)
        for rows in options.rows:
            names = [name for name in options.only if rows <= CONTENDERS[name][2]]
            results += [apart(name, folder, rows, options) for name in names if find_spec(NEEDS.get(name, "numpy"))]
        print("\n" + table(results))


def apart(name: str, folder: str, rows: int, options: argparse.Namespace) -> dict[str, Any]:
    """One contender's figures, from a fresh process."""
    command = [sys.executable, __file__, "--one", name, folder, str(rows), "--number", str(options.number)]
    repeats = ["--repeats", "1" if name in SLOW or rows > 5_000_000 else str(options.repeats)]
    done = subprocess.run([*command, *repeats], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} on {rows:,} rows failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{rows:>11,}  {name:28} ratio {result['ratio']:.2f}  extra {result['extra MB']:.0f} MB", flush=True)
    return result


if __name__ == "__main__":
    main()
