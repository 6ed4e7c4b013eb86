"""What a verdict looks at: the evaluation set's rows, labeled or not, and both models' answers for them."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tiltyard.evaluation.predictions import Predictions, predict_rows
from tiltyard.evaluation.strata import Strata
from tiltyard.gate.disagreement_sampling import disagreement_mask, usable_labels
from tiltyard.labels.current_classes import resolve_current_labels, rows_of_current_classes
from tiltyard.samples.evaluation_split import take_in_random_order
from tiltyard.samples.features import feature_frame, json_payloads_to_rows
from tiltyard.schemas.records import DISAGREEMENT, Model, Promotion, SampleId, VerdictId
from tiltyard.stores.ledger.assignments import ToEvaluate
from tiltyard.workspace.models.scores import predictions_on
from tiltyard.workspace.workspace import Workspace

T = TypeVar("T")


class LatestOnly(Generic[T]):
    """One thing by its name; the next one takes its place, so that memory holds no more than one of them.

    For what never changes under its name: a verdict and its page look at the same, in two steps of a flow.
    """

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._kept: tuple[Hashable, T] | None = None

    def of(self, name: Hashable, make: Callable[[], T]) -> T:
        """What has that name: as it is kept, else made. Two threads that ask at once may each make it."""
        kept = self._kept
        if kept is None or kept[0] != name:
            kept = self._kept = None  # it goes before the next is made: two of them would be held otherwise
            kept = self._kept = (name, make())
        return kept[1]


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """One model as a judge meets it: the record, the fitted object, and what it says of the rows judged."""

    model: Model
    fitted: Any
    predictions: Predictions


@dataclass(frozen=True, slots=True)
class Population:
    """The first N rows of the evaluation set in the order of chance, and what champion and challenger say of them.

    ``rows`` has sample_id, _order, _batch, _differs and the project's own columns; ``unlabeled`` are those of them on
    which the two differ, and that the evaluation set has no label of, lowest in the order first. They are ``whole``
    where the pool's first ``files`` files hold no other row of the evaluation set; of a window's rows none are.
    """

    rows: pl.DataFrame
    champion: Predictions
    challenger: Predictions
    unlabeled: pl.DataFrame
    files: int
    whole: bool

    @property
    def told(self) -> dict[str, int]:
        """The population in numbers, for a verdict's evidence."""
        return {"rows": self.rows.height, "disagreeing": self.differ, "unlabeled": self.unlabeled.height}

    @property
    def answers(self) -> tuple[Predictions, Predictions]:
        """What champion and challenger say of the rows, in this order."""
        return self.champion, self.challenger

    @property
    def differ(self) -> int:
        """On how many rows the two differ."""
        return int(self.rows["_differs"].sum())

    def earlier(self, files: int, most: int) -> pl.DataFrame | None:
        """What :func:`first_rows` gives of the pool's first ``files`` files; None where only the pool can tell."""
        own = self.rows.filter(pl.col("_batch") < files)
        return own.head(most) if files <= self.files and (self.whole or own.height >= most) else None


@dataclass(frozen=True, slots=True)
class ComparedRows:
    """What one verdict is given on: n labeled rows (sample_id, label, own columns), both models' answers for them, and
    how many rows of the population each stands for (``strata``; None: each for itself); ``by_chance`` of them are those
    that chance alone asks for. Without a champion there is no population to compare over."""

    rows: pl.DataFrame
    challenger: ScoredModel
    champion: ScoredModel | None
    strata: Strata | None = None
    population: Population | None = None
    by_chance: int = 0

    @property
    def labels(self) -> NDArray[np.str_]:
        """The effective labels of the rows, text (n,)."""
        return self.rows["label"].to_numpy().astype(str)


COMPARED: Final = LatestOnly[Population]()


def load_compared_rows(
    workspace: Workspace, challenger: Model, champion: Model | None, evaluation_id: str
) -> ComparedRows:
    """What a verdict over two models on an evaluation set looks at; the same for the same ids, however much later.

    The position at which the evaluation set was pinned bounds the pool, and the set itself the labels; the gate's
    window, where there is one, leaves only the newest batches of both.
    """
    rows = _in_window(workspace, evaluation_id)
    if champion is None:
        return ComparedRows(rows, _answers(workspace, challenger, rows), None)
    population = compare_population(workspace, challenger, champion, evaluation_id)
    labeled = _labeled(workspace, rows, population, (challenger, champion))
    found = usable_labels(labeled, population.rows.height, population.differ)
    spoken = rows.filter(found.rows)
    answers = _answers(workspace, challenger, spoken), _answers(workspace, champion, spoken)
    return ComparedRows(spoken, *answers, found.strata, population, found.by_chance)


def _in_window(workspace: Workspace, evaluation_id: str) -> pl.DataFrame:
    """The labeled rows of an evaluation set that are in the newest batches; all if the gate has no window."""
    rows, window = (
        rows_of_current_classes(workspace.labeled_rows(evaluation_id), workspace.project),
        workspace.project.gate.window,
    )
    if window is None:
        return rows
    position = workspace.ledger.models.get_set(evaluation_id).position
    newest = [chunk["sample_id"] for chunk in _evaluation_rows(workspace, position, window)]
    return rows.filter(pl.col("sample_id").is_in(pl.concat(newest).implode())) if newest else rows.clear()


def compare_population(workspace: Workspace, challenger: Model, champion: Model, evaluation_id: str) -> Population:
    """The rows over which two models are compared, labeled or not, at the position of an evaluation set.

    The last one is kept: the verdict, its page and the choice of what to label next ask for the same.
    """
    where = (workspace.folder, workspace.project.project_hash)
    name = (*where, challenger.model_id, champion.model_id, evaluation_id)
    return COMPARED.of(name, lambda: _compared(workspace, (challenger, champion), evaluation_id))


def _compared(workspace: Workspace, pair: tuple[Model, Model], evaluation_id: str) -> Population:
    """What challenger and champion say of the population."""
    position, window = workspace.ledger.models.get_set(evaluation_id).position, workspace.project.gate.window
    rows = first_rows(workspace, workspace.project.evaluation.population, position, window)
    whole = rows.height < workspace.project.evaluation.population
    new, old = (predictions_on(workspace, model, partial(workspace.fitted, model), rows) for model in pair)
    differs = disagreement_mask(workspace.project.gate.metric, old, new)
    rows = rows.with_columns(_differs=pl.Series(differs, dtype=pl.Boolean))
    labeled = workspace.labeled_rows(evaluation_id)["sample_id"]
    unlabeled = rows.filter("_differs", ~pl.col("sample_id").is_in(labeled.implode()))
    return Population(rows, old, new, unlabeled, 0 if window else len(workspace.pool_files(position)), whole)


def first_rows(workspace: Workspace, most: int, position: int | None = None, window: int | None = None) -> pl.DataFrame:
    """The first rows of the evaluation set in the order of chance, with ``_order`` and ``_batch`` (which file they
    are of); the pool as it was at a position, today's when none is given, or its newest batches only."""
    return take_in_random_order(_evaluation_rows(workspace, position, window), most, workspace.project.seed)


def _evaluation_rows(workspace: Workspace, position: int | None, window: int | None) -> Iterator[pl.DataFrame]:
    """The evaluation set's rows, chunk by chunk, each with the number of its file."""
    for number, file in enumerate(workspace.pool_files(position)[-(window or 0) :]):
        for chunk in workspace.pool.scan([file], workspace.settings.chunk_rows):
            yield chunk.filter("evaluation").with_columns(_batch=pl.lit(number, pl.Int64))


def _answers(workspace: Workspace, model: Model, rows: pl.DataFrame) -> ScoredModel:
    """A model and what it says about some rows."""
    fitted = workspace.fitted(model)
    return ScoredModel(model, fitted, predict_rows(fitted, feature_frame(rows, workspace.project), workspace.project))


def _labeled(
    workspace: Workspace, rows: pl.DataFrame, population: Population, pair: tuple[Model, Model]
) -> pl.DataFrame:
    """Each labeled row's place in the population, and how its label came to be asked for."""
    challenger, champion = pair
    verdicts = workspace.ledger.champions.verdicts_on(challenger.model_id)
    own = {one.verdict_id for one in verdicts if one.champion_id == champion.model_id}
    asked = {one.sample_id: _drawn(one, own) for one in workspace.ledger.assignments.to_evaluate()}
    drawn = rows["sample_id"].replace_strict(asked, default=None, return_dtype=pl.String)
    places = population.rows.select("sample_id", order="_order", batch="_batch", differs="_differs")
    return rows.select("sample_id", drawn=drawn).join(places, on="sample_id", how="left", maintain_order="left")


def _drawn(asked: ToEvaluate, own: set[VerdictId]) -> str:
    """How a label came to be asked for, seen from one pair of models and the verdicts on it."""
    if asked.strategy != DISAGREEMENT:
        return "chance"
    return "here" if asked.verdict_id in own else "elsewhere"


def fresh_labels(workspace: Workspace, move: Promotion, fewest: int = 0) -> pl.DataFrame:
    """The effective evaluation labels of samples that nobody had answered before a move, in the order in which they
    were first answered: sample_id, label and the project's own columns.

    Labels requested where two models differ are left out: those rows are not random. Where fewer annotations than
    ``fewest`` came since, nothing is read and the frame is empty.
    """
    annotations, position = workspace.ledger.annotations, workspace.ledger.champions.position_of(move.number)
    if annotations.count(since=position) < fewest:
        return pl.DataFrame()
    place = {sample: number for number, sample in enumerate(_first_answered_since(workspace, position))}
    labels = resolve_current_labels(annotations.voices(), workspace.project).labels
    fresh = sorted(
        (one for one in labels if one.evaluation and one.sample_id in place), key=lambda one: place[one.sample_id]
    )
    own = pl.DataFrame(
        [(one.sample_id, one.label) for one in fresh], schema={"sample_id": pl.String, "label": pl.String}, orient="row"
    )
    told = own.join(annotations.payloads(), on="sample_id", maintain_order="left")
    return told.select("sample_id", "label").hstack(json_payloads_to_rows(told["payload"], workspace.project))


def _first_answered_since(workspace: Workspace, position: int) -> list[SampleId]:
    """The random samples without an annotation at a position, in the order of their first annotations."""
    annotations, asked = workspace.ledger.annotations, workspace.ledger.assignments.to_evaluate()
    known = {voice.sample_id for voice in annotations.voices(position)}
    known |= {one.sample_id for one in asked if one.strategy == DISAGREEMENT}
    return list(dict.fromkeys(voice.sample_id for voice in annotations.voices() if voice.sample_id not in known))
