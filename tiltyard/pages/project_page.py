"""The page of a whole project."""

from pathlib import Path

from tiltyard.pages.beside import Beside
from tiltyard.pages.charts import choice_chart, gate_chart
from tiltyard.pages.facts import Facts, facts_of
from tiltyard.pages.page import render, write
from tiltyard.stores.workspace import Workspace


def write_report(workspace: Workspace, path: Path, beside: Beside | None = None) -> Path:
    """Write a project's report as one HTML file; its path. What is there already is replaced."""
    return write(path, page_of(facts_of(workspace), beside or Beside()))


def page_of(facts: Facts, beside: Beside) -> str:
    """The report as HTML."""
    charts = {
        "choice": choice_chart(beside.curves, facts.metric) if beside.curves else None,
        "gate": gate_chart(facts.curve, facts.moves, facts.metric) if facts.curve else None,
    }
    return render("project.html", facts=facts, beside=beside, charts=charts)
