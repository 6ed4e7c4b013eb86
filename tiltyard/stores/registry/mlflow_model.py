"""The folder of one model as MLflow reads it: our skops bytes beside the files that describe them.

Written without ``mlflow.sklearn``, whose import alone takes seconds; ``mlflow.sklearn.load_model`` reads it.
"""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

MODEL_FILE: Final = "model.skops"
LIBRARIES: Final = ("numpy", "pandas", "scikit-learn", "scipy", "skops")


def write_model_folder(folder: Path, content: bytes, types: Sequence[str], record: Any) -> None:
    """Write model, description and requirements; ``record`` is the MLflow ``Model`` that names run and id."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(content)
    requirements = "\n".join(f"{library}=={version(library)}" for library in LIBRARIES)
    (folder / "requirements.txt").write_text(requirements + "\n")
    (folder / "python_env.yaml").write_text(
        f"python: {platform.python_version()}\ndependencies:\n- -r requirements.txt\n"
    )
    record.add_flavor(
        "python_function",
        loader_module="mlflow.sklearn",
        model_path=MODEL_FILE,
        predict_fn="predict_proba",
        python_version=platform.python_version(),
        env={"virtualenv": "python_env.yaml"},
    )
    record.add_flavor(
        "sklearn",
        pickled_model=MODEL_FILE,
        sklearn_version=version("scikit-learn"),
        serialization_format="skops",
        skops_trusted_types=list(types),
        code=None,
    )
    record.save(str(folder / "MLmodel"))


def model_signature(frame: pd.DataFrame, classes: int) -> Any:
    """What the model takes and gives: text and double columns in, one probability per class out."""
    from mlflow.models.signature import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    inputs: list[Any] = [ColSpec(_mlflow_type(frame[name]), name) for name in frame.columns]
    outputs: list[Any] = [TensorSpec(np.dtype(np.float64), (-1, classes))]
    return ModelSignature(Schema(inputs), Schema(outputs))


def _mlflow_type(column: pd.Series) -> str:
    """The name of a feature column's type in MLflow."""
    return "double" if pd.api.types.is_float_dtype(column) else "string"
