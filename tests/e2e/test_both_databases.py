"""One story of the loop, told on SQLite and on PostgreSQL: the end is the same, fact for fact."""

from pathlib import Path

import pytest

from tests.crash.story import end_of, tell
from tests.projects.small_project import make_project
from tests.servers.databases import database_of, sqlite_in
from tiltyard.workspace.workspace import open_workspace


@pytest.mark.timeout(300)
def test_the_story_ends_alike_on_both_databases(
    tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = {"sqlite": sqlite_in(tmp_path).url, "postgresql": database_of(postgresql)}
    ends = {}
    for name, url in urls.items():
        monkeypatch.setenv("TILTYARD_LEDGER_URL", url)
        folder = make_project(tmp_path / name).project_file.parent
        tell(folder)
        workspace = open_workspace(folder)
        assert workspace.ledger.database.is_sqlite == (name == "sqlite")
        ends[name] = end_of(workspace)
        workspace.ledger.close()
    assert ends["sqlite"]["problems"] == []
    assert len(ends["sqlite"]["champions"]) >= 1
    assert ends["postgresql"] == ends["sqlite"]
