"""When a training, an evaluation, a promotion or an approval is due: counted from the ledger, never from an event."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from tiltyard.schemas.project import Gate, Project
from tiltyard.schemas.records import (
    DISAGREEMENT,
    Approval,
    Due,
    EffectiveLabel,
    Model,
    ModelId,
    Promotion,
    Verdict,
    VerdictId,
)


def training_is_due(new_annotations: int, labels: Sequence[EffectiveLabel], project: Project, changed: str = "") -> Due:
    """Whether to retrain: enough annotations since the last training set, and enough labels to learn from.

    ``labels`` are all effective labels outside the evaluation set; ``changed`` is what else would make another model
    of the same labels (the recipe, own code), as a phrase: then no annotation need be new.
    """
    wanted, fewest = project.triggers.labels, project.tuning.minimum_labels
    classes = {label.label for label in labels}
    if new_annotations < wanted and not changed:
        return Due(False, f"{new_annotations} of {wanted} new annotations")
    if len(labels) < fewest or len(classes) < 2:
        return Due(False, f"{len(labels)} training labels of {len(classes)} classes; {fewest} of two are needed")
    new = f"{new_annotations} new annotations, {len(labels)} training labels"
    return Due(True, f"{changed}; {new}" if changed else new)


def no_new_model(new_annotations: int, changed: str, known: ModelId) -> Due:
    """Why no training is due where what would be trained is a model that was trained already."""
    if changed:
        return Due(False, f"{changed}, and model {known[:8]} was made of that and of these labels already")
    return Due(False, f"{new_annotations} new annotations change no label that model {known[:8]} learnt from")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateHistory:
    """What was decided so far: the model trained last, today's champion, every verdict and every move in the ledger's
    order, and the ids of the verdicts whose promotion a person declined."""

    last: Model | None
    champion: ModelId | None
    verdicts: Sequence[Verdict]
    moves: Sequence[Promotion] = ()
    declined: frozenset[str] = frozenset()

    def on(self, model_id: ModelId) -> list[Verdict]:
        """The gate's verdicts on one challenger."""
        return [one for one in self.verdicts if one.challenger_id == model_id and one.decision != "roll_back"]


@dataclass(frozen=True, slots=True)
class LabelProgress:
    """How far the labels are that a verdict wanted: how many were asked for in its name, how many still wait."""

    asked: int = 0
    waiting: int = 0


NO_PROGRESS: Final[Mapping[VerdictId, LabelProgress]] = MappingProxyType({})


def challenger_to_judge(
    now: GateHistory,
    evaluation_id: str,
    policy: Gate,
    asked: Mapping[VerdictId, LabelProgress] = NO_PROGRESS,
    due: bool = False,
) -> ModelId | None:
    """The model that awaits a verdict on an evaluation set: the one trained last, if a look at it is due.

    It is due when it is new; again on other rows if they were too few or of one class, which does not count as a
    look; again when the labels that its last verdict wanted are there, at most as often as the policy says, for each
    look is paid for; and again when another champion reigns than its verdict saw. ``asked`` says how far the labels
    are that verdicts wanted, ``due`` whether a training is: then what was drawn for the question is looked at though
    only half of it came, for a new challenger makes the question moot.
    """
    if now.last is None or now.last.model_id == now.champion:
        return None
    own = now.on(now.last.model_id)
    if not own:
        return now.last.model_id
    if any((one.champion_id, one.evaluation_id) == (now.champion, evaluation_id) for one in own):
        return None
    newest = own[-1]
    again = (
        lacked_labels(newest)
        or _saw_another(newest, now)
        or (is_open(newest, now, policy) and _has_come(newest, asked.get(newest.verdict_id, LabelProgress()), due))
    )
    return now.last.model_id if again else None


def open_question(now: GateHistory, policy: Gate) -> Verdict | None:
    """The verdict that wants more evaluation labels and may be taken up again when they are there."""
    own = now.on(now.last.model_id) if now.last and now.last.model_id != now.champion else []
    return own[-1] if own and is_open(own[-1], now, policy) else None


def is_open(verdict: Verdict, now: GateHistory, policy: Gate) -> bool:
    """Whether more labels may still change a verdict: it wants some, its champion reigns, looks are left."""
    if verdict.decision != "keep" or not labels_available(verdict) or verdict.champion_id != now.champion:
        return False
    return lacked_labels(verdict) or count_looks(verdict.challenger_id, now) < policy.looks.per_challenger


def labels_requested(verdict: Verdict) -> int:
    """How many more evaluation labels a verdict wanted; none where it was sure, or is of a time that kept no count."""
    return int((verdict.evidence or {}).get("labels_wanted", 0))


def labels_available(verdict: Verdict) -> int:
    """How many of the labels that a verdict wanted can be had: fewer rows than that may differ."""
    evidence = verdict.evidence or {}
    there = evidence.get("population", {}).get("unlabeled")
    wanted = labels_requested(verdict)
    return min(wanted, there) if asks_for_disagreement(verdict) and there is not None else wanted


def asks_for_disagreement(verdict: Verdict) -> bool:
    """Whether a verdict asks for labels where champion and challenger differ, rather than random ones."""
    return (verdict.evidence or {}).get("wanted_where") == DISAGREEMENT


def describe_question(verdict: Verdict, asked: LabelProgress) -> str:
    """An open question as a sentence: what it is about, and how far its labels are."""
    where = "where it and the champion differ" if asks_for_disagreement(verdict) else "at random"
    wanted, answered = labels_available(verdict), asked.asked - asked.waiting
    return (
        f"whether challenger {verdict.challenger_id[:8]} may be champion: {wanted} evaluation labels {where} are "
        f"wanted, {asked.asked} were asked for and {answered} of these answered"
    )


def lacked_labels(verdict: Verdict) -> bool:
    """Whether a verdict had too few rows or classes to decide: it could not promote and does not count as a look."""
    undecided = any(check.outcome == "undecided" and check.name in {"labels", "classes"} for check in verdict.checks)
    return undecided and verdict.decision == "keep"


@dataclass(frozen=True, slots=True)
class Looks:
    """Which look a judging is: of all since the last move of the champion, and of those at this challenger."""

    number: int = 1
    at_challenger: int = 1


def next_look(now: GateHistory, challenger: ModelId) -> Looks:
    """Which look at today's champion, and at one challenger, the next judging is; each counts from 1.

    All looks at a challenger count for its own next one; for another's, those that came close do not
    (:data:`~tiltyard.gate.sequential_design.CLOSE`).
    """
    paid = sum(one.challenger_id == challenger or bool((one.evidence or {}).get("counts", True)) for one in _looks(now))
    return Looks(paid + 1, count_looks(challenger, now) + 1)


def count_looks(challenger: ModelId, now: GateHistory) -> int:
    """How many looks there were at one challenger since the champion moved."""
    return sum(one.challenger_id == challenger for one in _looks(now))


def _looks(now: GateHistory) -> list[Verdict]:
    """The gate's verdicts since the last move that compared a challenger with today's champion."""
    made = now.moves[-1].verdict_id if now.moves else None
    place = next((at for at, one in enumerate(now.verdicts, start=1) if one.verdict_id == made), 0)
    return [
        one
        for one in now.verdicts[place:]
        if one.champion_id == now.champion
        and one.decision != "roll_back"
        and one.champion_id
        and not lacked_labels(one)
    ]


def _saw_another(verdict: Verdict, now: GateHistory) -> bool:
    """Whether a verdict says promote, or is in doubt, over another champion than today's, and nobody acted on it."""
    settled = {move.verdict_id for move in now.moves} | now.declined
    in_doubt = verdict.decision == "promote" or labels_requested(verdict) > 0
    return verdict.champion_id != now.champion and in_doubt and verdict.verdict_id not in settled


def _has_come(verdict: Verdict, asked: LabelProgress, due: bool) -> bool:
    """Whether the labels that a verdict wanted are there; half of them do where the next training makes it moot.

    With fewer labels a look would cost significance and is unlikely to decide anything.
    """
    share = 0.5 if due and asks_for_disagreement(verdict) else 1.0
    return asked.asked > 0 and not asked.waiting and asked.asked >= share * labels_available(verdict)


def is_worth_requesting(verdict: Verdict, asked: LabelProgress, extra: int, queries: int) -> bool:
    """Whether ``extra`` labels per query give at least half of what a verdict needs before the next training is due.

    ``queries`` is the number of queries until then. Random labels are useful in any case.
    """
    return not asks_for_disagreement(verdict) or 2 * (asked.asked + extra * queries) >= labels_available(verdict)


def pending_promotion(verdicts: Sequence[Verdict], acted_on: Iterable[str], champion: ModelId | None) -> Verdict | None:
    """The newest verdict that says promote, was decided against today's champion and was not acted on yet."""
    done = set(acted_on)
    newest = next((verdict for verdict in reversed(verdicts) if verdict.decision != "roll_back"), None)
    if newest is None or newest.decision != "promote" or newest.verdict_id in done:
        return None
    return newest if newest.champion_id == champion else None


ApprovalStatus = Literal["not_wanted", "wanted", "approved", "declined", "expired"]

APPROVED_STATUSES: Final[frozenset[ApprovalStatus]] = frozenset({"not_wanted", "approved"})
"""Where a verdict stands whose challenger may be promoted."""


def approval_deadline(verdict: Verdict) -> datetime:
    """Until when a verdict may be approved, by the policy under which it was given."""
    return verdict.recorded_at + timedelta(hours=float(verdict.policy.get("approval_hours", 0)))


def approval_status(verdict: Verdict, approvals: Mapping[VerdictId, Approval], now: datetime) -> ApprovalStatus:
    """Where a verdict that says promote stands between gate and person.

    The policy is the verdict's own: to change the project file later neither takes an approval off nor asks for one.
    An approval counts however late it is looked at; without one, the deadline keeps the champion.
    """
    if not verdict.policy.get("approval"):
        return "not_wanted"
    answer = approvals.get(verdict.verdict_id)
    if answer is not None:
        return "approved" if answer.approved else "declined"
    return "wanted" if now < approval_deadline(verdict) else "expired"
