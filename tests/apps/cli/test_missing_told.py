"""Cells that were taken as missing though something stands in them are told with their counts."""

from pathlib import Path

import pytest

from tests.clients.commands import done
from tests.projects.small_project import deliver, make_project

COLUMNS = {
    "features": {
        "x": {"kind": "number"},
        "land": {"kind": "category", "missing_as": [""]},
        "size": {"kind": "category"},
    },
    "label": "kind",
}
ROWS = "x,land,size,kind\n1,NA,NA,None\nNA,DE,S,dent\nNaN,DE,,None\n4,NA,M,NA\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    workspace = make_project(
        tmp_path, columns=COLUMNS, classes=["None", "dent"], source={"csv": {"missing": ["", "NA", "None"]}}
    )
    deliver(workspace, "a.csv", ROWS)
    return tmp_path


def test_ingest_tells_what_it_took_as_missing_and_keeps_the_class_and_the_country(project: Path) -> None:
    told = " ".join(done("ingest", "-p", project).out.split())
    assert "a.csv: read as missing: kind 'NA' (1), size 'NA' (1), x 'NA' (1), x 'NaN' (1)" in told
    (row,) = done("status", "-p", project, "--json").data["batches"]
    assert (row["accepted"], row["missing"]) == (4, "kind 'NA' (1), size 'NA' (1), x 'NA' (1), x 'NaN' (1)")
    out = project / "labels.jsonl"
    done("export-labels", out, "-p", project)
    assert out.read_text().count('"label":"None"') + out.read_text().count('"label": "None"') == 2
