"""A person's approval: recorded before anything moves, once, in time; without it the champion stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.clients.commands import done, tiltyard
from tests.crash.story import go_round
from tests.projects.small_project import a_day, answer_queue, copied, deliver, make_project
from tiltyard.gate.triggers import approval_deadline, approval_status
from tiltyard.schemas.errors import PromotionConflict
from tiltyard.schemas.records import Approval, ModelId, Verdict, VerdictId
from tiltyard.tasks.models.approve_promotion import record_approval, seconds_until_deadline, verdict_to_approve
from tiltyard.tasks.models.promote_challenger import pending_verdict, promote_challenger
from tiltyard.workspace.workspace import Workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GATE = {"metric": "accuracy", "minimum_labels": 4, "resamples": 200, "approval": True}


def a_verdict(**policy: object) -> Verdict:
    return Verdict(
        VerdictId("v" * 32), ModelId("m" * 32), None, None, "promote", "accuracy", 9, None, None, None, (), policy,
        "gate", "better", NOW,
    )  # fmt: skip


def an_answer(approved: bool) -> dict[VerdictId, Approval]:
    verdict_id = VerdictId("v" * 32)
    return {verdict_id: Approval(verdict_id, approved, "ada", "looks right", NOW)}


@pytest.mark.parametrize(
    ("policy", "answered", "hours", "expected"),
    [
        ({}, None, 0, "not_wanted"),
        ({"approval": False, "approval_hours": 1}, False, 0, "not_wanted"),
        ({"approval": True, "approval_hours": 2}, None, 1.9, "wanted"),
        ({"approval": True, "approval_hours": 2}, None, 2, "expired"),
        ({"approval": True, "approval_hours": 2}, True, 900, "approved"),
        ({"approval": True, "approval_hours": 2}, False, 1, "declined"),
    ],
)
def test_where_a_verdict_stands(policy: dict[str, object], answered: bool | None, hours: float, expected: str) -> None:
    approvals = {} if answered is None else an_answer(answered)
    assert approval_status(a_verdict(**policy), approvals, NOW + timedelta(hours=hours)) == expected


def test_the_deadline_is_the_policys_at_the_time_of_the_verdict() -> None:
    assert approval_deadline(a_verdict(approval=True, approval_hours=1.5)) == NOW + timedelta(minutes=90)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose first challenger waits for a person."""
    workspace = make_project(tmp_path_factory.mktemp("approving") / "template", gate=GATE)
    deliver(workspace, "day-0.csv", a_day(0))
    project = str(workspace.project_file.parent)
    go_round(project)
    answer_queue(workspace, NOW)
    go_round(project)
    workspace.ledger.close()
    return workspace.project_file.parent


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    return copied(template, tmp_path / "project")


def project_of(workspace: Workspace) -> str:
    return str(workspace.project_file.parent)


def test_nothing_moves_before_a_person_agrees(workspace: Workspace) -> None:
    project = project_of(workspace)
    waiting = verdict_to_approve.fn(project)
    assert waiting is not None
    assert pending_verdict.fn(project) is None
    assert 0 < seconds_until_deadline.fn(project, waiting) <= 72 * 3600
    with pytest.raises(PromotionConflict, match="waits for approval"):
        promote_challenger.fn(project, waiting)
    assert workspace.ledger.champions.champion_id is None
    assert tiltyard("status", "-p", project, "--json").data["next"]["command"] == "tiltyard approve --reason WHY"


def test_an_approved_challenger_is_promoted_and_the_answer_is_kept(workspace: Workspace) -> None:
    project = project_of(workspace)
    told = done("approve", "--reason", "the report convinced me", "--by", "ada", "-p", project, "--json")
    assert told.data["promotion"]["number"] == 1
    (approval,) = done("history", "-p", project, "--json").data["approvals"]
    assert (approval["reviewer"], approval["reason"]) == ("ada", "the report convinced me")
    again = tiltyard("approve", "--reason", "twice", "-p", project)
    assert again.code == 2
    assert "no promotion waits for approval" in again.err


def test_a_declined_challenger_stays_declined(workspace: Workspace) -> None:
    project = project_of(workspace)
    waiting = verdict_to_approve.fn(project)
    said = done("approve", "--decline", "--reason", "too few reds", "--by", "ben", "-p", project)
    assert "The champion and every annotation stay" in said.out
    assert verdict_to_approve.fn(project) is None
    assert pending_verdict.fn(project) is None
    with pytest.raises(PromotionConflict, match="was declined by ben"):
        record_approval.fn(project, str(waiting), True, "ada", "but I like it")
    with pytest.raises(PromotionConflict, match="was declined"):
        promote_challenger.fn(project, str(waiting))


def test_the_same_answer_again_is_the_first(workspace: Workspace) -> None:
    project = project_of(workspace)
    waiting = str(verdict_to_approve.fn(project))
    assert record_approval.fn(project, waiting, True, "ada", "good")
    assert record_approval.fn(project, waiting, True, "ben", "good too")
    (kept,) = workspace.ledger.champions.approvals().values()
    assert kept.reviewer == "ada"
    assert pending_verdict.fn(project) == waiting


def test_after_its_time_an_approval_is_refused_and_the_champion_stays(tmp_path: Path) -> None:
    workspace = make_project(tmp_path / "late", gate={**GATE, "approval_hours": 1e-9})
    project = project_of(workspace)
    deliver(workspace, "day-0.csv", a_day(0))
    go_round(project)
    answer_queue(workspace, NOW)
    go_round(project)
    (verdict,) = workspace.ledger.champions.verdicts()
    assert verdict.decision == "promote"
    assert verdict_to_approve.fn(project) is None
    with pytest.raises(PromotionConflict, match=r"could be approved until .* the champion stays"):
        record_approval.fn(project, verdict.verdict_id, True, "ada", "late")
    with pytest.raises(PromotionConflict, match="was not approved in time"):
        promote_challenger.fn(project, verdict.verdict_id)


def test_a_later_change_of_the_project_file_takes_no_approval_off(workspace: Workspace) -> None:
    content = yaml.safe_load(workspace.project_file.read_text())
    content["gate"]["approval"] = False
    workspace.project_file.write_text(yaml.safe_dump(content))
    assert pending_verdict.fn(project_of(workspace)) is None


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_answer_needs_a_reason(workspace: Workspace, reason: str) -> None:
    told = tiltyard("approve", "--reason", reason, "-p", project_of(workspace))
    assert (told.code, "give a reason" in told.err) == (2, True)


def test_promote_says_where_a_verdict_that_says_promote_stands(workspace: Workspace) -> None:
    project = project_of(workspace)
    waits = tiltyard("promote", "-p", project)
    assert waits.code == 2
    assert "waits for approval until" in waits.err
    assert "nothing to promote" not in waits.err
    done("approve", "--decline", "--reason", "too few reds", "--by", "ben", "-p", project)
    declined = tiltyard("promote", "-p", project)
    assert "nothing to promote: ben declined verdict" in declined.err
    assert "too few reds" in declined.err


def test_promote_says_that_nobody_approved_in_time(tmp_path: Path) -> None:
    workspace = make_project(tmp_path / "late", gate={**GATE, "approval_hours": 1e-9})
    deliver(workspace, "day-0.csv", a_day(0))
    project = project_of(workspace)
    go_round(project)
    answer_queue(workspace, NOW)
    go_round(project)
    assert "nobody approved verdict" in tiltyard("promote", "-p", project).err
