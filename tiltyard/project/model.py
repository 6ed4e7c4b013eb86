"""A model of a project as scikit-learn users expect it: ``predict`` and ``predict_proba`` on a data frame.

The rows are checked by the project file before the model sees them, as rows that arrive are: the same types, the same
limits, the same spellings of a missing value. So a model never answers for a row that the pool would refuse.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tiltyard.ingest.casting.cells import Failure, cast_cells
from tiltyard.ingest.quarantine import to_text
from tiltyard.ingest.raw_batch import QUARANTINE_TYPES, RawBatch
from tiltyard.project.display import Displayed
from tiltyard.project.errors import plain_errors
from tiltyard.project.frames import as_polars
from tiltyard.project.tables import reason_sentence
from tiltyard.schemas.errors import NotFound, ObjectError, nearest
from tiltyard.schemas.project import inside
from tiltyard.schemas.records import Model
from tiltyard.workspace.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tiltyard.evaluation.predictions import Predictions

SHOWN_FAULTS: Final = 3
"""The maximum number of faults that an error lists."""


class FittedModel(Displayed):
    """A trained model of a project. It is false where the project has no such model yet, as before the first champion.

    Attributes:
        record: The ledger's record of the model, or None.
        name: The word that the caller used: ``champion``, a version, or an id.
    """

    def __init__(self, workspace: Workspace, record: Model | None, name: str = "champion") -> None:
        """Keep what is needed to load the model; its bytes are read on first use."""
        self._workspace = workspace
        self.record = record
        self.name = name

    def __bool__(self) -> bool:
        """Whether there is such a model."""
        return self.record is not None

    @property
    @plain_errors
    def model_id(self) -> str:
        """The model's id. Raises NotFound when there is no such model."""
        return self._known().model_id

    @property
    @plain_errors
    def version(self) -> str:
        """The model's version, such as ``1.2.0``. Raises NotFound when there is no such model."""
        from tiltyard.workspace.lookup import version_of

        return version_of(self._workspace, self._known().model_id).number

    @property
    @plain_errors
    def estimator(self) -> Any:
        """The fitted scikit-learn object: preprocessing, model and decision threshold in one.

        It takes the project's feature frame and checks nothing; :meth:`predict` does both. It is loaded only if its
        bytes are those that were recorded (RegistryError otherwise).
        """
        return self._estimator

    @property
    @plain_errors
    def classes_(self) -> "NDArray[np.str_]":
        """The classes of the project, in the order of the columns of :meth:`predict_proba`; text (K,)."""
        import numpy as np

        return np.array(self._workspace.project.class_names)

    @property
    @plain_errors
    def feature_names_in_(self) -> "NDArray[np.str_]":
        """The columns that :meth:`predict` needs; text, in the project file's order."""
        import numpy as np

        return np.array(list(self._workspace.project.columns.features))

    @plain_errors
    def predict(self, rows: Any) -> "NDArray[np.str_]":
        """The model's decision for each row, with its decision threshold; text (n,), in the order of the rows.

        Args:
            rows: A pandas or polars data frame with the project's feature columns; other columns are ignored.

        Raises:
            NotFound: There is no such model.
            ObjectError: A column is missing, or a row breaks the project file's limits; the message names both.

        >>> project.champion.predict(project.pool().head(3))
        array(['yes', 'no', 'yes'], dtype='<U3')
        """
        return self._predictions(rows).decisions

    @plain_errors
    def predict_proba(self, rows: Any) -> "NDArray[np.float64]":
        """The probability of each class for each row; float64 (n, K), columns in the order of :attr:`classes_`.

        A class that the model was not trained on has probability 0. Takes and raises the same as :meth:`predict`.

        >>> project.champion.predict_proba(project.pool(frame="polars").head(2)).shape
        (2, 2)
        """
        return self._predictions(rows).probabilities

    @cached_property
    def _estimator(self) -> Any:
        """The fitted model, loaded once."""
        return self._workspace.fitted(self._known())

    def _known(self) -> Model:
        """The model's record; NotFound where there is none."""
        if self.record is None:
            raise NotFound(f"there is no {self.name} yet; project.status() shows the next step")
        return self.record

    def _predictions(self, rows: Any) -> "Predictions":
        """Probabilities and decisions for a data frame."""
        # They import scikit-learn, which takes a second.
        from tiltyard.evaluation.predictions import predict_rows
        from tiltyard.samples.features import feature_frame

        self._known()
        checked = checked_rows(as_polars(rows), self._workspace)
        return predict_rows(self._estimator, feature_frame(checked, self._workspace.project), self._workspace.project)

    def _summary(self) -> dict[str, Any]:
        if self.record is None:
            return {self.name: "none yet"}
        facts = {"model": self.record.model_id[:8], "version": self.version}
        return {**facts, "candidate": self.record.recipe.get("candidate"), "trained": self.record.recorded_at}


def checked_rows(rows: pl.DataFrame, workspace: Workspace) -> pl.DataFrame:
    """The feature columns of a data frame in pool types, under their names inside.

    Raises ObjectError where a column is missing or a cell breaks the project file's rules for its column.
    """
    # They import Pandera, which takes a second.
    from tiltyard.ingest.pandera_checks import contract_failures
    from tiltyard.schemas.frames import batch_schema

    project = workspace.project
    features = list(project.columns.features)
    rows = rows.rename({inside(name): name for name in features if name not in rows and inside(name) in rows})
    missing = [name for name in features if name not in rows.columns]
    if missing:
        others = f" ({len(missing) - 1} more are missing)" if len(missing) > 1 else ""
        raise ObjectError(f"the rows have no column {missing[0]!r}{others}; {nearest(missing[0], rows.columns)}")
    number = pl.int_range(rows.height, dtype=pl.Int64, eager=True)
    raw = RawBatch(
        header=tuple(features),
        cells=rows.select(features),
        row=number,
        line=pl.Series([None] * rows.height, dtype=pl.Int64),
        unreadable=pl.DataFrame(schema=QUARANTINE_TYPES),
        written="typed",
    )
    cast = cast_cells(raw, project)
    uncast = [(at, failure) for failure in cast.failures for at in failure.at if failure.column in features]
    named = {(at, failure.column) for at, failure in uncast}
    limits = contract_failures(cast.typed.select(project.columns.all_names), batch_schema(project))
    # A cell that could not be cast is not reported as missing too.
    broken = [(at, one) for one in limits if one.column in features for at in one.at if (at, one.column) not in named]
    if uncast or broken:
        raise ObjectError(_faults_sentence(uncast + broken, raw))
    return cast.typed.select(pl.col(name).alias(inside(name)) for name in features)


def _faults_sentence(faults: list[tuple[int, Failure]], raw: RawBatch) -> str:
    """What is wrong with some rows, the first rows first."""
    rows = len({at for at, _ in faults})
    said = []
    for at, failure in sorted(faults, key=lambda fault: fault[0])[:SHOWN_FAULTS]:
        value = to_text(raw.cells[failure.column].slice(at, 1))[0] or ""
        said.append(f"row {at}: {reason_sentence(failure.column, failure.check, value)}")
    more = f"; and {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
    return f"{rows:,} of {raw.cells.height:,} rows break the rules of the project file: {'; '.join(said)}{more}"
