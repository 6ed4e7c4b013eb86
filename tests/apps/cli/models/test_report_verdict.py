"""A verdict's page: both models asked again, nothing from elsewhere, nothing hostile, old verdicts too."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.clients.browser import DESK, PHONE, chromium, violations
from tests.clients.strict_page import Page, faults
from tests.projects.judged_project import judged_project
from tiltyard.apps.cli.project.report import report
from tiltyard.evaluation.metrics import EncodedRows
from tiltyard.evaluation.strata import Strata, weights_of
from tiltyard.project.report import judged_verdict
from tiltyard.reports.check_groups import group_checks
from tiltyard.reports.html.confusion_table import MOST_CLASSES, matrices, mistakes
from tiltyard.reports.html.flips import find_flips
from tiltyard.reports.html.model_charts import Side, Sides, cost_chart
from tiltyard.reports.html.project_page import project_page
from tiltyard.reports.html.publish import PROJECT_PAGE, page_name, publish_pages
from tiltyard.reports.html.verdict_data import VerdictData, collect_verdict_data
from tiltyard.reports.html.verdict_page import render_verdict, verdict_page
from tiltyard.reports.verdict_summary import headline
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Check, Interval, Verdict
from tiltyard.stores.registry.registry import Registry
from tiltyard.tasks.models.roll_back_champion import roll_back_champion
from tiltyard.workspace.workspace import Workspace, open_workspace

HOSTILE = "<script>alert('$\\frac{1}{')</script>"
BETWEEN = {"value": 0.01, "low": -0.02, "high": 0.05}
EVIDENCE = {
    "look": 2,
    "level": 0.008333,
    "churn": {"share": 0.125, "low": 0.1, "high": 0.2, "rows": 400},
    "lure": {"challenger": 0.8, "champion": 0.78, "gain": 0.0213},
    "slices": [
        {
            "column": HOSTILE,
            "value": "$x$ & y",
            "rows": 40,
            "gain": -0.03,
            "low": -0.1,
            "high": 0.04,
            "outcome": "pass",
        },
        {"column": "colour", "value": "red", "rows": 31, "gain": -0.3, "low": -0.4, "high": -0.2, "outcome": "fail"},
        {"column": "colour", "value": "blue", "rows": 31, "gain": None, "outcome": "told"},
    ],
    "vanished": [{"column": "colour", "value": HOSTILE, "training_rows": 50}],
    "importance": [{"column": HOSTILE, **BETWEEN}, {"column": "$\\x", **BETWEEN}],
    "leaks": {"before_newest_training": 0.82},
    "calibration": {"challenger": {"error": 0.1, "brier": {"score": 0.2}}, "champion": {"brier": {"score": 0.25}}},
    "costs": {"challenger": {"value": 0.4, "low": 0.3, "high": 0.5}, "champion": None, "saved": None},
}
"""Evidence with everything in it that a page shows."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Three days with verdicts and promotions."""
    made = judged_project(tmp_path_factory.mktemp("verdicts") / "small", days=3)
    assert len(made.ledger.champions.history()) >= 2
    return made


@pytest.fixture(scope="module")
def verdict(workspace: Workspace) -> Verdict:
    """The last verdict that compared two models."""
    return [one for one in workspace.ledger.champions.verdicts() if one.champion_id][-1]


@pytest.fixture(scope="module")
def facts(workspace: Workspace, verdict: Verdict) -> VerdictData:
    return collect_verdict_data(workspace, verdict)


@pytest.fixture(scope="module")
def full(facts: VerdictData) -> str:
    """A page with everything on it."""
    hostile = Check("slices", "fail", -0.2, -0.05, HOSTILE, -0.3, -0.1)
    checks = (*facts.verdict.checks, hostile)
    told = replace(facts.verdict, evidence=EVIDENCE, checks=checks, gain=Interval(0.02, -0.01, 0.05))
    headline = replace(facts.headline, why=(HOSTILE,), next_step=HOSTILE)
    return render_verdict(replace(facts, verdict=told, headline=headline, groups=group_checks(checks)))


def test_every_verdict_has_a_page_that_needs_nothing(workspace: Workspace) -> None:
    for one in workspace.ledger.champions.verdicts():
        html = verdict_page(workspace, one)
        assert faults(html) == []
        assert "could not be asked again" not in html


def test_the_page_with_everything_is_whole_and_harmless(full: str) -> None:
    assert faults(full) == []
    assert "<script" not in full
    text = Page(full).text
    for told in (
        "Gate checks",
        "Decisions that differ",
        "Confusion by class",
        "Curves and thresholds",
        "Slices",
        "Importance and learning curve",
        "12.5 %",
        "the gain is +0.021",
        "The gate does not decide by it",
        "82% of the evaluation rows happened before",
        "Brier score (lower is better): challenger 0.200, champion 0.250.",
        "cost per decision",
    ):
        assert told in text
    assert text.count(HOSTILE) == 4  # in the headline, as the next step, of a check, as a slice


def test_it_is_small_and_quickly_drawn(workspace: Workspace, verdict: Verdict, full: str) -> None:
    began = time.process_time()
    html = verdict_page(workspace, verdict)
    assert time.process_time() - began < 5
    assert max(len(html.encode()), len(full.encode())) < 2_000_000


def test_the_numbers_are_those_of_the_rows_judged(facts: VerdictData, workspace: Workspace) -> None:
    assert facts.answers is not None
    judged = facts.answers.judged
    assert len(judged.rows) == facts.verdict.rows
    labels = judged.rows["label"].to_numpy()
    for matrix, answers in zip(matrices(facts.answers.sides), (judged.challenger, judged.champion), strict=True):
        assert answers is not None
        right = sum(cell.count for _, cells, _ in matrix.rows for cell in cells if cell.is_right)
        assert right == (labels == answers.predictions.decisions).sum()
    flipped = find_flips(facts.answers)
    assert flipped is not None
    assert judged.champion is not None
    assert flipped.rows == (judged.champion.predictions.decisions != judged.challenger.predictions.decisions).sum()


def test_an_old_verdict_without_evidence_is_told(facts: VerdictData) -> None:
    html = render_verdict(replace(facts, verdict=replace(facts.verdict, evidence=None)))
    assert faults(html) == []
    text = Page(html).text
    assert "Curves and thresholds" in text
    assert "Slices" not in text


def test_labels_drawn_at_the_disagreement_are_counted_for_what_they_stand_for(facts: VerdictData) -> None:
    assert facts.answers is not None
    rows = len(facts.answers.judged.rows)
    strata = Strata(np.arange(rows) % 2, (7000, 3000))
    judged = replace(facts.answers.judged, strata=strata)
    answers = replace(facts.answers, judged=judged, sides=replace(facts.answers.sides, weights=weights_of(strata)))
    text = Page(render_verdict(replace(facts, answers=answers))).text
    assert "estimates for the 10,000 rows of the evaluation set" in text
    assert sum(cell.count for _, cells, _ in matrices(answers.sides)[0].rows for cell in cells) == pytest.approx(10_000)


def test_models_that_are_gone_leave_a_page_that_says_so(workspace: Workspace, verdict: Verdict, tmp_path: Path) -> None:
    folder = workspace.project_file.parent
    copied = open_workspace(Path(shutil.copytree(folder, tmp_path / "copied")))
    shutil.rmtree(copied.folder / "artifacts")
    text = Page(verdict_page(copied, verdict)).text
    assert "The models could not be asked again" in text
    assert "Gate checks" in text


def test_a_roll_back_has_a_page(workspace: Workspace, tmp_path: Path) -> None:
    copied = open_workspace(Path(shutil.copytree(workspace.project_file.parent, tmp_path / "copied")))
    roll_back_champion.fn(str(copied.project_file.parent), "ada", HOSTILE)
    html = verdict_page(copied, copied.ledger.champions.verdicts()[-1])
    assert faults(html) == []
    text = Page(html).text
    assert "The champion was rolled back" in text
    assert HOSTILE in text
    project = project_page(copied)
    assert faults(project) == []
    assert "Rolled back to" in Page(project).text


def test_what_a_watch_sent_back_is_told_with_its_gain(facts: VerdictData) -> None:
    check = Check("watch", "fail", -0.2, 0.0, "on 30 labels since its promotion it is worse by 0.2", -0.3, -0.1)
    told = replace(facts.verdict, decision="roll_back", decided_by="watch", checks=(check,), reason=check.why)
    said = headline(replace(told, gain=Interval(0.2, 0.1, 0.3)))
    html = render_verdict(
        replace(facts, verdict=told, groups=group_checks(told.checks), headline=said, answers=None, missing="")
    )
    assert faults(html) == []
    text = Page(html).text
    for part in (
        "The champion was rolled back",
        check.why,
        "the champion before",
        "Is the champion still better?",
    ):
        assert part in text
    assert "Curves and thresholds" not in text


def test_many_classes_show_their_commonest_mistakes() -> None:
    names = tuple(f"class {number}" for number in range(MOST_CLASSES + 5))
    rng = np.random.default_rng(0)
    truth = rng.integers(len(names), size=300)
    decided = np.where(rng.random(300) < 0.3, (truth + 1) % len(names), truth)
    side = Side(EncodedRows(truth, decided, np.eye(len(names))[decided], 0))
    sides = Sides({"challenger": side}, np.ones(300), names, names[0])
    found = mistakes(sides)
    assert matrices(sides) == []
    assert all(names.index(one.decided) == (names.index(one.true) + 1) % len(names) for one in found)
    assert found[0].counts["challenger"] == max(one.counts["challenger"] for one in found)


def test_costs_are_drawn_where_there_are_some() -> None:
    told = np.array([[0.6, 0.4], [0.3, 0.7]])
    side = Side(EncodedRows(np.array([0, 1]), np.array([0, 1]), told, 1), cut=0.5)
    sides = Sides({"challenger": side}, np.ones(2), ("no", "yes"), "yes")
    chart = cost_chart(sides, {"yes": {"no": 10.0}})
    assert chart is not None
    assert "challenger at 0.50" in chart.caption
    assert cost_chart(sides, {}) is None


@pytest.mark.parametrize(("scheme", "size"), [("light", DESK), ("dark", PHONE)])
def test_axe_finds_nothing_and_nothing_runs_off_the_screen(
    browser: Browser, scheme: str, size: dict[str, int], full: str, workspace: Workspace, tmp_path: Path
) -> None:
    look: Any = {"color_scheme": scheme, "viewport": size, "is_mobile": size is PHONE}
    page = browser.new_context(**look).new_page()
    for name, html in (("verdict", full), ("project", project_page(workspace))):
        file = tmp_path / f"{name}.html"
        file.write_text(html, "utf-8")
        page.goto(file.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def test_the_command_writes_a_verdicts_page(workspace: Workspace, verdict: Verdict, tmp_path: Path) -> None:
    report(verdict.verdict_id[:10], workspace.project_file, tmp_path / "page.html")
    assert f"verdict {verdict.verdict_id[:8]}" in Page((tmp_path / "page.html").read_text("utf-8")).text
    report("challenger", workspace.project_file)
    last = workspace.ledger.champions.verdicts()[-1].verdict_id[:8]
    assert (workspace.project_file.parent / f"verdict-{last}.html").is_file()


def test_which_verdict_is_meant(workspace: Workspace, verdict: Verdict) -> None:
    assert judged_verdict(workspace, verdict.verdict_id[:6]).verdict_id == verdict.verdict_id
    champion = workspace.ledger.champions.champion_id
    assert judged_verdict(workspace, "champion").challenger_id == champion
    with pytest.raises(NotFound, match="no model begins with 'nothing'"):
        judged_verdict(workspace, "nothing")
    with pytest.raises(NotFound, match="more than one verdict begins with ''"):
        judged_verdict(workspace, "")


def test_a_page_is_kept_with_the_run_and_replaced_by_the_next(
    workspace: Workspace, verdict: Verdict, tmp_path: Path
) -> None:
    challenger = workspace.ledger.models.get(verdict.challenger_id)
    for words in ("first", "<b>second</b>"):
        assert workspace.registry.keep_page(challenger, "page.html", words) == ""  # nobody serves this MLflow
    path = workspace.registry.client.download_artifacts(challenger.run_id, "page.html", str(tmp_path))
    assert Path(path).read_text("utf-8") == "<b>second</b>"


def test_an_address_shows_no_password(workspace: Workspace, verdict: Verdict) -> None:
    challenger = workspace.ledger.models.get(verdict.challenger_id)
    guarded = Registry("https://ada:secret@mlflow.example:5000/under", None, "small")
    guarded.__dict__["experiment_id"] = "7"
    address = guarded.address_of(challenger, "page.html")
    assert address == f"https://mlflow.example:5000/under/#/experiments/7/runs/{challenger.run_id}/artifacts/page.html"


def test_both_pages_are_kept_with_the_challenger_without_what_will_change(
    workspace: Workspace, verdict: Verdict, tmp_path: Path
) -> None:
    assert publish_pages(workspace, verdict) == ""
    run = workspace.ledger.models.get(verdict.challenger_id).run_id
    pages = {PROJECT_PAGE: project_page(workspace), page_name(verdict): verdict_page(workspace, verdict)}
    for name, drawn in pages.items():
        path = workspace.registry.client.download_artifacts(run, name, str(tmp_path))
        kept, said = Path(path).read_text("utf-8"), headline(verdict).title
        assert said in kept
        assert said in drawn
        assert '<p class="next">' not in kept
        assert '<p class="next">' in drawn
