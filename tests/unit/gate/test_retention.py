"""Which models' bytes may go: never one that a step may ask, and of the others the newest are kept."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gate.test_triggering import a_model, a_move, a_verdict
from tiltyard.gate.retention import deletable_models, needed_models
from tiltyard.gate.triggers import GateHistory
from tiltyard.schemas.records import ModelId, Promotion, Verdict

NAMES = [f"m{number}" for number in range(8)]


@st.composite
def stories(draw: st.DrawFn) -> GateHistory:
    """What may have been decided over eight models."""
    verdicts: list[Verdict] = []
    moves: list[Promotion] = []
    champion: ModelId | None = None
    for name in NAMES:
        decision = draw(st.sampled_from(["promote", "keep", "none"]))
        if decision == "none":
            continue
        verdict = a_verdict(f"of {name}", name, champion, decision=decision)
        verdicts.append(verdict)
        if decision == "promote" and draw(st.booleans()):
            moves.append(a_move(len(moves) + 1, verdict.verdict_id, name, champion))
            champion = ModelId(name)
    declined = frozenset(draw(st.sets(st.sampled_from([f"of {name}" for name in NAMES]))))
    return GateHistory(last=a_model(NAMES[-1]), champion=champion, verdicts=verdicts, moves=moves, declined=declined)


@given(stories(), st.one_of(st.none(), st.integers(0, 9)))
def test_no_model_that_a_step_may_ask_goes_and_the_newest_of_the_others_stay(
    now: GateHistory, keep: int | None
) -> None:
    models = [a_model(name) for name in NAMES]
    gone = [model.model_id for model in deletable_models(models, now, keep)]
    needed = needed_models(models, now)
    assert not set(gone) & needed
    left = [model.model_id for model in models if model.model_id not in {*gone, *needed}]
    others = len(NAMES) - len(needed & set(NAMES))
    assert len(left) == (others if keep is None else min(keep, others))
    assert all(NAMES.index(old) < NAMES.index(new) for old in gone for new in left)
    assert needed >= {now.champion, "m6", "m7", *(move.model_id for move in now.moves)}
    acted = {move.verdict_id for move in now.moves}
    for verdict in now.verdicts:
        if verdict.decision == "promote" and verdict.champion_id == now.champion and verdict.verdict_id not in acted:
            assert verdict.challenger_id in needed or verdict.verdict_id in now.declined
