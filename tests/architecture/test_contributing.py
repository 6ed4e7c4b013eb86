"""CONTRIBUTING's table of where a new thing goes: each row is followed with a tiny one, and it works.

A test adds its thing in exactly the places that its row names, and in no other.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest
import typer
from jinja2 import ChoiceLoader, DictLoader, Environment
from pydantic import Field
from sklearn.linear_model import LogisticRegression
from starlette.requests import Request
from starlette.responses import Response
from typer.testing import CliRunner

from docs.generate import _settings_table
from tests.architecture.sources import ROOT
from tests.clients.web import logged_in, serving
from tests.projects.examined_models import examined, small, truth
from tests.projects.judged_project import judged_project
from tests.projects.made_queue import NUMBERS, made_project, numbers, token_for
from tests.projects.small_project import CONTENT, a_day, make_project
from tiltyard import flows
from tiltyard.apps.cli import main as command_line
from tiltyard.apps.cli.console import help as command_help
from tiltyard.apps.cli.deployment.files import fill_variables, read_yaml
from tiltyard.apps.cli.deployment.lint import all_flows, lint_deployments
from tiltyard.apps.labeling.rendering import templates as labeling_templates
from tiltyard.apps.labeling.routes import pages as labeling_pages
from tiltyard.evaluation import influence, metrics
from tiltyard.evaluation.predictions import Predictions
from tiltyard.gate.checks import suite
from tiltyard.gate.inputs import CheckResults
from tiltyard.query import strategies
from tiltyard.query.strategies import STRATEGIES, Strategy, get_strategy
from tiltyard.reports import check_groups
from tiltyard.reports.html import page as report_page
from tiltyard.reports.html import verdict_page
from tiltyard.schemas.errors import NotFound, ProjectFileError
from tiltyard.schemas.project import MetricName, Project, Query, StrategyName, parse_project
from tiltyard.schemas.project.project_file import Format
from tiltyard.schemas.records import Check
from tiltyard.schemas.settings import Settings
from tiltyard.stores.files.landing import Arrival, ObjectStore
from tiltyard.stores.readers import handover
from tiltyard.stores.readers.child import handle_request
from tiltyard.stores.readers.format_detection import ENDINGS, WRITTEN, detect_format
from tiltyard.stores.readers.formats import READERS
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.workspace.workspace import Workspace

TABLE = re.compile(r"^## Where a new thing goes$.*?(?=^## )", re.MULTILINE | re.DOTALL)
NAMED_IN = re.compile(r"`(\w+)`(?: or `(\w+)`| and `(\w+)`)? in `([\w/.]+\.(?:py|yaml))`")


def rows() -> dict[str, list[str]]:
    """The table's rows by the thing to add: where it is written, registered and tested."""
    found = TABLE.search((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert found
    lines = [line for line in found.group().splitlines() if line.startswith("| a")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {re.sub(r" \(\[.*", "", first): rest for first, *rest in cells}


def test_each_row_has_a_test() -> None:
    names = {f"test_{re.sub(r'^an? ', '', row).replace(' ', '_')}_goes_there" for row in rows()}
    assert names == {name for name in globals() if name.startswith("test_") and name.endswith("_goes_there")}


def test_each_place_exists() -> None:
    """Files and folders, and the names in them that a row asks to extend."""
    text = " ".join(cell for cells in rows().values() for cell in cells)
    missing = [path for path in re.findall(r"`((?:\w+/)+[\w.]*|\w+\.yaml)`", text) if not (ROOT / path).exists()]
    for *names, path in NAMED_IN.findall(text):
        missing += [f"{name} in {path}" for name in names if name and name not in names_in(ROOT / path)]
    assert missing == []


def names_in(path: Path) -> set[str]:
    """What a file defines at its top level."""
    if path.suffix != ".py":
        return set(read_yaml(path))
    body = ast.parse(path.read_text("utf-8")).body
    assigned = [node.targets[0] for node in body if isinstance(node, ast.Assign)]
    assigned += [node.target for node in body if isinstance(node, ast.AnnAssign)]
    named = {target.id for target in assigned if isinstance(target, ast.Name)}
    return named | {node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def test_gate_check_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def tea(_: Any, project: Project) -> CheckResults:
        return CheckResults((Check("tea", "fail", 1.0, project.gate.churn, "the tea is cold"),), {"tea": 1.0})

    monkeypatch.setattr(suite, "FAMILIES", (*suite.FAMILIES, tea))
    monkeypatch.setattr(check_groups, "QUESTIONS", (*check_groups.QUESTIONS, ("Is there tea?", frozenset({"tea"}))))
    project = small({"churn": 0.2})
    found = suite.run_checks(examined(truth, project=project), project)
    assert found.checks[-1] == Check("tea", "fail", 1.0, 0.2, "the tea is cold")
    assert found.evidence["tea"] == 1.0
    assert check_groups.group_question("tea") == "Is there tea?"


def test_query_strategy_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def surprise(classifier: Any, X: Any) -> Any:
        return 1.0 - classifier.predict_proba(X).max(axis=1)

    assert set(get_args(StrategyName)) == set(STRATEGIES)
    with pytest.raises(ProjectFileError, match="surprise"):
        parse_project({**CONTENT, "query": {"strategy": "surprise"}}, "project.yaml")
    known: dict[Any, Strategy] = {**STRATEGIES, "surprise": Strategy(surprise)}
    monkeypatch.setattr(strategies, "STRATEGIES", known)
    X = np.linspace(-3, 3, 30).reshape(-1, 1)
    model = LogisticRegression().fit(X, X.ravel() > 0)
    picks, _ = get_strategy("surprise")(model, X, n_instances=2)
    assert sorted(picks) == [14, 15]


def test_metric_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def error_rate(rows: metrics.EncodedRows, weights: Any) -> Any:
        return weights @ (rows.truth != rows.decided) / weights.sum(axis=1)

    def derivative(rows: metrics.EncodedRows, weights: Any) -> Any:
        wrong = (rows.truth != rows.decided).astype(float)
        return (wrong - weights @ wrong / weights.sum()) / weights.sum()

    assert set(get_args(MetricName)) == set(metrics.RULES) == set(influence.RULES)
    monkeypatch.setitem(metrics.RULES, "error_rate", error_rate)
    monkeypatch.setitem(influence.RULES, "error_rate", derivative)
    labels = np.array(["a", "b", "a", "a"])
    said = Predictions(np.tile([0.9, 0.1], (4, 1)), np.array(["a"] * 4), ("a", "b"), "b")
    assert metrics.score("error_rate", labels, said) == 0.25
    assert list(influence.influences("error_rate", metrics.encode(labels, said), np.ones(4)) > 0) == [0, 1, 0, 0]


def test_reader_goes_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def read_fixed_width(path: Path, _: handover.Request, handed: handover.Handover) -> list[str]:
        lines = path.read_text("utf-8").splitlines()
        handed.check_width(2)
        columns = {"x": [line[:3].strip() for line in lines], "y": [line[3:].strip() for line in lines]}
        batch = pa.record_batch({name: pa.array(cells, pa.large_string()) for name, cells in columns.items()})
        handed.take(batch, handed.numbers(len(lines)), range(1, len(lines) + 1))
        return list(columns)

    assert set(get_args(Format)) - {"auto"} == set(READERS) == set(WRITTEN) == set(ENDINGS.values())
    monkeypatch.setitem(READERS, "fixed", read_fixed_width)
    monkeypatch.setitem(ENDINGS, ".fwf", "fixed")
    monkeypatch.setitem(WRITTEN, "fixed", "text")
    assert detect_format("day.fwf.gz", "auto") == ("fixed", "gzip")
    (tmp_path / "day.fwf").write_text("  1 2.5\n 10 3.5\n", "utf-8")
    bounds = ("max_bytes", "max_rows", "max_columns", "max_cells", "max_line_bytes", "memory_mb")
    limits: dict[str, Any] = dict.fromkeys(bounds, 10**6)
    marks: dict[str, Any] = {"delimiter": ",", "quote": '"', "escape": "", "trim": False}
    told = handle_request(
        handover.Request(
            path=str(tmp_path / "day.fwf"), format="fixed", compression="", columns=["x", "y"], only_columns=True,
            seconds=10.0, folder=str(tmp_path), **marks, **limits,
        )
    )  # fmt: skip
    assert told == {"header": ["x", "y"], "blank": 0}
    assert pa.ipc.open_file(tmp_path / "cells.arrow").read_all().to_pydict() == {"x": ["1", "10"], "y": ["2.5", "3.5"]}


class OneObject:
    """A source with one object, which is nowhere but in memory."""

    name = "memory:one"

    def __init__(self, key: str, content: bytes) -> None:
        self.content = content
        self.arrival = Arrival(key, "", len(content), "first")

    def arrivals(self, pattern: str, leave: Any = None) -> Iterator[Arrival]:
        if fnmatch(self.arrival.key, pattern):
            yield self.arrival
        elif leave:
            leave(self.arrival.key, "another name")

    def find(self, key: str, version: str = "") -> Arrival:
        if (key, version) != (self.arrival.key, self.arrival.version):
            raise NotFound(f"there is no {key!r}")
        return self.arrival

    def read(self, arrival: Arrival) -> Iterator[bytes]:
        yield self.content[: arrival.size]


def test_source_of_objects_goes_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source: ObjectStore = OneObject("day.csv", a_day(0, rows=5).encode())
    replaced = cached_property(lambda _: source)
    replaced.__set_name__(Workspace, "source")
    monkeypatch.setattr(Workspace, "source", replaced)
    workspace = make_project(tmp_path)
    project = str(workspace.project_file)
    land_objects.fn(project)
    (batch,) = [workspace.ledger.batches.get(check_batch.fn(project, one)) for one in objects_to_check.fn(project)]
    assert (batch.read, batch.accepted) == (5, 5)


def in_front(monkeypatch: pytest.MonkeyPatch, templates: Environment, name: str, text: str) -> None:
    """Let a template be found before those of the package, with a cache of compiled templates for the test alone."""
    assert templates.loader is not None
    monkeypatch.setattr(templates, "loader", ChoiceLoader([DictLoader({name: text}), templates.loader]))
    monkeypatch.setattr(templates, "cache", {})


def test_section_of_the_report_goes_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    workspace = judged_project(tmp_path, days=1)
    verdict = workspace.ledger.champions.verdicts()[-1]
    templates = report_page._templates()
    assert templates.loader is not None
    written, *_ = templates.loader.get_source(templates, "verdict.html")
    assert written.count("</main>") == 1
    in_front(monkeypatch, templates, "verdict.html", written.replace("</main>", "<h2>{{ tea }}</h2>\n</main>"))
    monkeypatch.setattr(
        verdict_page, "render", lambda name, **told: report_page.render(name, **told, tea="Tea & biscuits")
    )
    html = verdict_page.verdict_page(workspace, verdict)
    assert "<h2>Tea &amp; biscuits</h2>" in html


def test_labeling_page_goes_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def show_tea(request: Request, project: str) -> Response:
        _, context = await labeling_pages.page_caller(request, project, "lead")
        return labeling_templates.render_page("tea.html", context)

    monkeypatch.setattr(labeling_pages.router, "routes", [*labeling_pages.router.routes])
    labeling_pages.router.get("/p/{project}/tea")(show_tea)
    text = (
        '{% extends "shared/frame.html" %}{% block body %}<main id="main">{{ project.name }}: tea</main>{% endblock %}'
    )
    in_front(monkeypatch, labeling_templates._templates(), "tea.html", text)
    workspace = made_project(tmp_path, numbers(3), NUMBERS)
    with serving(workspace.project_file) as client:
        assert client.get("/p/small/tea").status_code == 303
        logged_in(client, token_for(workspace, "lea", "lead"))
        assert "small: tea" in client.get("/p/small/tea").text
        client.cookies.clear()
        logged_in(client, token_for(workspace, "ada"))
        assert client.get("/p/small/tea").status_code == 403


def test_command_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def tea() -> None:
        """Make tea."""
        typer.echo("tea is ready")

    app = command_line.app
    known = {one.callback.__name__ for one in app.registered_commands if one.callback}
    assert known == {one.__name__ for commands in command_line.PANELS.values() for one in commands}
    monkeypatch.setattr(app, "registered_commands", [*app.registered_commands])
    monkeypatch.setitem(command_help.EXAMPLES, "tea", "tiltyard tea")
    app.command("tea", rich_help_panel="Look")(tea)
    ran = CliRunner().invoke(app, ["tea"])
    assert (ran.exit_code, ran.output) == (0, "tea is ready\n")
    assert "Example: tiltyard tea" in CliRunner().invoke(app, ["tea", "--help"]).output


def test_setting_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class SettingsWithTea(Settings):
        """With one more."""

        tea: str = Field("green", description="the tea to make")

    assert SettingsWithTea().tea == "green"
    monkeypatch.setenv("TILTYARD_TEA", "black")
    assert SettingsWithTea().tea == "black"
    assert "| `TILTYARD_TEA` | `green` | the tea to make |" in _settings_table(SettingsWithTea)


def test_key_of_the_project_file_goes_there() -> None:
    class QueryWithTea(Query):
        """With one more."""

        tea: int = Field(2, ge=0, description="cups")

    class ProjectWithTea(Project):
        """With one more."""

        query: QueryWithTea = Field(default_factory=QueryWithTea)

    assert ProjectWithTea.model_validate({**CONTENT, "query": {"tea": 5}}).query.tea == 5
    assert '"cups"' in json.dumps(ProjectWithTea.model_json_schema())
    with pytest.raises(ProjectFileError, match="tea"):
        parse_project({**CONTENT, "query": {"tea": 5}}, "project.yaml")


FLOW = '''"""Drink tea."""

from tiltyard.tasks.loop_flow import loop_flow


@loop_flow("drink-tea")
def drink_tea(project: str = ".") -> str:
    """Drink tea over a project."""
    return f"tea over {project}"
'''


def test_flow_goes_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variables = {name: "x" for name in ("TILTYARD_PROJECT", "TILTYARD_PROJECT_NAME", "TILTYARD_WORK_POOL")}
    file = fill_variables(read_yaml(ROOT / "prefect.yaml"), {**variables, "TILTYARD_OBJECTS": "s3://in/x/*"})
    (tmp_path / "drink_tea.py").write_text(FLOW, "utf-8")
    monkeypatch.setattr(flows, "__path__", [*flows.__path__, str(tmp_path)])
    all_flows.cache_clear()
    try:
        entry = "tiltyard.flows.drink_tea.drink_tea"
        assert lint_deployments(file) == [f"{entry} is not deployed; add it to deployments"]
        deployed = next(one for one in file["deployments"] if one["entrypoint"].endswith(".score_batch"))
        one_more = {**deployed, "entrypoint": entry, "triggers": []}
        assert lint_deployments({**file, "deployments": [*file["deployments"], one_more]}) == []
    finally:
        all_flows.cache_clear()
        sys.modules.pop("tiltyard.flows.drink_tea", None)
