"""The loop through the Python API: each step, its result, its errors; and what a notebook shows."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import tiltyard
from tests.projects.small_project import a_day
from tests.python_api.conftest import annotate_queue, made_project, true_labels

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_the_whole_loop(tmp_path: Path) -> None:
    project = made_project(tmp_path / "small")
    taken = project.ingest(now=NOON)
    assert (taken.rows[0]["read"], taken.samples) == (121, 120)
    assert project.quarantine()["reasons"].tolist() == ["x 'abc' is not a number"]
    asked = project.ask(budget=60, now=NOON)
    assert sum(asked.asked.values()) == asked.waiting == len(project.queue()) == 60
    assert project.status().next.command == "tiltyard label"
    annotate_queue(project)
    trained = project.train(now=NOON)
    assert trained.model is not None
    assert trained.is_new
    assert not project.train(force=True).is_new
    judged = project.judge(now=NOON)
    assert judged.decision == "promote"
    assert project.judge().verdict is None
    moved = project.promote(by="lead", now=NOON)
    assert moved.promotion is not None
    assert (moved.promotion.actor, moved.annotations) == ("lead", 60)
    assert project.champion.model_id == trained.model.model_id
    for table in (project.batches(), project.models(), project.verdicts(), project.promotions()):
        assert set(table["recorded_at"]) == {pd.Timestamp(NOON)}
    rows = project.pool()
    right = [said == true for said, true in zip(project.champion.predict(rows), true_labels(rows), strict=True)]
    assert sum(right) > 100
    assert project.verify()


def test_rolling_back_needs_an_earlier_champion_and_a_reason(tmp_path: Path) -> None:
    project = made_project(tmp_path / "small")
    project.ingest()
    project.ask(budget=80)
    queue = project.queue()
    mistaken = ["yes" if colour == "blue" else "no" for colour in queue["colour"]]
    _next_champion(project, queue.assign(label=mistaken))
    first = project.champion.model_id
    with pytest.raises(tiltyard.TiltyardError, match="give a reason"):
        project.rollback(" ")
    with pytest.raises(tiltyard.TiltyardError, match="no earlier one to roll back to"):
        project.rollback("a test")
    _next_champion(project, queue.assign(label=true_labels(queue)))
    assert project.champion.model_id != first
    before = len(project.annotations())
    assert project.rollback("a test", by="lead").promotion is not None
    assert project.champion.model_id == first
    assert project.promotions()["kind"].tolist() == ["promotion", "promotion", "roll_back"]
    assert len(project.annotations()) == before > 80


def _next_champion(project: "tiltyard.Project", labels: pd.DataFrame) -> None:
    """The champion that these labels make."""
    project.annotate(labels, by="ada")
    project.train()
    project.judge()
    project.promote()


def test_a_new_project_says_what_is_missing(tmp_path: Path) -> None:
    project = made_project(tmp_path / "small")
    with pytest.raises(tiltyard.TiltyardError, match="no verdict was given yet"):
        project.promote()
    with pytest.raises(tiltyard.TiltyardError, match="there is no champion to roll back from"):
        project.rollback("a test")
    with pytest.raises(tiltyard.TiltyardError, match=r"budget=0: must be at least 1"):
        project.ask(budget=0)
    with pytest.raises(tiltyard.TiltyardError, match="has no time zone"):
        project.ingest(now=datetime(2026, 1, 1))
    with pytest.raises(tiltyard.TiltyardError, match=r"no step 'trian'; did you mean 'train'\?"):
        project.run(first="trian")
    with pytest.raises(tiltyard.TiltyardError, match="step 'judge' comes after 'train'"):
        project.run("judge", "train")


def test_an_error_shows_no_code_of_ours_below_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = made_project(tmp_path / "small")
    with pytest.raises(tiltyard.TiltyardError) as caught:
        project.promote()
    files = [Path(str(entry.path)).name for entry in caught.traceback]
    assert files == ["test_project.py", "errors.py"]
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    monkeypatch.setenv("TILTYARD_DEBUG", "1")
    with pytest.raises(tiltyard.TiltyardError) as whole:
        project.promote()
    assert len(whole.traceback) > 2


def test_a_setting_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = made_project(tmp_path / "small")
    monkeypatch.setenv("TILTYARD_CHUNK_ROWS", "many")
    with pytest.raises(tiltyard.TiltyardError, match=r"environment variable TILTYARD_CHUNK_ROWS: .*got 'many'"):
        project.pool()


def test_opening_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(tiltyard.TiltyardError, match="no project file at"):
        tiltyard.open(tmp_path)
    (tmp_path / "project.yaml").write_text("name: small\nclases: [a, b]\n", "utf-8")
    with pytest.raises(tiltyard.TiltyardError, match="did you mean 'classes'"):
        tiltyard.open(tmp_path)


def test_a_project_is_made_from_a_file(tmp_path: Path) -> None:
    data = tmp_path / "day.csv"
    data.write_text(a_day(1), "utf-8")
    project = tiltyard.init(data, into=tmp_path / "new", classes=["no", "yes"])
    assert project.config.class_names == ["no", "yes"]
    assert project.ingest().samples == 60
    with pytest.raises(tiltyard.TiltyardError, match="nothing is overwritten"):
        tiltyard.init(data, into=tmp_path / "new")


def test_an_edited_project_file_is_read_again(project: tiltyard.Project) -> None:
    text = (project.folder / "project.yaml").read_text("utf-8")
    (project.folder / "project.yaml").write_text(text.replace("name: yes", "name: surely\n  aliases: [yes]"), "utf-8")
    assert project.config.class_names[-1] in {"yes", "surely"}


def test_paths_hold_when_the_current_folder_changes(
    project: tiltyard.Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert len(project.pool()) == 120
    assert project.ingest().samples == 120


def test_what_a_notebook_shows(project: tiltyard.Project) -> None:
    assert repr(project) == f"Project(name='small', folder='{project.folder}')"
    shown = [project, project.champion, project.status(), project.ingest(), project.ask(2), project.verify()]
    for one in shown:
        page = one._repr_html_()
        assert type(one).__name__ in page
        assert "<table>" in page
        assert len(repr(one)) < 300
    assert "Effective labels" in project._repr_html_()
    assert "120 samples" in project.status()._repr_html_()


def test_a_page_is_shown_apart_from_the_notebook(project: tiltyard.Project) -> None:
    report = project.report()
    page = report._repr_html_()
    assert page.startswith('<iframe srcdoc="')
    assert "<script" not in page
    assert report.save().read_text("utf-8") == report.html
    assert report.path == project.folder / "report.html"
    verdict = project.report("champion")
    assert verdict.verdict is not None
    assert verdict.path.name == f"verdict-{verdict.verdict.verdict_id[:8]}.html"
    with pytest.raises(tiltyard.TiltyardError, match="no model begins with 'feed'"):
        project.report("feed")


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, tiltyard; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"pandas", "polars", "numpy", "sklearn", "mlflow", "prefect", "sqlalchemy", "pydantic", "schemas"}
    assert heavy & set(run.stdout.split()) == set()


def test_opening_and_reading_load_no_prefect(template: Path) -> None:
    code = "import sys, tiltyard; p = tiltyard.open(sys.argv[1]); p.labels(); p.status(); print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code, str(template)], capture_output=True, text=True, check=True)
    assert {"prefect", "mlflow", "sklearn"} & set(run.stdout.split()) == set()


SCRIPT = """
from schemas import THRESHOLD
from tasks import label_of

import tiltyard

project = tiltyard.init("day.csv", into="mine", classes=["no", "yes"])
print(project.ingest().samples, project.ask(budget=6).waiting)
queue = project.queue()
queue["label"] = [label_of(x, THRESHOLD) for x in queue["x"]]
print(project.annotate(queue, by="ada").stored, project.status().annotations)
"""


def test_a_user_s_own_schemas_and_tasks_are_theirs(tmp_path: Path) -> None:
    (tmp_path / "schemas.py").write_text("THRESHOLD = 0.5\n", "utf-8")
    (tmp_path / "tasks.py").write_text("def label_of(x, limit):\n    return 'yes' if x > limit else 'no'\n", "utf-8")
    (tmp_path / "day.csv").write_text(a_day(1), "utf-8")
    (tmp_path / "script.py").write_text(SCRIPT, "utf-8")
    run = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.stdout.split(), run.stderr) == (["60", "6", "6", "6"], "")


def test_public_names() -> None:
    assert sorted(tiltyard.__all__) == dir(tiltyard) == ["Project", "TiltyardError", "__version__", "init", "open"]
    assert tiltyard.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="has no attribute 'opne'; it has Project"):
        tiltyard.opne  # noqa: B018 # the very mistake
