"""Models and verdicts put into a ledger by hand: a learning curve and agreements as one wants them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tiltyard.schemas.records import (
    EvaluationId,
    Interval,
    LabeledSet,
    Model,
    ModelId,
    Promotion,
    StoredFile,
    TrainingId,
    Verdict,
    VerdictId,
)
from tiltyard.workspace.workspace import Workspace

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
FILE = StoredFile("made", "0" * 64, 1)
JUDGED_ON = EvaluationId("judged-on")


def judged_by_hand(workspace: Workspace, scores: Sequence[float], kappas: Sequence[float | None]) -> list[ModelId]:
    """One model a score, each from 50 labels more and champion at once; its agreement with the one before."""
    project_hash, made = workspace.remember_project(FIRST), [ModelId(f"{number:032x}") for number in range(len(scores))]
    workspace.ledger.models.keep_set(LabeledSet(JUDGED_ON, "evaluation", 0, 400, {}, FILE, FIRST))
    for number, (score, kappa) in enumerate(zip(scores, kappas, strict=True)):
        before = made[number - 1] if number else None
        when = FIRST + timedelta(days=number)
        rows = 50 * (number + 1)
        labeled = LabeledSet(f"set-{number}", "training", number, rows, {}, FILE, when)
        workspace.ledger.models.keep_set(labeled)
        workspace.ledger.models.keep(_model(made[number], labeled, project_hash, when))
        gain = _about(score - scores[number - 1]) if before else None
        evidence = None if kappa is None else {"stability": {"kappa": kappa, "rows": 2000, "previous": before}}
        verdict = Verdict(
            VerdictId(f"verdict-{number}"), made[number], before, JUDGED_ON, "promote", "accuracy", 400, _about(score),
            _about(scores[number - 1]) if before else None, gain, (), {"confidence": 0.95}, "gate", "better", when,
            evidence,
        )  # fmt: skip
        workspace.ledger.champions.decide(verdict)
        workspace.ledger.champions.move(
            Promotion(number + 1, made[number], before, verdict.verdict_id, "promotion", "gate", "better", when)
        )
    return made


def _about(value: float) -> Interval:
    """A narrow interval around a value."""
    return Interval(value, value - 0.002, value + 0.002)


def _model(name: ModelId, labeled: LabeledSet, project_hash: str, when: datetime) -> Model:
    """A model of which nothing is stored but its record."""
    return Model(
        model_id=name,
        training_id=TrainingId(labeled.set_id),
        project_hash=project_hash,
        recipe={"candidate": "linear", "estimator": "LogisticRegression", "parameters": {}},
        seed=0,
        code_version="0.1+made",
        environment={"python": "3.11"},
        metrics={"accuracy": 0.9},
        threshold=None,
        run_id="",
        registry_version="",
        artifact=FILE,
        predictions_hash="",
        recorded_at=when,
    )
