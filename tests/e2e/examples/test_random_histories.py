"""The laws over random histories: whatever happens, in whatever order, nothing that was acknowledged is lost."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.crash.story import judge, promote
from tests.projects.small_project import a_day, answer_queue, deliver, make_project
from tiltyard.labels.effective_labels import effective_labels
from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.records import Annotation, NewAnnotation
from tiltyard.stores.ledger.chain.integrity import verify_ledger
from tiltyard.tasks.ingest.check_batch import check_batch, objects_to_check
from tiltyard.tasks.ingest.land_objects import land_objects
from tiltyard.tasks.labels.choose_samples import choose_samples
from tiltyard.tasks.labels.snapshot_labels import snapshot_labels
from tiltyard.tasks.maintenance.seal_ledger import seal_ledger
from tiltyard.tasks.models.fit_candidates import fit_candidates
from tiltyard.tasks.models.judge_challenger import question_to_settle
from tiltyard.tasks.models.roll_back_champion import roll_back_champion
from tiltyard.tasks.monitoring.watch_champion import watch_champion
from tiltyard.workspace.workspace import Workspace, open_workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Histories(RuleBasedStateMachine):
    """One project's life, as chance has it."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="history-", dir=self.template.parent))
        shutil.copytree(self.template, self.folder, dirs_exist_ok=True)
        self.now = NOW
        self.acknowledged: dict[str, Annotation] = {}
        self.delivered: list[str] = []

    @property
    def workspace(self) -> Workspace:
        """The workspace as any process would open it."""
        return open_workspace(self.folder)

    @property
    def project(self) -> str:
        return str(self.folder)

    @initialize()
    def begin(self) -> None:
        self.deliver_and_ingest(0)

    def deliver_and_ingest(self, number: int) -> None:
        deliver(self.workspace, f"day-{number}.csv", a_day(number, rows=40))
        self.delivered.append(f"day-{number}.csv")
        self.ingest()

    def ingest(self) -> None:
        land_objects.fn(self.project)
        for object_id in objects_to_check.fn(self.project):
            check_batch.fn(self.project, object_id)

    @rule(number=st.integers(0, 3))
    def a_batch_arrives_maybe_again(self, number: int) -> None:
        self.deliver_and_ingest(number)

    @rule()
    def a_bad_batch_arrives(self) -> None:
        content = a_day(9, rows=20).replace("red", "infrared").replace("green", "ultraviolet")
        deliver(self.workspace, "bad.csv", content)
        self.ingest()

    @rule()
    def the_process_dies_and_starts_again(self) -> None:
        self.workspace.ledger.close()
        path = self.folder / "project.yaml"
        path.touch()  # another modification time: the next opening is a new workspace, as in a new process

    @rule(budget=st.integers(5, 30))
    def experts_are_asked(self, budget: int) -> None:
        choose_samples.fn(self.project, budget)

    @rule(annotator=st.sampled_from(["ada", "bea"]))
    def experts_answer(self, annotator: str) -> None:
        self.now += timedelta(minutes=30)
        answer_queue(self.workspace, self.now, annotator)
        self.remember()

    @precondition(lambda self: self.acknowledged)
    @rule(data=st.data(), act=st.sampled_from(["correct", "withdraw", "skip"]))
    def an_expert_thinks_again(self, data: st.DataObject, act: str) -> None:
        first = self.acknowledged[data.draw(st.sampled_from(sorted(self.acknowledged)))]
        self.now += timedelta(minutes=1)
        again = NewAnnotation(
            client_key=f"{act} {len(self.acknowledged)}",
            annotator=first.annotator,
            act={"correct": "label", "withdraw": "withdraw", "skip": "skip"}[act],  # type: ignore[arg-type]  # acts
            sample_id=first.sample_id,
            payload=first.payload,
            said_at=self.now,
            label="no" if act == "correct" else None,
            supersedes=first.annotation_id if act != "skip" else None,
        )
        marked = [first.sample_id] if first.purpose == "evaluation" else []
        self.workspace.ledger.annotations.submit([again], contract_hash="c", now=self.now, marked=marked)
        self.workspace.ledger.annotations.submit([again], contract_hash="c", now=self.now, marked=marked)
        self.remember()

    @rule()
    def a_challenger_is_trained_and_judged(self) -> None:
        try:
            training = snapshot_labels.fn(self.project, "training")
            model = self.workspace.ledger.models.get(fit_candidates.fn(self.project, training))
        except TiltyardError:
            return  # too few labels is a defined case; the invariants hold all the same
        self.the_manifest_holds_every_label(model.training_id)
        judge(self.project)
        promote(self.project)

    @rule()
    def what_new_labels_say_is_heard(self) -> None:
        self.hear()
        position = self.workspace.ledger.position()
        self.hear()
        assert self.workspace.ledger.position() == position

    def hear(self) -> None:
        watch_champion.fn(self.project)
        if question_to_settle.fn(self.project):
            judge(self.project)
        promote(self.project)

    @precondition(lambda self: len(self.workspace.ledger.champions.history()) > 1)
    @rule()
    def the_champion_is_rolled_back(self) -> None:
        before = self.workspace.ledger.annotations.until()
        roll_back_champion.fn(self.project, "ada", "it behaves oddly")
        assert self.workspace.ledger.annotations.until() == before

    @rule()
    def the_ledger_is_sealed(self) -> None:
        seal_ledger.fn(self.project)

    def remember(self) -> None:
        for annotation in self.workspace.ledger.annotations.until():
            self.acknowledged.setdefault(annotation.annotation_id, annotation)

    def the_manifest_holds_every_label(self, training_id: str) -> None:
        labels = effective_labels(self.workspace.ledger.annotations.until())
        rows = self.workspace.labeled_rows(training_id)
        expected = {label.sample_id: label.label for label in labels if not label.evaluation}
        assert dict(zip(rows["sample_id"], rows["label"], strict=True)) == expected

    @invariant()
    def no_annotation_is_lost_or_altered(self) -> None:
        stored = {annotation.annotation_id: annotation for annotation in self.workspace.ledger.annotations.until()}
        for annotation_id, annotation in self.acknowledged.items():
            assert stored[annotation_id] == annotation  # type: ignore[index]  # ids of both are texts

    @invariant()
    def rows_are_conserved_and_samples_unique(self) -> None:
        conservation = self.workspace.ledger.batches.conservation()
        assert conservation.holds
        files = self.workspace.pool_files()
        ids = [i for chunk in self.workspace.pool.scan(files, 1000) for i in chunk["sample_id"]]
        assert len(ids) == len(set(ids)) == conservation.accepted

    @invariant()
    def every_object_is_processed_once(self) -> None:
        objects = self.workspace.ledger.batches.objects()
        contents = {(one.key, one.checksum) for one in objects}
        assert len(objects) == len(contents)
        assert len(self.workspace.ledger.batches.all()) == len(objects)

    @invariant()
    def no_evaluation_row_was_ever_queried_or_trained_on(self) -> None:
        ledger = self.workspace.ledger
        marked = {
            sample
            for chunk in self.workspace.pool.scan(self.workspace.pool_files(), 1000)
            for sample in chunk.filter("evaluation")["sample_id"]
        }
        for assignment in ledger.assignments.waiting():
            assert (assignment.purpose == "evaluation") == (assignment.sample_id in marked)
        for labeled in ledger.models.sets():
            if labeled.purpose == "training":
                assert not marked & set(self.workspace.labeled_rows(labeled.set_id)["sample_id"])

    @invariant()
    def the_champion_moved_only_by_verdicts(self) -> None:
        champions = self.workspace.ledger.champions
        for move in champions.history():
            verdict = champions.verdict(move.verdict_id)
            assert verdict.decision in {"promote", "roll_back"}
            assert (verdict.challenger_id, verdict.champion_id) == (move.model_id, move.previous_id)

    def teardown(self) -> None:
        assert verify_ledger(self.workspace.ledger) == []
        self.workspace.ledger.close()
        shutil.rmtree(self.folder)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh project whose MLflow database is made already: making one takes seconds."""
    workspace = make_project(tmp_path_factory.mktemp("histories") / "template")
    assert workspace.registry.client
    workspace.ledger.close()
    return workspace.project_file.parent


def test_the_laws_hold_over_random_histories(template: Path) -> None:
    machine = type("RandomHistories", (Histories,), {"template": template})
    few = settings(max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck))
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(machine, settings=few)


def test_a_changed_record_would_be_noticed(template: Path) -> None:
    """The invariant itself can fail: an altered annotation is not taken for the acknowledged one."""
    machine = type("OneHistory", (Histories,), {"template": template})()
    machine.begin()
    machine.experts_are_asked(10)
    machine.experts_answer("ada")
    key = next(iter(machine.acknowledged))
    machine.acknowledged[key] = replace(machine.acknowledged[key], label="other")
    with pytest.raises(AssertionError):
        machine.no_annotation_is_lost_or_altered()
    machine.workspace.ledger.close()
