"""The Python API: one project, with a method for each step of the loop and a data frame for each record."""

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from tiltyard.project import results, tables
from tiltyard.project.display import Displayed
from tiltyard.project.errors import person, plain_errors
from tiltyard.project.frames import AsOf, as_polars, table
from tiltyard.project.model import FittedModel
from tiltyard.project.report import Report, report_of
from tiltyard.project.status import Status, status_of
from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.project import Project as ProjectFile
from tiltyard.workspace.workspace import Workspace, find_project_file, open_workspace, time_is

Now = datetime | None


class Project(Displayed):
    """One learning problem: its project file and everything that was recorded for it. ``tiltyard.open`` gives one.

    A method does one step of the loop, or reads one record as a data frame. All state is in the stores: another
    process, the command line and a Prefect flow see the same, and a repeated step changes nothing. All chance comes
    from ``seed`` in the project file. Where time matters, ``now`` (a datetime with its time zone) replaces the clock.

    Methods that read take ``frame="pandas"`` (the default) or ``frame="polars"``: an argument and not a setting of the
    process, so that the type of a result is known where it is used.

    Every error that the user can act on is a :class:`tiltyard.TiltyardError`: a sentence that names the fault, the
    value, the place and the remedy.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the project in a folder, or of a project file."""
        self._file = find_project_file(Path(path))
        self._where = str(Path(path).absolute())
        open_workspace(self._where)  # a project file that breaks its contract is reported here, not later

    @property
    def workspace(self) -> Workspace:
        """The open stores, for what the Python API does not offer. Their interface may change with any version."""
        return open_workspace(self._where)

    @property
    def config(self) -> ProjectFile:
        """The content of the project file (``project.yaml``), checked; read again after it was edited."""
        return self.workspace.project

    @property
    def name(self) -> str:
        """The project's name."""
        return self.config.name

    @property
    def folder(self) -> Path:
        """The folder of the project file."""
        return self._file.parent

    @plain_errors
    def ingest(self, *, now: Now = None) -> results.IngestResult:
        """Copy what arrived in the source, check its rows, and pool the good ones.

        Every row ends in exactly one place: pool, quarantine (with its reasons) or duplicate. Objects that were taken
        in before are left alone.

        >>> project.ingest()
        IngestResult(batches=0, read=0, accepted=0, quarantined=0, duplicate=0, samples=120)
        """
        from tiltyard.project.steps import loop

        with time_is(now):
            return loop.ingest(self._where)

    @plain_errors
    def ask(self, budget: int | None = None, *, now: Now = None) -> results.AskResult:
        """Select the most informative samples, and a random share, and put them into the queue.

        ``budget`` is the number of assignments that may wait; None for the project file's ``query.budget``.

        >>> project.ask(budget=5)
        AskResult(asked=5, strategy='margin_kmeans', waiting=5)
        """
        from tiltyard.project.steps import loop

        with time_is(now):
            return loop.ask(self._where, budget)

    @plain_errors
    def annotate(self, rows: Any, by: str, *, key: str = "sample_id", now: Now = None) -> results.AnnotateResult:
        """Store the labels in a data frame: all of its rows, or none.

        Args:
            rows: A pandas or polars data frame with the columns ``key`` and ``label``. Rows without a label are left
                out. It may have ``annotator``, ``act``, ``note``, ``said_at``, ``supersedes`` and ``client_key``;
                other columns are ignored, so the frame of :meth:`queue` can be given back with a label column.
            by: The annotator, where a row names none.
            key: The column that names the sample: ``sample_id``, the project's id or a reference column.
            now: The current time.

        A row that repeats its annotator's newest annotation of the sample stores nothing, so a cell of a notebook can
        be run again. Another label for the same sample is a correction. An assignment that waits for the sample is
        closed.

        Raises:
            AnnotationError: A row is refused (an unknown class, a sample that is not in the pool); each is named.

        >>> _ = project.ask(budget=2)
        >>> rows = project.queue().assign(label=["yes", "no"])
        >>> project.annotate(rows, by="ada")
        AnnotateResult(stored=2, known=0, unlabeled=0)
        >>> project.annotate(rows, by="ada")
        AnnotateResult(stored=0, known=2, unlabeled=0)
        """
        from tiltyard.project.steps import labels

        with time_is(now):
            return labels.annotate(self._where, as_polars(rows), by, key)

    @plain_errors
    def train(self, *, force: bool = False, now: Now = None) -> results.TrainResult:
        """Fit the candidates on every effective label outside the evaluation set; the best one is the challenger.

        With too few new annotations nothing is fitted, unless ``force`` is true.

        >>> project.train()
        TrainResult(model=None, reason='0 of 12 new annotations')
        """
        from tiltyard.project.steps import loop

        with time_is(now):
            return loop.train(self._where, force=force)

    @plain_errors
    def judge(self, *, now: Now = None) -> results.JudgeResult:
        """Compare the challenger with the champion on the same evaluation rows, and record the verdict.

        Nothing is promoted here. Without a challenger that awaits a verdict, the result has none.

        >>> project.judge().decision is None
        True
        """
        from tiltyard.project.steps import loop

        with time_is(now):
            return loop.judge(self._where)

    @plain_errors
    def run(self, first: str | None = None, last: str | None = None, *, now: Now = None) -> results.RunResult:
        """Take all steps once, as a Prefect flow: ingest, settle, train, judge, promote, ask, seal.

        ``first`` and ``last`` name the first and the last step. Runs are reported to the server that
        ``PREFECT_API_URL`` names; without one, Prefect is embedded in this process.

        >>> project.run(last="train")  # doctest: +SKIP
        RunResult(ingest=0, settle=0, train=0)
        """
        from tiltyard.project.steps import loop

        with time_is(now):
            return loop.run(self._where, first, last)

    @plain_errors
    def promote(self, which: str | None = None, *, by: str | None = None, now: Now = None) -> results.MoveResult:
        """Make the challenger of a ``promote`` verdict the champion.

        Args:
            which: A verdict or a model, by the beginning of its id or its version; None for the verdict that was not
                acted on yet.
            by: Who decides; None for the name that you are logged in with.
            now: The current time.

        Raises:
            NotFound: There is nothing to promote; the message gives the reason.
            PromotionConflict: The verdict does not say promote, or the champion has changed since.

        >>> project.promote("1.0.0")
        Traceback (most recent call last):
        tiltyard.schemas.errors.PromotionConflict: verdict ... was acted on already; 'tiltyard history' says when
        """
        from tiltyard.project.steps import promotion

        with time_is(now):
            return promotion.promote(self._where, which, person(by))

    @plain_errors
    def approve(
        self, reason: str, which: str | None = None, *, decline: bool = False, by: str | None = None, now: Now = None
    ) -> results.MoveResult:
        """Record whether a challenger may be promoted, and promote it if so; see ``gate.approval`` in the project file.

        The first answer to a verdict is final. ``reason``, ``by`` and the time are recorded permanently.

        >>> project.approve("better on every slice")
        Traceback (most recent call last):
        tiltyard.schemas.errors.NotFound: no promotion waits for approval; ...
        """
        from tiltyard.project.steps import promotion

        with time_is(now):
            return promotion.approve(self._where, which, reason, person(by), approved=not decline)

    @plain_errors
    def rollback(
        self, reason: str, to: str | None = None, *, by: str | None = None, now: Now = None
    ) -> results.MoveResult:
        """Make an earlier champion the champion again. No label is lost.

        ``to`` is an earlier champion, by the beginning of its id or its version; None for the one before. ``reason``,
        ``by`` and the time are recorded permanently.

        >>> project.rollback("wrong on new customers")
        Traceback (most recent call last):
        tiltyard.schemas.errors.NotFound: champion ... is the first; ... to roll back to
        """
        from tiltyard.project.steps import promotion

        with time_is(now):
            return promotion.roll_back(self._where, to, reason, person(by))

    @property
    @plain_errors
    def champion(self) -> FittedModel:
        """The champion now. It is false before the first promotion, and using it then raises NotFound."""
        champion_id = self.workspace.ledger.champions.champion_id
        record = self.workspace.ledger.models.get(champion_id) if champion_id else None
        return FittedModel(self.workspace, record)

    @plain_errors
    def model(self, name: str) -> FittedModel:
        """A model: ``champion``, ``challenger`` (the one trained last), a version, or the beginning of an id.

        Raises NotFound where there is none of that name, or more than one.

        >>> project.model("1.0.0").model_id == project.champion.model_id
        True
        """
        from tiltyard.workspace.lookup import find_model

        return FittedModel(self.workspace, find_model(self.workspace, name), name)

    @plain_errors
    def status(self) -> Status:
        """Counts of rows, samples, labels and assignments, the champion, and the next step.

        >>> project.status().next.command
        'tiltyard ask'
        """
        return status_of(self.workspace)

    @plain_errors
    def verify(self) -> results.VerifyResult:
        """Read every byte of every store and compare it with the ledger. The result is false when anything is wrong.

        >>> bool(project.verify())
        True
        """
        from tiltyard.workspace.checks.verify import verify_workspace

        found = verify_workspace(self.workspace)
        return results.VerifyResult(found.checked, found.problems, found.notes)

    @plain_errors
    def report(self, what: str | None = None) -> Report:
        """A page about the project, or about a verdict or a model's last verdict (an id's beginning, or a version).

        A notebook shows it; ``project.report().save()`` writes an HTML file. Pages show samples' values.

        >>> project.report().save("report.html").name
        'report.html'
        """
        return report_of(self.workspace, what)

    @plain_errors
    def export_labels(self, file: str | Path, *, overwrite: bool = False) -> int:
        """Write every annotation with all its fields to a CSV, TSV or JSON Lines file; the number of annotations.

        Raises AnnotationError where the file exists, unless ``overwrite`` is true.

        >>> project.export_labels("labels.csv") == len(project.annotations())
        True
        """
        from tiltyard.project.steps import labels

        return labels.export(self._where, Path(file), overwrite=overwrite)

    @plain_errors
    def import_labels(
        self, file: str | Path, *, key: str = "sample_id", by: str | None = None, now: Now = None
    ) -> results.ImportResult:
        """Store the labels of a file: an export, a table, or a file of Prodigy, doccano or Label Studio.

        Good lines are stored; refused ones are in the result, each with its reason. The same file again stores nothing.
        ``key`` is the column that names the sample, ``by`` the annotator where a line names none.

        >>> _ = project.export_labels("labels.jsonl")
        >>> project.import_labels("labels.jsonl").imported.stored
        0
        """
        from tiltyard.project.steps import labels

        with time_is(now):
            return labels.take_file(self._where, Path(file), key, person(by), person(None))

    @table
    def pool(self, *, as_of: AsOf = None) -> pl.DataFrame:
        """All accepted samples, and whether each belongs to the evaluation set; ``as_of`` as in :meth:`labels`.

        >>> project.pool().shape, list(project.pool().columns[:3])
        ((120, 6), ['sample_id', 'evaluation', 'colour'])
        """
        return tables.pool_table(self.workspace, as_of)

    @table
    def labels(self, *, as_of: AsOf = None) -> pl.DataFrame:
        """All effective labels with the samples' own columns.

        ``as_of`` is a ledger position or a datetime with its time zone: the labels as they were then.

        >>> project.labels(frame="polars")["label"].n_unique(), len(project.labels(as_of=0))
        (2, 0)
        """
        return tables.label_table(self.workspace, as_of)

    @table
    def queue(self) -> pl.DataFrame:
        """All assignments that wait for an annotation, the next one first, with the samples' own columns.

        >>> _ = project.ask(budget=3)
        >>> project.queue()["purpose"].isin(["query", "random", "evaluation"]).sum()
        np.int64(3)
        """
        return tables.queue_table(self.workspace)

    @table
    def annotations(self, *, as_of: AsOf = None) -> pl.DataFrame:
        """Every annotation, in the ledger's order; ``as_of`` as in :meth:`labels`.

        >>> project.annotations()["act"].unique().tolist()
        ['label']
        """
        return tables.annotation_table(self.workspace, as_of)

    @table
    def quarantine(self) -> pl.DataFrame:
        """The rows in quarantine, with their reasons.

        >>> project.quarantine()["reasons"].tolist()
        ["x 'abc' is not a number"]
        """
        return tables.quarantine_table(self.workspace)

    @table
    def batches(self) -> pl.DataFrame:
        """Every check of every object, with its counts.

        >>> project.batches()[["read", "accepted", "quarantined", "duplicate"]].sum().tolist()
        [121, 120, 1, 0]
        """
        return tables.batch_table(self.workspace)

    @table
    def models(self) -> pl.DataFrame:
        """Every model, in the order of training.

        >>> project.models()[["version", "candidate", "champion"]].values.tolist()
        [['1.0.0', 'logistic', True]]
        """
        return tables.model_table(self.workspace)

    @table
    def verdicts(self) -> pl.DataFrame:
        """Every verdict with the scores that it compared.

        >>> project.verdicts()["decision"].tolist()
        ['promote']
        """
        return tables.verdict_table(self.workspace)

    @table
    def promotions(self) -> pl.DataFrame:
        """Every move of the champion.

        >>> project.promotions()["kind"].tolist()
        ['promotion']
        """
        return tables.promotion_table(self.workspace)

    def _summary(self) -> dict[str, Any]:
        return {"name": self.name, "folder": str(self.folder)}

    def _repr_html_(self) -> str:
        """The status, where the stores answer; else the name and the folder."""
        try:
            return super()._repr_html_() + self.status()._repr_html_()
        except TiltyardError:
            return super()._repr_html_()
