"""Progress: open samples, an annotator's annotations today, the next training, and the last verdict."""

from datetime import datetime
from typing import Any, Final, Protocol

from tiltyard.apps.labeling.api.responses import (
    BatchResponse,
    EmptyQueueResponse,
    ProgressResponse,
    StoppingResponse,
    VerdictResponse,
)
from tiltyard.apps.labeling.service.ttl_cache import TtlCache
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Interval, Verdict
from tiltyard.stores.ledger.ledger import Ledger
from tiltyard.workspace.stopping import stopping_status
from tiltyard.workspace.triggers import check_training_due, new_since_training
from tiltyard.workspace.workspace import Workspace

SECONDS: Final = 2.0
"""How old the numbers of the project may be."""

OWN_SECONDS: Final = 20.0
"""How old an annotator's numbers may be; their own annotations count at once, those of others after this."""

STOPPING_SECONDS: Final = 60.0
"""How old the advice on stopping may be: it changes with a verdict, not with an annotation."""

SETTLING_ACTS: Final = ("label", "skip", "cant_tell")
"""Acts that complete an assignment."""


class OpenProject(Protocol):
    """The part of a served project that progress needs."""

    @property
    def project(self) -> Project:
        """The current project file."""

    @property
    def ledger(self) -> Ledger:
        """The project's ledger."""

    @property
    def workspace(self) -> Workspace:
        """The project's workspace."""

    def now(self) -> datetime:
        """The current time in UTC."""


class ProjectProgress:
    """The progress of annotators and of one project, cached."""

    def __init__(self, served: OpenProject) -> None:
        """Count in one project."""
        self._served = served
        self._project: TtlCache[dict[str, Any]] = TtlCache(SECONDS)
        self._stopping: TtlCache[StoppingResponse | None] = TtlCache(STOPPING_SECONDS)
        self._today: TtlCache[int] = TtlCache(OWN_SECONDS)
        self._waiting: TtlCache[int] = TtlCache(OWN_SECONDS)

    def of(self, annotator: str, *, ran_out: bool = False) -> ProgressResponse:
        """The progress of an annotator; ``ran_out`` counts the open samples again instead of using a cached number."""
        if ran_out:
            self._waiting.invalidate(annotator)
        waiting = self.waiting(annotator)
        return ProgressResponse(
            waiting=waiting,
            today=self._today.get(annotator, lambda: self._counted_today(annotator)),
            empty=None if waiting else self._empty(annotator),
            **self._project.get("", self._of_project),
        )

    def cached(self, annotator: str) -> ProgressResponse | None:
        """The progress of an annotator if all of it is cached and samples are open, else None."""
        waiting, today = self._waiting.peek(annotator), self._today.peek(annotator)
        project = self._project.peek("")
        if waiting is None or today is None or project is None or not waiting[0]:
            return None
        return ProgressResponse(waiting=waiting[0], today=today[0], empty=None, **project[0])

    def count(self, annotator: str, answers: int, today: int) -> None:
        """Add new annotations to the cached numbers, until they are counted again."""
        self._waiting.update(annotator, lambda waiting: max(0, waiting - answers))
        self._today.update(annotator, lambda count: max(0, count + today))
        self._project.update("", lambda numbers: _updated(numbers, answers))

    def waiting(self, annotator: str) -> int:
        """The number of assignments open to an annotator; cached, because it is counted over the whole queue."""
        now, count = self._served.now(), self._served.ledger.assignments.waiting_for
        return self._waiting.get(annotator, lambda: count(annotator, now))

    def _counted_today(self, annotator: str) -> int:
        """The number of an annotator's active annotations since midnight UTC."""
        midnight = self._served.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return self._served.ledger.annotations.standing_since(annotator, midnight)

    def _of_project(self) -> dict[str, Any]:
        """The fields of the response that are the same for all annotators."""
        ledger = self._served.ledger
        gold = {query.query_id for query in ledger.assignments.queries() if query.strategy == "gold"}
        batches = [one for one in ledger.assignments.per_query() if one.query_id not in gold]
        due = check_training_due(self._served.workspace)
        verdicts = [one for one in ledger.champions.verdicts() if one.decision != "roll_back"]
        return {
            "batch": BatchResponse(
                asked=batches[-1].asked if batches else 0, answered=batches[-1].answered if batches else 0
            ),
            "until_retrain": None if due else self._left(),
            "retrain_why": due.why,
            "last_verdict": verdict_response(verdicts[-1]) if verdicts else None,
            "stopping": self._stopping.get("", self._advice),
        }

    def _advice(self) -> StoppingResponse | None:
        """Whether more labels are unlikely to improve the model; None while there are too few labels."""
        advice = stopping_status(self._served.workspace)
        if advice.early:
            return None
        return StoppingResponse(enough=advice.enough, headline=advice.headline, methods=list(advice.methods))

    def _left(self) -> int:
        """The number of annotations until the next training."""
        return max(0, self._served.project.triggers.labels - new_since_training(self._served.workspace))

    def _empty(self, annotator: str) -> EmptyQueueResponse:
        """Why no sample is open to an annotator."""
        ledger, now = self._served.ledger, self._served.now()
        held = {name: count for name, count in ledger.assignments.holders(now).items() if name != annotator}
        open_ones = ledger.assignments.waiting_count()
        if not ledger.assignments.queries():
            why = "no samples have been queried yet"
        elif open_ones == 0:
            why = "every queried sample is labeled"
        elif held:
            why = "other annotators hold the remaining samples"
        else:
            why = "the remaining samples need other annotators: you have labeled them"
        minutes = self._served.project.labeling.lease_minutes
        refill = (
            f"samples that others hold return to the queue after {minutes} minutes without activity"
            if held
            else self._refill()
        )
        return EmptyQueueResponse(why=why, held_by=held, refill=refill)

    def _refill(self) -> str:
        """When the queue is filled again."""
        due = check_training_due(self._served.workspace)
        if due:
            return f"a training is due ({due.why}); its model queries more samples"
        return "the queue is filled by the next flow run or by 'tiltyard ask'"


def _updated(numbers: dict[str, Any], answers: int) -> dict[str, Any]:
    """The numbers of a project after some more annotations."""
    batch, left = numbers["batch"], numbers["until_retrain"]
    updated = BatchResponse(asked=batch.asked, answered=min(batch.asked, batch.answered + answers))
    return numbers | {"batch": updated, "until_retrain": None if left is None else max(0, left - answers)}


def verdict_response(verdict: Verdict) -> VerdictResponse:
    """A verdict as the API returns it."""
    return VerdictResponse(
        decision=verdict.decision,
        metric=verdict.metric,
        champion=_value(verdict.champion),
        challenger=_value(verdict.challenger),
        reason=verdict.reason,
        at=verdict.recorded_at,
    )


def _value(interval: Interval | None) -> float | None:
    """The estimate of an interval."""
    return interval.value if interval else None
