"""What an object brought and was no part of its rows is in the batch's record, and the command says it."""

from pathlib import Path

from tests.clients.commands import done
from tests.projects.small_project import CONTENT, a_day, make_project

HEAD = "x,y,colour,row_id\n"


def test_blank_rows_and_columns_that_nobody_named_are_told(tmp_path: Path) -> None:
    columns = {**CONTENT["columns"], "extra": "ignore"}  # type: ignore[dict-item]  # it is a mapping
    workspace = make_project(tmp_path, columns=columns)
    head, *rows = a_day(1).splitlines()
    assert head + "\n" == HEAD
    put = {
        "a.csv": "\n".join([f"{head},index,", *(f"{row},{place},z" for place, row in enumerate(rows)), ",,,,,", ""]),
        "b.csv": a_day(2) + ",,,\n" * 3,
        "c.jsonl": '{"x": 1, "y": 2, "colour": "red", "row_id": 7, "more": 1}\n{}\n',
        "d.csv": "sep=;\n" + a_day(3).replace(",", ";"),
        "e.csv": HEAD.replace("y", "\u0443") + "1,2,red,9\n",
        "x=1/f.csv": "y,colour,row_id\n2,red,10\n",
        "g.csv": HEAD + '"1,5",2,red,10\n',
    }
    assert hasattr(workspace.source, "root")
    for key, content in put.items():
        path = Path(workspace.source.root) / key
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8")
    told = done("ingest", "-p", tmp_path, COLUMNS="200").out
    batches = workspace.ledger.batches
    found = {batches.get_object(one.object_id).key: one for one in batches.all()}
    assert [found[key].state for key in put] == ["accepted"] * 4 + ["refused"] * 3
    for batch in found.values():
        assert batch.read == batch.accepted + batch.quarantined + batch.duplicate
    assert (found["a.csv"].read, found["a.csv"].statistics["blank"]) == (60, 1)
    assert found["a.csv"].statistics["ignored"] == {"count": 2, "names": ["index", ""]}
    assert (found["b.csv"].read, found["b.csv"].statistics["blank"]) == (60, 3)
    assert (found["c.jsonl"].read, found["c.jsonl"].statistics["blank"]) == (1, 1)
    assert found["c.jsonl"].statistics["ignored"] == {"count": 1, "names": ["more"]}
    assert "a.csv: left out 1 blank row; columns that the project does not name: 'index', ''" in told
    assert "b.csv: left out 3 blank rows" in told
    assert "U+0443 CYRILLIC SMALL LETTER U" in found["e.csv"].reason
    assert "the key says x=1, but values in keys are not read" in found["x=1/f.csv"].reason
    assert "column 'x' holds '1,5': is source.csv.decimal ','?" in found["g.csv"].reason
    rows_told = done("status", "-p", tmp_path, "--json").data["batches"]
    assert next(row["left_out"] for row in rows_told if row["object"] == "b.csv") == "3 blank rows"
