"""Models as bytes: what comes back says the same, and only types that we name come to life."""

import io
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from tiltyard.schemas.errors import RegistryError
from tiltyard.schemas.project import Project
from tiltyard.stores.registry.serialization import dump_model, load_model
from tiltyard.training.recipes import build_recipes

PROJECT = Project.model_validate(
    {
        "name": "shop",
        "columns": {"features": {"x": {"kind": "number"}, "city": {"kind": "category"}, "note": {"kind": "text"}}},
        "classes": ["no", "yes"],
    }
)


class Own(LogisticRegression):  # type: ignore[misc]  # scikit-learn ships no types
    """A class of the user's own."""


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=80)
    x[:3] = np.nan
    return pd.DataFrame({"x": x, "city": rng.choice(["Bonn", "Lima"], 80), "note": rng.choice(["a day", "no"], 80)})


def test_a_models_own_list_of_trusted_types_is_not_asked() -> None:
    # Whatever the archive says of itself, the types in it decide.
    rows = frame().dropna()[["x"]]
    content = dump_model(Own().fit(rows, np.where(rows["x"] > 0, "yes", "no")))
    with zipfile.ZipFile(io.BytesIO(content), "a") as archive:
        archive.writestr("trusted.json", f'["{__name__}.Own"]')
    with pytest.raises(RegistryError, match="not trusted"):
        load_model(content)


@pytest.mark.parametrize("content", [b"", b"PK nonsense", b"\x80\x04K\x01."])
def test_bytes_that_are_no_model_are_refused(content: bytes) -> None:
    with pytest.raises(RegistryError, match="not a skops model"):
        load_model(content)


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(RegistryError, match=r"cannot be written by skops|not trusted"):
        load_model(dump_model(FunctionTransformer(lambda rows: rows)))


def test_all_default_recipes_and_common_estimators_can_be_stored() -> None:
    calibrated = {"estimator": {"estimator": "sklearn.svm.LinearSVC"}, "cv": 3}
    named = {
        "sklearn.ensemble.RandomForestClassifier": {"n_estimators": 3},
        "sklearn.ensemble.ExtraTreesClassifier": {"n_estimators": 3},
        "sklearn.ensemble.GradientBoostingClassifier": {"n_estimators": 3},
        "sklearn.neighbors.KNeighborsClassifier": {"algorithm": "kd_tree"},
        "sklearn.naive_bayes.GaussianNB": {},
        "sklearn.neural_network.MLPClassifier": {"max_iter": 2},
        "sklearn.calibration.CalibratedClassifierCV": calibrated,
    }
    candidates = [
        {"name": f"c{number}", "estimator": path, "parameters": parameters}
        for number, (path, parameters) in enumerate(named.items())
    ]
    chosen = Project.model_validate({**PROJECT.model_dump(), "candidates": candidates})
    text = Project.model_validate({**PROJECT.model_dump(), "columns": {"features": {"note": {"kind": "text"}}}})
    labels = np.where(np.arange(80) % 3 == 0, "yes", "no")
    for project in (PROJECT, chosen, text):
        rows = frame()[list(project.columns.features)]
        for recipe in build_recipes(project, 0):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # two rounds of a network do not converge
                model = recipe.pipeline.fit(rows, labels)
            stored = load_model(dump_model(model))
            assert np.array_equal(stored.predict_proba(rows), model.predict_proba(rows)), recipe.candidate
