"""No module reaches itself through its imports, not even through lazy ones or those for type checkers."""

from tests.architecture.import_graph import circles, modules, scripts

NOT_YET = [
    ["tiltyard.apps.cli.console.output", "tiltyard.apps.cli.console.safe_terminal"],
    ["tiltyard.apps.cli.demo.screen", "tiltyard.apps.cli.demo.story"],
    ["tiltyard.apps.cli.deployment.health_checks", "tiltyard.apps.cli.project.health_checks"],
    ["tiltyard.apps.labeling.service.progress", "tiltyard.apps.labeling.service.project"],
    ["tiltyard.training.search.optuna_search", "tiltyard.training.search.search"],
    ["tiltyard.workspace.models.scores", "tiltyard.workspace.workspace"],
    ["sample.js", "text.js"],
]
"""Circles that remain. The list only shrinks."""


def test_a_circle_is_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a", "elsewhere"}}
    assert circles(graph) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": set()}) == []


def test_the_graph_sees_lazy_imports() -> None:
    """The command line imports its commands only when one runs."""
    graph = modules()
    assert sum(map(len, graph.values())) > len(graph)


def test_no_module_imports_itself_through_others() -> None:
    assert [found for found in circles(modules()) if found not in NOT_YET] == []


def test_no_script_imports_itself_through_others() -> None:
    graph = scripts()
    assert any(graph.values())
    assert [found for found in circles(graph) if found not in NOT_YET] == []
