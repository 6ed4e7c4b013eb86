"""What a text project weighs after many batches, with all models kept and with a few.

usage: python -m benchmarks.storage [--batches 10] [--rows 2000] [--labels 60] [--keep 3]

Each batch brings made texts (words drawn by Zipf's law, so that each batch brings new ones), of which some arrive with
their label; after each a training is made. It is told what the workspace weighs by kind, per model, and how much the
rejected models' bytes give back when they are let go.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.release_models import delete_rejected_models
from tiltyard.workspace.checks.disk_usage import describe_usage, disk_usage
from tiltyard.workspace.workspace import open_workspace

PROJECT: dict[str, Any] = {
    "name": "weight",
    "columns": {"id": "key", "features": {"words": {"kind": "text"}}, "label": "answer"},
    "classes": ["no", "yes"],
    "tuning": {"minimum_labels": 20, "folds": 2},
}
COMMONEST_OF_TWO = ("fine", "broken")


def main() -> None:
    """Tell what the project weighs after the first, the middle and the last batch, and after letting go."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("batches", 10), ("rows", 2000), ("labels", 60), ("keep", 3)):
        asked.add_argument(f"--{name}", type=int, default=default)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "incoming").mkdir()
        (folder / "project.yaml").write_text(yaml.safe_dump(PROJECT), "utf-8")
        sent = 0
        for number in range(given.batches):
            sent += _arrive(folder, number, given.rows, given.labels)
            if number in {0, given.batches // 2, given.batches - 1}:
                used = describe_usage(disk_usage(open_workspace(folder)))
                print(f"{number + 1} batches, {sent / 1e6:.1f} MB sent: {used}")
        content = {**PROJECT, "models": {"keep_rejected": given.keep}}
        (folder / "project.yaml").write_text(yaml.safe_dump(content), "utf-8")
        print("; ".join(delete_rejected_models.fn(str(folder))) or "nothing to let go")
        print(f"then: {describe_usage(disk_usage(open_workspace(folder)))}")


def _arrive(folder: Path, number: int, rows: int, labels: int) -> int:
    """Bring a batch, take it in, and train; the bytes that were sent."""
    content = _batch(number, rows, labels).encode()
    (folder / "incoming" / f"batch-{number:03}.csv").write_bytes(content)
    project = str(folder)
    land_objects.fn(project)
    for object_id in objects_to_check.fn(project):
        check_batch.fn(project, object_id)
    fit_candidates.fn(project, snapshot_labels.fn(project, "training"))
    return len(content)


def _batch(number: int, rows: int, labels: int) -> str:
    """A batch's CSV: a key, a text of twenty words, and for the first rows an answer that a word gives away."""
    rng = np.random.default_rng(number)
    lines = ["key,words,answer"]
    for row in range(rows):
        place = int(rng.integers(2))
        words = [COMMONEST_OF_TWO[place], *(f"w{word}" for word in rng.zipf(1.3, 20) % 1_000_000)]
        lines.append(f"{number}-{row},{' '.join(words)},{('no', 'yes')[place] if row < labels else ''}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
