"""What Label Studio answers: its annotations on their way into the ledger, each taken, known or refused by name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from tiltyard.labels.admission import LONGEST_LEAD
from tiltyard.labels.annotations import annotation_id, check_annotation
from tiltyard.labels.files.file_import import WHICH
from tiltyard.labels.files.label_studio_tasks import CONTROL, HOLDER
from tiltyard.schemas.errors import AnnotationError, LabelStudioError
from tiltyard.schemas.project import Project
from tiltyard.schemas.records import Act, Annotation, AnnotationId, Assignment, NewAnnotation, SampleId

Task = Mapping[str, Any]
"""A task with its annotations as Label Studio's data manager gives it."""

ANOTHER: Final = "Label Studio names another annotator for this now"


@dataclass(frozen=True, slots=True)
class Refused:
    """An annotation that stays in Label Studio, and why."""

    task: int
    annotation: int
    annotator: str
    why: str


@dataclass(slots=True)
class PulledAnnotations:
    """The outcome for pulled annotations: to store, known before, refused."""

    annotations: list[NewAnnotation] = field(default_factory=list)
    known: int = 0
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LocalState:
    """What is known here: the project, the assignments by id, each user's annotator, what came from there before."""

    project: Project
    assignments: Mapping[str, Assignment]
    annotators: Mapping[int, str]
    stored: Sequence[Annotation]


@dataclass(frozen=True, slots=True)
class RemoteAnnotation:
    """One annotation as Label Studio has it now, with its task."""

    task: Task
    body: Mapping[str, Any]

    @property
    def number(self) -> int:
        """Its id there."""
        return int(self.body["id"])

    @property
    def assignment(self) -> str:
        """The assignment that the task says it is; empty where it says none."""
        return assignment_id_of(self.task)

    @property
    def client_key(self) -> str:
        """The key of this version of the annotation: each change there has another time."""
        return f"{self.thread} {self.body['updated_at']}"

    @property
    def thread(self) -> str:
        """What all versions of the annotation have in common."""
        return f"{HOLDER} {self.assignment} {self.number}"


def assignment_id_of(task: Task) -> str:
    """The assignment that a task carries; empty where Tiltyard did not create the task."""
    data = task.get("data")
    found = data.get("assignment_id") if isinstance(data, Mapping) else None
    return found if isinstance(found, str) else ""


def parse_user_mapping(written: str) -> dict[str, str]:
    """Annotators by e-mail, from ``EMAIL=ANNOTATOR`` pairs that commas part.

    Raises LabelStudioError for a pair that is none.

    >>> parse_user_mapping("Ada@example.test=ada, b@example.test=bea")
    {'ada@example.test': 'ada', 'b@example.test': 'bea'}
    """
    pairs = [part.strip() for part in written.split(",") if part.strip()]
    split = [tuple(side.strip() for side in pair.split("=", 1)) for pair in pairs]
    for pair, sides in zip(pairs, split, strict=True):
        if len(sides) != 2 or not all(sides):
            raise LabelStudioError(f"{pair!r} maps no user; write EMAIL=ANNOTATOR")
    return {sides[0].casefold(): sides[1] for sides in split}


def annotator_name(email: str, mapping: Mapping[str, str], known: Iterable[str] = ()) -> str:
    """Who a user of Label Studio is here: whom the mapping names, a known annotator of that name, else a name that
    says where it comes from.

    >>> annotator_name("ada@example.test", {"ada@example.test": "ada"}), annotator_name("b@example.test", {})
    ('ada', 'label-studio:b@example.test')
    """
    key = email.casefold()
    same = {name.casefold(): name for name in known}
    return mapping.get(key) or same.get(key) or f"{HOLDER}:{email}"


def parse_task_annotations(tasks: Iterable[Task], facts: LocalState) -> PulledAnnotations:
    """The annotations of these tasks, less those that are stored, in the order in which they were said.

    A changed annotation supersedes what it said before. So does a second answer of one annotator to one sample,
    which overlap asks of two people. Nothing follows from an annotation that is there no more.
    """
    taken, thread = PulledAnnotations(), Threads(facts.stored)
    keys = {annotation.client_key for annotation in facts.stored}
    answers = [RemoteAnnotation(task, body) for task in tasks for body in task.get("annotations") or ()]
    for answer in sorted(answers, key=lambda one: (str(one.body["updated_at"]), one.number)):
        if answer.client_key in keys:
            taken.known += 1
            continue
        annotator = _annotator(answer, facts)
        try:
            new = _annotation(answer, annotator, facts)
        except AnnotationError as error:
            why = WHICH.sub("", str(error))
            taken.refused.append(Refused(int(answer.task["id"]), answer.number, annotator, why))
            continue
        taken.annotations += thread.follow(new, answer.thread)
    return taken


class Threads:
    """What was said last, by annotation there and by annotator and sample, so that what follows supersedes it."""

    def __init__(self, stored: Sequence[Annotation]) -> None:
        """Begin with what the ledger has, in its order."""
        self._by_thread: dict[str, NewAnnotation | Annotation] = {}
        self._by_person: dict[tuple[str, SampleId], NewAnnotation | Annotation] = {}
        for annotation in stored:
            if annotation.act != "withdraw":
                self._remember(annotation, annotation.client_key.rpartition(" ")[0])

    def follow(self, new: NewAnnotation, thread: str) -> list[NewAnnotation]:
        """The annotation, tied to what it supersedes; with a withdrawal where another person is named for it now."""
        before = self._by_thread.get(thread)
        withdrawn = [_withdrawal(new, before)] if before is not None and before.annotator != new.annotator else []
        own = self._by_person.get((new.annotator, new.sample_id)) if before is None or withdrawn else before
        if own is not None and remote_time(own) <= new.said_at:
            new = replace(new, supersedes=_id(own), assignment_id=own.assignment_id)
        self._remember(new, thread)
        return [*withdrawn, new]

    def _remember(self, annotation: NewAnnotation | Annotation, thread: str) -> None:
        """Keep an annotation as the last of its thread and of its annotator on that sample."""
        self._by_thread[thread] = annotation
        self._by_person[annotation.annotator, annotation.sample_id] = annotation


def _annotator(answer: RemoteAnnotation, facts: LocalState) -> str:
    """Who said it, as Label Studio has it."""
    person = answer.body.get("completed_by")
    number = person.get("id") if isinstance(person, Mapping) else person
    known = facts.annotators.get(number) if isinstance(number, int) else None
    return known or f"{HOLDER}:user {number}"


def _annotation(answer: RemoteAnnotation, annotator: str, facts: LocalState) -> NewAnnotation:
    """The annotation as the ledger takes it; AnnotationError says why it cannot be.

    The sample's values are those of the assignment: what a task says there may have been edited.
    """
    assignment = facts.assignments.get(answer.assignment)
    if assignment is None:
        raise AnnotationError(f"the task carries no assignment of this project, got {answer.assignment!r}")
    if answer.task["data"].get("sample_id") != assignment.sample_id:
        raise AnnotationError(f"the task's sample is not the one of assignment {answer.assignment!r}")
    act, label = _said(answer.body)
    suggestion = assignment.suggestion
    new = NewAnnotation(
        client_key=answer.client_key,
        annotator=annotator,
        act=act,
        sample_id=assignment.sample_id,
        payload=assignment.payload,
        said_at=_moment(answer.body["updated_at"]),
        label=label,
        assignment_id=assignment.assignment_id,
        suggestion=suggestion.label if suggestion else None,
        suggestion_visible=bool(answer.task.get("predictions")),
        lead_ms=_milliseconds(answer.body.get("lead_time")),
        origin=HOLDER,
    )
    return check_annotation(new, facts.project)


def _said(body: Mapping[str, Any]) -> tuple[Act, str | None]:
    """The act and its class. Label Studio stores any content, so everything is checked."""
    if body.get("was_cancelled"):
        return "skip", None
    result = body.get("result")
    chosen = [one for part in (result if isinstance(result, list) else []) for one in _choices(part)]
    if len(chosen) != 1:
        raise AnnotationError(f"{len(chosen) or 'no'} classes are chosen where one is wanted, got {result!r:.80}")
    return "label", str(chosen[0])


def _choices(part: Any) -> list[Any]:
    """The classes that one part of a result chooses."""
    if not isinstance(part, Mapping) or part.get("from_name") != CONTROL or not isinstance(part.get("value"), Mapping):
        return []
    choices = part["value"].get("choices")
    return choices if isinstance(choices, list) else []


def _withdrawal(new: NewAnnotation, before: NewAnnotation | Annotation) -> NewAnnotation:
    """That a person is no longer said to have said something."""
    return NewAnnotation(
        client_key=f"{new.client_key} withdraws",
        annotator=before.annotator,
        act="withdraw",
        sample_id=new.sample_id,
        payload=new.payload,
        said_at=new.said_at,
        note=ANOTHER,
        supersedes=_id(before),
        origin=HOLDER,
    )


def _id(annotation: NewAnnotation | Annotation) -> AnnotationId:
    """The id that an annotation has or will have."""
    return annotation_id(annotation.client_key)


def _moment(written: object) -> datetime:
    """A moment as Label Studio writes it."""
    try:
        return datetime.fromisoformat(str(written))
    except ValueError as error:
        raise AnnotationError(f"{written!r} is not a time") from error


def _milliseconds(seconds: object) -> int | None:
    """How long an answer took, where that is known and can be: a page may stand open for weeks."""
    if not isinstance(seconds, int | float) or not 0 <= seconds * 1000 <= LONGEST_LEAD:
        return None
    return round(float(seconds) * 1000)


def remote_time(one: Annotation | NewAnnotation) -> datetime:
    """The time that Label Studio gave to an annotation, also where its clock was ahead of the ledger's."""
    return (one.claimed_at if isinstance(one, Annotation) else None) or one.said_at
