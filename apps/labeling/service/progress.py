"""Progress: what is left, what one has done today, when the next training comes, and what the last one changed."""

from typing import TYPE_CHECKING, Any, Final

from tiltyard.apps.labeling.api.responses import BatchTold, EmptyTold, Progress, StoppingTold, VerdictTold
from tiltyard.apps.labeling.service.ttl_cache import Remembered
from tiltyard.schemas.records import Interval, Verdict
from tiltyard.workspace.stopping import stopping_of
from tiltyard.workspace.triggers import due_for_training, new_since_training

if TYPE_CHECKING:
    from tiltyard.apps.labeling.service.project import ServedProject

SECONDS: Final = 2.0
"""How old the numbers of the whole project may be."""

OWN_SECONDS: Final = 20.0
"""How old an annotator's own numbers may be: their own answers are counted at once, others' answers then."""

STOPPING_SECONDS: Final = 60.0
"""How old the advice to stop may be: it changes with a verdict, not with an answer."""

ANSWERS: Final = ("label", "skip", "cant_tell")


class ProgressOf:
    """Tells annotators where they and the project stand, without asking the ledger everything every time."""

    def __init__(self, served: "ServedProject") -> None:
        """Tell of one project."""
        self._served = served
        self._project: Remembered[dict[str, Any]] = Remembered(SECONDS)
        self._stopping: Remembered[StoppingTold | None] = Remembered(STOPPING_SECONDS)
        self._today: Remembered[int] = Remembered(OWN_SECONDS)
        self._waiting: Remembered[int] = Remembered(OWN_SECONDS)

    def tell(self, annotator: str, *, ran_out: bool = False) -> Progress:
        """Where an annotator stands; whoever ran out is counted for anew, so that no old number stands there."""
        if ran_out:
            self._waiting.forget(annotator)
        waiting = self.waiting(annotator)
        return Progress(
            waiting=waiting,
            today=self._today.get(annotator, lambda: self._counted_today(annotator)),
            empty=None if waiting else self._empty(annotator),
            **self._project.get("", self._of_project),
        )

    def remembered(self, annotator: str) -> Progress | None:
        """Where an annotator stands, when nothing of it has to be asked of the ledger."""
        waiting, today = self._waiting.known(annotator), self._today.known(annotator)
        project = self._project.known("")
        if waiting is None or today is None or project is None or not waiting[0]:
            return None
        return Progress(waiting=waiting[0], today=today[0], empty=None, **project[0])

    def count(self, annotator: str, answers: int, today: int) -> None:
        """Take new answers into account in the numbers that are remembered, until they are counted again."""
        self._waiting.change(annotator, lambda waiting: max(0, waiting - answers))
        self._today.change(annotator, lambda known: max(0, known + today))
        self._project.change("", lambda known: _further(known, answers))

    def waiting(self, annotator: str) -> int:
        """How many assignments an annotator could answer; a little old, because it is counted over the whole queue."""
        now, count = self._served.now(), self._served.ledger.assignments.waiting_for
        return self._waiting.get(annotator, lambda: count(annotator, now))

    def _counted_today(self, annotator: str) -> int:
        """An annotator's answers since midnight UTC that stand."""
        midnight = self._served.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return self._served.ledger.annotations.standing_since(annotator, midnight)

    def _of_project(self) -> dict[str, Any]:
        """What is the same for everybody, by its name in the answer."""
        ledger = self._served.ledger
        gold = {query.query_id for query in ledger.assignments.queries() if query.strategy == "gold"}
        batches = [one for one in ledger.assignments.per_query() if one.query_id not in gold]
        due = due_for_training(self._served.workspace)
        verdicts = [one for one in ledger.champions.verdicts() if one.decision != "roll_back"]
        return {
            "batch": BatchTold(
                asked=batches[-1].asked if batches else 0, answered=batches[-1].answered if batches else 0
            ),
            "until_retrain": None if due else self._left(),
            "retrain_why": due.why,
            "last_verdict": told(verdicts[-1]) if verdicts else None,
            "stopping": self._stopping.get("", self._advice),
        }

    def _advice(self) -> StoppingTold | None:
        """Whether more labels are unlikely to improve the model any more; nothing while it is too early to say."""
        advice = stopping_of(self._served.workspace)
        if advice.early:
            return None
        return StoppingTold(enough=advice.enough, headline=advice.headline, methods=list(advice.methods))

    def _left(self) -> int:
        """How many annotations are wanted until the next training."""
        return max(0, self._served.project.triggers.labels - new_since_training(self._served.workspace))

    def _empty(self, annotator: str) -> EmptyTold:
        """Why there is nothing for an annotator."""
        ledger, now = self._served.ledger, self._served.now()
        held = {name: count for name, count in ledger.assignments.holders(now).items() if name != annotator}
        open_ones = ledger.assignments.waiting_count()
        if not ledger.assignments.queries():
            why = "nothing was asked for yet"
        elif open_ones == 0:
            why = "every sample that was asked for has its answer"
        elif held:
            why = "others hold the samples that are left"
        else:
            why = "the samples that are left are for others: you have answered them"
        minutes = self._served.project.labeling.lease_minutes
        refill = f"what others hold comes back {minutes} minutes after they stop" if held else self._refill()
        return EmptyTold(why=why, held_by=held, refill=refill)

    def _refill(self) -> str:
        """When there is more."""
        due = due_for_training(self._served.workspace)
        if due:
            return f"a training is due ({due.why}); the model that comes of it asks for more"
        return "the queue is filled when samples are asked for again, by a flow or by 'tiltyard ask'"


def _further(known: dict[str, Any], answers: int) -> dict[str, Any]:
    """What is known of a project, after some more answers."""
    batch, left = known["batch"], known["until_retrain"]
    further = BatchTold(asked=batch.asked, answered=min(batch.asked, batch.answered + answers))
    return known | {"batch": further, "until_retrain": None if left is None else max(0, left - answers)}


def told(verdict: Verdict) -> VerdictTold:
    """A verdict in a few words."""
    return VerdictTold(
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
