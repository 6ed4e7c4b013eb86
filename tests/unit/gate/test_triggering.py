"""When a challenger is judged, judged again, and how its looks are counted: pure rules over what was decided."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tiltyard.gate.triggers import (
    GateHistory,
    LabelProgress,
    challenger_to_judge,
    count_looks,
    is_worth_requesting,
    labels_available,
    next_look,
    open_question,
)
from tiltyard.schemas.project import Gate, Looks
from tiltyard.schemas.records import (
    Check,
    EvaluationId,
    Model,
    ModelId,
    Promotion,
    StoredFile,
    TrainingId,
    Verdict,
    VerdictId,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GATE = Gate()
PASSED = (Check("labels", "pass", 60, 50, ""), Check("gain", "undecided", 0.1, 0, ""))
TOO_FEW = (Check("labels", "undecided", 6, 50, ""),)


def a_model(name: str = "new") -> Model:
    file = StoredFile("m", "0", 1)
    return Model(
        ModelId(name), TrainingId("t"), "p", {}, 0, "c", {}, {}, None, "r", "1", file, "h", NOW
    )  # fmt: skip


def a_verdict(name: str, challenger: str = "new", champion: str | None = "old", **changes: Any) -> Verdict:
    """A gate's verdict that is undecided on the gain and wants 10 labels where the two differ."""
    verdict = Verdict(
        VerdictId(name), ModelId(challenger), ModelId(champion) if champion else None, EvaluationId(f"rows of {name}"),
        "keep", "accuracy", 60, None, None, None, PASSED, {}, "gate", "", NOW,
        {"labels_wanted": 10, "wanted_where": "disagreement", "population": {"unlabeled": 30}},
    )  # fmt: skip
    return replace(verdict, **changes)


def a_move(number: int, verdict: str, model: str, before: str | None = None, kind: Any = "promotion") -> Promotion:
    return Promotion(
        number, ModelId(model), ModelId(before) if before else None, VerdictId(verdict), kind, "gate", "", NOW
    )


def judging(*verdicts: Verdict, last: str = "new", **changes: Any) -> GateHistory:
    """A champion "old" that came by verdict "first", then some verdicts."""
    first = a_verdict("first", "old", None, decision="promote", evidence=None)
    given: dict[str, Any] = {
        "last": a_model(last),
        "champion": ModelId("old"),
        "moves": (a_move(1, "first", "old"),),
    } | changes
    return GateHistory(verdicts=(first, *verdicts), **given)


NONE = LabelProgress()
ALL_CAME, SOME_CAME, SOME_WAIT = LabelProgress(10), LabelProgress(4), LabelProgress(10, waiting=1)
NO_LABELS_WANTED = {"labels_wanted": 0, "wanted_where": ""}
BY_CHANCE = {"labels_wanted": 10, "wanted_where": "chance"}


@pytest.mark.parametrize(
    ("now", "asked", "due", "expected"),
    [
        pytest.param(judging(), NONE, False, "new", id="a new one"),
        pytest.param(judging(last="old"), NONE, False, None, id="the champion itself"),
        pytest.param(judging(last="new", champion=None, moves=()), NONE, False, "new", id="the first of all"),
        pytest.param(GateHistory(last=None, champion=None, verdicts=()), NONE, False, None, id="no model at all"),
        pytest.param(judging(a_verdict("v")), ALL_CAME, False, "new", id="all wanted labels came"),
        pytest.param(judging(a_verdict("v")), SOME_WAIT, True, None, id="one of them still waits"),
        pytest.param(judging(a_verdict("v")), SOME_CAME, False, None, id="some came, and more will"),
        pytest.param(judging(a_verdict("v")), LabelProgress(5), True, "new", id="half came, and a training is due"),
        pytest.param(judging(a_verdict("v")), LabelProgress(4), True, None, id="less than half of them came"),
        pytest.param(judging(a_verdict("v")), NONE, True, None, id="none were asked for"),
        pytest.param(judging(a_verdict("v", evidence=BY_CHANCE)), LabelProgress(9), True, None, id="some by chance"),
        pytest.param(judging(a_verdict("v", evidence=BY_CHANCE)), ALL_CAME, False, "new", id="all came by chance"),
        pytest.param(judging(a_verdict("v", evidence=NO_LABELS_WANTED)), ALL_CAME, True, None, id="rejected"),
        pytest.param(judging(a_verdict("v", evidence=None)), ALL_CAME, True, None, id="of a time before evidence"),
        pytest.param(judging(a_verdict("v", checks=TOO_FEW)), NONE, False, "new", id="too few rows to look at all"),
        pytest.param(
            judging(a_verdict("v"), a_verdict("w"), a_verdict("x")), ALL_CAME, True, None, id="three looks were taken"
        ),
        pytest.param(
            judging(a_verdict("v", "other"), a_verdict("w", "other"), a_verdict("x")), ALL_CAME, True, "new",
            id="looks at others do not count",
        ),
        pytest.param(judging(a_verdict("v", decision="promote")), NONE, False, None, id="promote, not yet acted on"),
        pytest.param(
            judging(a_verdict("v", champion="older", decision="promote")), NONE, False, "new",
            id="promote over another champion",
        ),
        pytest.param(
            judging(a_verdict("v", champion="older")), NONE, False, "new", id="in doubt over another champion"
        ),
        pytest.param(
            judging(a_verdict("v", champion="older", evidence=NO_LABELS_WANTED)), NONE, False, None,
            id="rejected by another champion",
        ),
        pytest.param(
            judging(a_verdict("v", champion="older", decision="promote"), declined=frozenset({"v"})), NONE, False,
            None, id="a person declined it",
        ),
        pytest.param(
            judging(
                a_verdict("v", champion="older", decision="promote"),
                moves=(a_move(1, "v", "new", "older"), a_move(2, "back", "old", "new", "roll_back")),
            ),
            NONE, False, None, id="it was champion, and was rolled back",
        ),
    ],
)  # fmt: skip
def test_a_challenger_is_looked_at_when_a_look_is_due(
    now: GateHistory, asked: LabelProgress, due: bool, expected: str | None
) -> None:
    newest = now.verdicts[-1].verdict_id if now.verdicts else VerdictId("none")
    assert challenger_to_judge(now, "rows of today", GATE, {newest: asked}, due) == expected


def test_the_same_rows_are_never_looked_at_twice() -> None:
    now = judging(a_verdict("v"))
    assert challenger_to_judge(now, "rows of v", GATE, {VerdictId("v"): ALL_CAME}) is None
    too_few = judging(a_verdict("v", checks=TOO_FEW))
    assert challenger_to_judge(too_few, "rows of v", GATE) is None


def test_an_open_question_ends_with_its_looks_its_rows_or_its_champion() -> None:
    verdict = a_verdict("v")
    assert open_question(judging(verdict), GATE) == verdict
    assert open_question(judging(verdict), Gate(looks=Looks(per_challenger=1))) is None
    assert open_question(judging(verdict, last="newer"), GATE) is None
    assert open_question(judging(a_verdict("v", champion="older")), GATE) is None
    all_labeled = {**(verdict.evidence or {}), "population": {"unlabeled": 0}}
    assert open_question(judging(a_verdict("v", evidence=all_labeled)), GATE) is None


def test_no_more_labels_can_be_had_than_there_are_rows_that_differ() -> None:
    assert labels_available(a_verdict("v")) == 10
    few = {"labels_wanted": 10, "wanted_where": "disagreement", "population": {"unlabeled": 3}}
    assert labels_available(a_verdict("v", evidence=few)) == 3
    assert labels_available(a_verdict("v", evidence={**few, "wanted_where": "chance"})) == 10


@pytest.mark.parametrize(
    ("where", "asked", "extra", "queries", "expected"),
    [
        ("disagreement", 0, 5, 1, True),
        ("disagreement", 0, 4, 1, False),
        ("disagreement", 1, 4, 1, True),
        ("disagreement", 0, 2, 3, True),
        ("chance", 0, 1, 1, True),
    ],
)
def test_labels_are_asked_for_only_where_at_least_half_of_them_come_in_time(
    where: str, asked: int, extra: int, queries: int, expected: bool
) -> None:
    verdict = a_verdict("v", evidence={"labels_wanted": 10, "wanted_where": where})
    assert is_worth_requesting(verdict, LabelProgress(asked), extra, queries) is expected


def test_looks_are_counted_from_the_last_move_and_only_where_a_champion_was_looked_at() -> None:
    new = ModelId("new")
    assert next_look(judging(), new).number == 1
    several = judging(a_verdict("v", "other"), a_verdict("w", checks=TOO_FEW), a_verdict("x"))
    assert (next_look(several, new).number, next_look(several, new).at_challenger, count_looks(new, several)) == (
        3,
        2,
        1,
    )
    close = a_verdict("x", evidence={"labels_wanted": 10, "counts": False})
    assert (next_look(judging(close), new).number, next_look(judging(close), new).at_challenger) == (2, 2)
    assert next_look(judging(close), ModelId("later")).number == 1
    back = a_verdict("back", "old", "new", decision="roll_back")
    moves = (a_move(1, "first", "old"), a_move(2, "v", "new", "old"), a_move(3, "back", "old", "new", "roll_back"))
    after = judging(a_verdict("v", decision="promote"), back, a_verdict("x", "third"), moves=moves)
    assert next_look(after, ModelId("third")).number == 2
