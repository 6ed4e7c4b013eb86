"""The notebooks of the manual run from top to bottom in a fresh kernel, and carry no stored output."""

from pathlib import Path
from typing import cast

import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode, reads

from tests.architecture.sources import ROOT

NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    """A notebook from its file."""
    text = path.read_text("utf-8")
    return cast("NotebookNode", reads(text, as_version=4))  # type: ignore[no-untyped-call]  # nbformat has no types


def test_there_is_a_notebook() -> None:
    assert [path.name for path in NOTEBOOKS] == ["first-project.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_stores_no_output(path: Path) -> None:
    for cell in read(path).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, with no server named: Prefect is embedded, below the kernel's own event loop."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    for name, folder in (("HOME", "home"), ("PREFECT_HOME", "prefect"), ("TMPDIR", "tmp")):
        (tmp_path / folder).mkdir()
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = read(path)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    printed = [output for cell in cells for output in cell.outputs]
    assert [output.text for output in printed if output.output_type == "stream" and output.name == "stderr"] == []
    pages = [output.data["text/html"] for output in printed if "text/html" in output.get("data", {})]
    assert any("<iframe" in page for page in pages)
    assert any("promote" in page for page in pages)
