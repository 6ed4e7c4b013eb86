"""The report: everything that happened is in it, nothing from elsewhere, and nothing hostile gets out."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.clients.strict_page import Page
from tests.crash.story import go_round
from tests.projects.small_project import a_day, answer_queue, deliver, make_project
from tiltyard.apps.cli.project.report import report
from tiltyard.reports.html.evidence_charts import choice_chart
from tiltyard.reports.html.project_data import Beside, Curves, Finding, Point, collect_project_data
from tiltyard.reports.html.project_page import render_project, write_report
from tiltyard.schemas.records import NewAnnotation, SampleId
from tiltyard.tasks.models.roll_back_champion import roll_back_champion
from tiltyard.workspace.workspace import Workspace

HOSTILE = "<script>alert(1)</script>"
CURVES = Curves(
    chosen=(Point(10, 0.6, 0.6, 0.6), Point(20, 0.8, 0.8, 0.8)),
    random=(Point(10, 0.5, 0.4, 0.6), Point(20, 0.7, 0.65, 0.75)),
    rows=99,
    draws=5,
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Three days with a hostile key, bad rows, a refused batch, a hostile annotator and, if it comes, a roll-back."""
    made = make_project(tmp_path_factory.mktemp("report") / "small", description=f"A story {HOSTILE} & more")
    for number in range(3):
        deliver(made, f"day-{number}.csv", a_day(number) + f'{HOSTILE},1,"red",9{number}\n')
        go_round(str(made.project_file.parent))
        answer_queue(made, made.clock())
    deliver(made, f"{HOSTILE.replace('/', '')}.csv", "x,y,colour,row_id\n" + "no,1,red,1\n" * 5)
    made.ledger.annotations.submit([flag(made)], contract_hash=made.contract_hash, now=made.clock())
    go_round(str(made.project_file.parent))
    if len(made.ledger.champions.history()) > 1:
        roll_back_champion.fn(str(made.project_file.parent), HOSTILE, HOSTILE)
    return made


def flag(workspace: Workspace) -> NewAnnotation:
    """A flag by somebody with a strange name."""
    return NewAnnotation(
        client_key="hostile",
        annotator=HOSTILE,
        act="flag",
        sample_id=SampleId("0" * 32),
        payload={},
        said_at=workspace.clock(),
        note=HOSTILE,
    )


@pytest.fixture(scope="module")
def html(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> str:
    beside = Beside((Finding(f"law 1: {HOSTILE}", True, "all 17 are there"), Finding("law 2", False, HOSTILE)), CURVES)
    return write_report(workspace, tmp_path_factory.mktemp("out") / "new" / "report.html", beside).read_text("utf-8")


def test_it_needs_nothing_from_elsewhere(html: str) -> None:
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.elements}
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", html)
    addresses = {value for _, attributes in page.elements for name, value in attributes.items() if "href" in name}
    assert all(str(address).startswith("#") for address in addresses)
    policies = [attributes["content"] for attributes in page.tags("meta") if "http-equiv" in attributes]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_what_came_from_outside_is_text(html: str) -> None:
    page = Page(html)
    assert html.count("<script") == 0
    assert page.text.count(HOSTILE) >= 4  # description, finding, quarantined value, annotator


def test_headings_captions_and_names_lead_through_the_page(html: str) -> None:
    page = Page(html)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(page.tags("caption")) == len(page.tags("table")) >= 6
    assert all("scope" in attributes for attributes in page.tags("th"))
    assert all("aria-label" in one for one in page.tags("div") if one.get("role") == "region")
    assert page.tags("html") == [{"lang": "en"}]


def test_ids_are_unique_and_every_reference_has_its_target(html: str) -> None:
    page = Page(html)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {str(value)[1:] for _, one in page.elements for name, value in one.items() if name == "xlink:href"}
    assert wanted <= set(ids)
    assert set(re.findall(r"url\(#([\w-]+)\)", html)) <= set(ids)


def test_the_numbers_are_the_ledgers(workspace: Workspace, html: str) -> None:
    text, rows = Page(html).text, workspace.ledger.batches.conservation()
    total = f"{rows.read} read = {rows.accepted} accepted + {rows.quarantined} quarantined + {rows.duplicate} duplicate"
    assert total in text
    assert f"{workspace.ledger.annotations.count()} annotations, never deleted" in text
    for verdict in workspace.ledger.champions.verdicts():
        assert verdict.reason.split(";")[0] in text
    for move in workspace.ledger.champions.history():
        assert move.model_id[:8] in text
    for batch in workspace.ledger.batches.all():
        assert batch.reason in text


def test_reasons_count_what_quarantine_holds(workspace: Workspace) -> None:
    facts = collect_project_data(workspace)
    on_x = [row for row in facts.reasons if row["column"] == "x"]
    assert sum(row["rows"] for row in on_x) == 3 + 5
    assert {row["object"] for row in facts.held} >= {"day-0.csv", "day-1.csv", "day-2.csv"}


def test_labels_are_told_by_purpose(workspace: Workspace) -> None:
    facts = collect_project_data(workspace)
    told = sum(row["labels"] + row["others"] for row in facts.labels)
    assert told == facts.annotations == workspace.ledger.annotations.count()
    assert next(row for row in facts.labels if row["purpose"] == "evaluation")["labels"] > 0


def test_the_curve_stands_in_words_and_in_a_table_too(html: str) -> None:
    text = Page(html).text
    assert "With 20 training labels the chosen ones give accuracy 0.800, random labels 0.700" in text
    assert "0.650 to 0.750" in text


def test_drawings_take_the_pages_colours_and_fit_their_place() -> None:
    chart = choice_chart(CURVES, "accuracy")
    for svg in (chart.wide, chart.narrow):
        assert "var(--blue)" in svg
        assert "#010101" not in svg
        assert "viewBox=" in svg
        assert re.search(r"<svg[^>]* width=", svg) is None
        assert "<text" in svg


def test_the_same_project_draws_the_same_page(workspace: Workspace) -> None:
    facts = collect_project_data(workspace)
    assert render_project(facts, Beside((), CURVES)) == render_project(facts, Beside((), CURVES))


def test_a_project_in_which_nothing_happened_has_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = make_project(tmp_path / "empty")
    report(project=workspace.project_file.parent, as_json=True)
    written = workspace.project_file.parent / "report.html"
    assert str(written) in capsys.readouterr().out
    text = Page(written.read_text("utf-8")).text
    assert "There is no champion yet." in text
    assert "No challenger was judged yet." in text
    assert "0 read = 0 accepted" in text
    assert "Gate checks" not in text


def test_the_command_writes_where_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = make_project(tmp_path / "told")
    out = tmp_path / "deep" / "page.html"
    report(project=workspace.project_file, out=out)
    assert out.read_text("utf-8").startswith("<!doctype html>")
    assert "page.html" in capsys.readouterr().out.replace("\n", "")
