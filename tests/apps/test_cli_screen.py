"""How tables fit into 80 columns."""

import pytest

from apps.cli.screen import show_table

ROW = {
    "batch": "c4fec788",
    "object": "2026-01-09.csv.gz",
    "try": 2,
    "read": 100_000,
    "accepted": 100_000,
    "quarantined": 100_000,
    "duplicate": 100_000,
    "state": "unreadable",
}


@pytest.mark.parametrize("columns", ["80", "70", "200"])
def test_a_table_that_does_not_fit_is_broken_and_never_cut(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    show_table([ROW])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    ruled = next(place for place, line in enumerate(lines) if line.startswith("─"))
    shown = "".join(lines[ruled + 1 :])
    assert shown.count("100,000") == 4
    assert letters(shown) == letters("c4fec788 2026-01-09.csv.gz 2 unreadable" + "100,000" * 4)


def letters(text: str) -> list[str]:
    """What is there, wherever it stands."""
    return sorted(text.replace(" ", ""))


def test_a_table_that_fits_breaks_no_cell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show_table([{"name": "a" * 16, "text": "word " * 40}])
    assert "a" * 16 in capsys.readouterr().out
