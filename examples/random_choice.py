"""The learning curve of the same recipes on randomly selected samples, to compare with the strategy's curve.

Only an example allows this: it needs the true labels of samples that no one labeled.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from tiltyard.evaluation.metrics import score
from tiltyard.evaluation.predictions import predict_rows
from tiltyard.examples.dealing import Deal
from tiltyard.reports.html.project_data import Curves, Point
from tiltyard.samples.features import feature_frame
from tiltyard.schemas.records import LabeledSet, Model
from tiltyard.training.recipes import Recipe, restore_recipe
from tiltyard.workspace.workspace import Workspace

DRAWS = 5


def curves(workspace: Workspace, deal: Deal, seed: int, every: int = 3) -> Curves:
    """The two curves, at every third training (``every``), counted from the last.

    Chance is as well off as the strategy was: at each training it has the same number of labels, drawn day by day
    from the samples outside the evaluation set that had arrived when the strategy chose.
    """
    pool = _answered(pl.concat(workspace.pool.scan(workspace.pool_files(), workspace.settings.chunk_rows)), deal)
    judged = pool.filter("evaluation")
    trainings = _trainings(workspace)
    shown = sorted({*range(len(trainings) - 1, -1, -every)})
    with threadpool_limits(limits=1):
        chosen = [_point(trainings[at][1], [workspace.load_model(trainings[at][0].model_id)], judged, workspace)
                  for at in shown]  # fmt: skip
        chances = [np.random.default_rng([seed, number]) for number in range(DRAWS)]
        with ThreadPoolExecutor() as side:
            draws = list(side.map(lambda rng: _fitted(workspace, trainings, shown, pool, rng), chances))
        random = [
            _point(trainings[at][1], [draw[place] for draw in draws], judged, workspace)
            for place, at in enumerate(shown)
        ]
    return Curves(tuple(chosen), tuple(random), judged.height, DRAWS)


def _answered(rows: pl.DataFrame, deal: Deal) -> pl.DataFrame:
    """The pool's rows with the answer of the key as ``answer``, and the place of each in the order of arrival."""
    answers = pl.Series("answer", [deal.answers[reference] for reference in rows[deal.reference]])
    return rows.with_columns(answers).with_row_index("place")


def _trainings(workspace: Workspace) -> list[tuple[Model, LabeledSet]]:
    """Every model with its training set, in the ledger's order."""
    ledger = workspace.ledger
    return [(model, ledger.models.get_set(model.training_id)) for model in ledger.models.all()]


def _fitted(
    workspace: Workspace,
    trainings: list[tuple[Model, LabeledSet]],
    shown: list[int],
    pool: pl.DataFrame,
    rng: np.random.Generator,
) -> list[Any]:
    """One draw's models: at each shown training, the same recipe fitted on as many random labels."""
    models, drawn = [], np.array([], dtype=np.int64)
    for at, (model, labeled) in enumerate(trainings):
        arrived = _arrived(workspace, pool, labeled)
        drawn = _draw(drawn, arrived, labeled.rows, rng)
        if at in shown:
            rows = pool[np.sort(drawn)]
            frame = feature_frame(rows, workspace.project)
            models.append(_recipe(workspace, model).fitted(frame, rows["answer"].to_numpy().astype(str)))
    return models


def _arrived(workspace: Workspace, pool: pl.DataFrame, labeled: LabeledSet) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The places of the samples outside the evaluation set that the strategy could choose from for a training."""
    asked = [query.position for query in workspace.ledger.assignments.queries() if query.position < labeled.position]
    height = sum(file.rows for file in workspace.pool_files(max(asked, default=labeled.position)))
    places: np.ndarray[Any, np.dtype[np.int64]] = (
        pool.head(height).filter(~pl.col("evaluation"))["place"].cast(pl.Int64).to_numpy()
    )
    return places


def _draw(
    drawn: np.ndarray[Any, np.dtype[np.int64]],
    arrived: np.ndarray[Any, np.dtype[np.int64]],
    wanted: int,
    rng: np.random.Generator,
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The samples drawn so far and as many more random ones as needed, without duplicates."""
    left = np.setdiff1d(arrived, drawn)
    more = rng.choice(left, size=max(0, min(wanted - len(drawn), len(left))), replace=False)
    return np.concatenate([drawn, more])


def _recipe(workspace: Workspace, model: Model) -> Recipe:
    """The recipe that a model was made with."""
    return restore_recipe(model.recipe, workspace.project, model.seed)


def _point(labeled: LabeledSet, models: list[Any], judged: pl.DataFrame, workspace: Workspace) -> Point:
    """How some models of one size score."""
    frame, answers = feature_frame(judged, workspace.project), judged["answer"].to_numpy().astype(str)
    metric = workspace.project.gate.metric
    values = [score(metric, answers, predict_rows(model, frame, workspace.project)) for model in models]
    return Point(labeled.rows, float(np.mean(values)), min(values), max(values))
