"""Models that are a rule over the small project's columns, and what the gate's further checks see of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from tests.projects.small_project import CONTENT
from tiltyard.evaluation.predictions import predict_rows
from tiltyard.gate.inputs import CheckContext, ModelUnderTest
from tiltyard.samples.features import feature_frame
from tiltyard.samples.identity import sample_ids
from tiltyard.schemas.project import Project, parse_project

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Sure = Callable[[pd.DataFrame], Any]
"""The probability of 'yes' for each row of a feature frame."""


@dataclass(frozen=True)
class RuleModel:
    """A fitted model with scikit-learn's contract whose probability of 'yes' is a rule."""

    sure: Sure

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The class names as scikit-learn sorts them."""
        return np.array(["no", "yes"])

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Both classes' probabilities."""
        sure = np.broadcast_to(np.asarray(self.sure(frame), dtype=np.float64), len(frame))
        return np.column_stack([1 - sure, sure])

    def predict(self, frame: pd.DataFrame) -> NDArray[np.str_]:
        """The likelier class."""
        return np.where(self.predict_proba(frame)[:, 1] >= 0.5, "yes", "no")


def small(gate: dict[str, Any] | None = None, **changes: Any) -> Project:
    """The small project, its gate's defaults changed."""
    return parse_project({**CONTENT, "gate": gate or {}, **changes}, "project.yaml")


def small_rows(number: int, seed: int, project: Project | None = None, **columns: Any) -> pl.DataFrame:
    """Rows of the small project with the expert's labels; ``columns`` replace or add to what is drawn."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, Any] = {
        "x": rng.normal(0, 2, number),
        "y": rng.normal(0, 2, number),
        "colour": rng.choice(["red", "green", "blue"], number),
        "row_id": [f"{seed}-{row}" for row in range(number)],
        **columns,
    }
    rows = pl.DataFrame(drawn)
    yes = pl.col("x") + 0.5 * pl.col("y") + (pl.col("colour") == "red").cast(pl.Float64) > 0
    labeled = rows.with_columns(label=pl.when(yes).then(pl.lit("yes")).otherwise(pl.lit("no")))
    return labeled.with_columns(sample_id=sample_ids(rows, project or small()))


def truth(frame: pd.DataFrame) -> Any:
    """What the expert knows: nearly sure, and always right."""
    return np.where(frame["x"] + 0.5 * frame["y"] + (frame["colour"] == "red") > 0, 0.97, 0.03)


def side(sure: Sure, rows: pl.DataFrame, training: pl.DataFrame, project: Project, size: int = 1000) -> ModelUnderTest:
    """A model that is a rule, with its answers for some rows."""
    model = RuleModel(sure)
    said = predict_rows(model, feature_frame(rows, project), project)
    return ModelUnderTest(model_id=str(size), model=model, predictions=said, training=training, size=size)


def examined(
    challenger: Sure,
    champion: Sure | None = truth,
    *,
    project: Project,
    rows: pl.DataFrame | None = None,
    training: pl.DataFrame | None = None,
    **changes: Any,
) -> CheckContext:
    """Two rules on 400 evaluation rows, trained on 200 others."""
    rows = small_rows(400, seed=1, project=project) if rows is None else rows
    training = small_rows(200, seed=2, project=project) if training is None else training
    given: dict[str, Any] = {
        "rows": rows,
        "labels": rows["label"].to_numpy().astype(str),
        "weights": np.ones(len(rows)),
        "challenger": side(challenger, rows, training, project),
        "champion": side(champion, rows, training, project) if champion else None,
        "seed": 7,
        "now": NOW,
        **changes,
    }
    return CheckContext(**given)
