"""No module reaches itself through its imports, not even through lazy ones or those for type checkers."""

from tests.architecture.import_graph import circles, modules, scripts


def test_a_circle_is_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a", "elsewhere"}}
    assert circles(graph) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": set()}) == []


def test_the_graph_sees_lazy_imports() -> None:
    """The command line imports its commands only when one runs."""
    graph = modules()
    assert sum(map(len, graph.values())) > len(graph)


def test_no_module_imports_itself_through_others() -> None:
    assert circles(modules()) == []


def test_no_script_imports_itself_through_others() -> None:
    graph = scripts()
    assert any(graph.values())
    assert circles(graph) == []
