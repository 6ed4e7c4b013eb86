"""What a verdict asks of the stores: each model is read once, the pool once for a population, however often asked."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from tests.projects.judged_project import judged_project
from tests.projects.small_project import copied
from tiltyard.gate.triggers import Looks
from tiltyard.reports.html.verdict_page import verdict_page
from tiltyard.schemas.records import StoredFile, Verdict
from tiltyard.stores.files import Pool
from tiltyard.stores.registry import serialization as model_bytes
from tiltyard.stores.registry.serialization import load_model
from tiltyard.workspace.evaluation_set import LatestOnly, compare_population
from tiltyard.workspace.gate_evaluation import judge_models
from tiltyard.workspace.workspace import Workspace


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose second challenger was judged against the first champion."""
    workspace = judged_project(tmp_path_factory.mktemp("cost") / "project")
    workspace.ledger.close()
    return workspace.project_file.parent


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    return copied(template, tmp_path / "project")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often skops made a model and the pool was looked through; both still do it."""
    counts: Counter[str] = Counter()
    loads, scan = skops.io.loads, Pool.scan

    def loading(content: bytes, **rest: Any) -> Any:
        counts["models"] += 1
        return loads(content, **rest)

    def scanning(self: Pool, files: Sequence[StoredFile], chunk_rows: int) -> Iterator[pl.DataFrame]:
        counts["files"] += len(files)
        return scan(self, files, chunk_rows)

    monkeypatch.setattr(skops.io, "loads", loading)
    monkeypatch.setattr(Pool, "scan", scanning)
    model_bytes.forget()
    yield counts
    model_bytes.forget()


def judged(workspace: Workspace) -> Verdict:
    """The verdict between two models."""
    verdict = workspace.ledger.champions.verdicts()[-1]
    assert verdict.champion_id is not None
    return verdict


def judge_and_draw(workspace: Workspace, verdict: Verdict) -> None:
    """All that a verdict costs: the judgement, its page, and the question what to label where the two differ."""
    challenger, champion = (
        workspace.ledger.models.get(str(one)) for one in (verdict.challenger_id, verdict.champion_id)
    )
    evaluation = str(verdict.evaluation_id)
    assert judge_models(workspace, challenger, champion, evaluation, Looks(1, 1)).rows == verdict.rows
    assert "The models could not be asked again" not in verdict_page(workspace, verdict)
    assert compare_population(workspace, challenger, champion, evaluation).rows.height


def test_a_verdict_its_page_and_the_next_question_read_each_model_and_the_pool_once(
    workspace: Workspace, counted: Counter[str]
) -> None:
    verdict = judged(workspace)
    judge_and_draw(workspace, verdict)
    # Challenger and champion, who is the model trained before as well.
    assert counted["models"] == 2
    position = workspace.ledger.models.get_set(str(verdict.evaluation_id)).position
    assert counted["files"] == len(workspace.pool_files(position)) == 2
    judge_and_draw(workspace, verdict)
    assert counted == {"models": 2, "files": 2}


def test_a_model_whose_file_was_changed_is_refused_though_it_was_read_before(workspace: Workspace) -> None:
    verdict = judged(workspace)
    judge_and_draw(workspace, verdict)
    model, registry = workspace.ledger.models.get(verdict.challenger_id), workspace.registry
    assert registry.artifacts is not None
    path = registry.artifacts / model.artifact.name
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(Exception, match="not what was recorded"):
        registry.load(model)


def some_models(number: int) -> list[bytes]:
    """The bytes of different models."""
    rows, labels = np.arange(10.0)[:, None], np.arange(10) > 4
    return [model_bytes.dump_model(LogisticRegression(C=one + 1.0).fit(rows, labels)) for one in range(number)]


def test_no_more_models_are_kept_than_a_verdict_asks(counted: Counter[str]) -> None:
    models = some_models(model_bytes.KEPT + 1)
    for content in (*models, models[-1], models[1]):
        load_model(content)
    assert counted["models"] == len(models)
    load_model(models[0])
    assert counted["models"] == len(models) + 1


def test_a_large_model_is_not_kept(counted: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (content,) = some_models(1)
    monkeypatch.setattr(model_bytes, "KEPT_BYTES", len(content) - 1)
    load_model(content)
    load_model(content)
    assert counted["models"] == 2


def test_a_model_that_one_registry_trusts_is_none_to_another(counted: Counter[str]) -> None:
    (content,) = some_models(1)
    load_model(content, ["a.user.Class"])
    load_model(content)
    assert counted["models"] == 2


def test_the_latest_is_made_once_and_makes_room_for_the_next() -> None:
    made: list[str] = []
    latest: LatestOnly[list[str]] = LatestOnly()

    def make(name: str) -> list[str]:
        made.append(name)
        return [name]

    answers = [latest.of(name, lambda name=name: make(name)) for name in "aabba"]  # type: ignore[misc]  # a default
    assert answers == [["a"], ["a"], ["b"], ["b"], ["a"]]
    assert made == ["a", "b", "a"]


def test_a_reader_imports_only_what_its_format_needs() -> None:
    code = "import sys, tiltyard.stores.readers.child; sys.exit('pyarrow.parquet' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode == 0
