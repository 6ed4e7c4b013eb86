"""Pandera's schemas: built from the project file, or loaded from a module whose source is part of the contract."""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from pandera.errors import SchemaErrors

from tiltyard.schemas.errors import ProjectFileError
from tiltyard.schemas.frames import (
    ANNOTATION_COLUMNS,
    annotation_schema,
    batch_schema,
    contract_hash,
    load_pandera,
    prediction_schema,
)
from tiltyard.schemas.pool_types import POOL_TYPES, pool_schema
from tiltyard.schemas.project import Project, parse_project

MODEL = """
import pandera.polars as pa

class Model(pa.DataFrameModel):
    x: float = pa.Field(ge={least}, nullable=True)

SCHEMA = pa.DataFrameSchema({{"x": pa.Column(float)}})
NUMBER = 5
"""


def project(**changes: Any) -> Project:
    features = {f"f_{kind}": {"kind": kind} for kind in POOL_TYPES}
    columns = {"id": "key", "time": "when", "features": features, "reference": ["answer"]}
    return parse_project({"name": "p", "classes": ["a", "b"], "columns": columns} | changes, "p.yaml")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Write a module and give its name; written again, it is the same module mended."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a file mended within a second looks unchanged to the cache
    name = f"checks_of_{tmp_path.name.replace('-', '_')}"

    def write(source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        return name

    yield write
    sys.modules.pop(name, None)


def test_the_batch_schema_has_every_column_in_pool_types() -> None:
    schema = batch_schema(project())
    assert list(schema.columns) == project().columns.all_names
    empty = pl.DataFrame(schema=pool_schema(project()))
    assert schema.validate(empty).schema == empty.schema


@pytest.mark.parametrize("name", ["key", "when"])
def test_the_producers_key_and_time_must_be_there(name: str) -> None:
    row = dict.fromkeys(project().columns.all_names) | {
        "key": "k",
        "when": datetime(2024, 1, 1, tzinfo=UTC),
        name: None,
    }
    with pytest.raises(SchemaErrors):
        batch_schema(project()).validate(pl.DataFrame([row], schema=pool_schema(project())), lazy=True)


@pytest.mark.parametrize("model", ["Model", "SCHEMA"])
def test_a_model_or_schema_is_loaded(model: str, module: Callable[[str], str]) -> None:
    schema = load_pandera(f"{module(MODEL.format(least=0))}:{model}", "p.yaml")
    assert isinstance(schema, pa.DataFrameSchema)
    assert list(schema.columns) == ["x"]


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        (MODEL.format(least=0), "Modle", "did you mean 'Model'"),
        (MODEL.format(least=0), "NUMBER", "is 5, not a DataFrameModel"),
        ("import pandera.pandas as pa\nclass Model(pa.DataFrameModel):\n    x: float\n", "Model", "of pandera.polars"),
        ("import no_such_package\n", "Model", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise SystemExit('stop')\n", "Model", "SystemExit: stop"),
        ("class Model(\n", "Model", "SyntaxError"),
    ],
)
def test_what_is_no_schema_is_refused(source: str, name: str, words: str, module: Callable[[str], str]) -> None:
    with pytest.raises(ProjectFileError) as refusal:
        load_pandera(f"{module(source)}:{name}", "p.yaml")
    assert str(refusal.value).startswith("p.yaml: pandera")
    assert words in str(refusal.value)


@pytest.mark.parametrize("path", ["module", "module:", ":Model", "module:a b", ""])
def test_a_malformed_path_is_refused(path: str) -> None:
    with pytest.raises(ProjectFileError, match="not of the form 'module:Model'"):
        load_pandera(path, "p.yaml")


def test_mending_the_module_changes_the_contract_and_the_schema(module: Callable[[str], str]) -> None:
    path = f"{module(MODEL.format(least=0))}:Model"
    mine = project(pandera=path)
    before, frame = contract_hash(mine), pl.DataFrame({"x": [-1.0]})
    assert before == contract_hash(mine)
    assert before != mine.contract_hash
    with pytest.raises(SchemaErrors):
        load_pandera(path, "p.yaml").validate(frame, lazy=True)
    module(MODEL.format(least=-5))
    assert contract_hash(mine) != before
    load_pandera(path, "p.yaml").validate(frame, lazy=True)


def test_the_contract_without_a_module_is_the_project_s_own() -> None:
    assert contract_hash(project()) == project().contract_hash


def test_an_exported_annotation_satisfies_its_schema() -> None:
    row = dict.fromkeys(ANNOTATION_COLUMNS) | {
        "client_key": "k",
        "annotator": "ada",
        "act": "label",
        "sample_id": "0" * 32,
        "label": "a",
        "said_at": datetime(2024, 1, 1, tzinfo=UTC),
    }
    frame = pl.DataFrame([row], schema=ANNOTATION_COLUMNS)
    annotation_schema(project()).validate(frame, lazy=True)
    for wrong in ({"act": "like"}, {"label": "c"}, {"sample_id": "x"}, {"annotator": None}, {"lead_ms": -1}):
        with pytest.raises(SchemaErrors):
            annotation_schema(project()).validate(pl.DataFrame([row | wrong], schema=ANNOTATION_COLUMNS), lazy=True)


def test_a_prediction_names_a_class_and_a_probability() -> None:
    row = {"sample_id": "0" * 32, "model_id": "m", "label": "a", "probability": 0.5}
    prediction_schema(project()).validate(pl.DataFrame([row]), lazy=True)
    for wrong in ({"label": "c"}, {"probability": 1.5}, {"sample_id": "x"}):
        with pytest.raises(SchemaErrors):
            prediction_schema(project()).validate(pl.DataFrame([row | wrong]), lazy=True)
