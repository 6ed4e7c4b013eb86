"""Submitting: each answer taken or refused by itself, all that were taken on disk before anybody is told."""

from asyncio import wrap_future
from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import ValidationError

from tiltyard.apps.labeling.annotation.assignment_reason import reveal_suggestion
from tiltyard.apps.labeling.api.errors import from_pydantic_errors
from tiltyard.apps.labeling.api.requests import ORIGIN, AnnotationRequest, LeaseRequest
from tiltyard.apps.labeling.api.responses import AnnotationResult
from tiltyard.apps.labeling.service.callers import Caller
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.apps.labeling.service.writer import StoredAnnotation
from tiltyard.labels.annotations import annotation_id, check_annotation
from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.records import Assignment, AssignmentId, NewAnnotation, SampleId

Taken = NewAnnotation | AnnotationResult
"""An answer that fits, or how it was refused."""


async def submit(
    caller: Caller, said: Sequence[Any], wanted: LeaseRequest | None
) -> tuple[list[AnnotationResult], list[Assignment] | None]:
    """What became of a page's answers, in their order; and what the caller holds then, if more is wanted.

    Refusal with 422 when not one of them is an answer at all. The answers and the lease are one visit to the
    writer: whoever waits for the next sample waits once.
    """
    served = caller.served
    taken = await served.quickly(partial(_taken, caller, said), _named(said))
    fitting = [one for one in taken if isinstance(one, NewAnnotation)]

    wish = None if wanted is None else (caller.annotator, wanted.altogether)
    written = await wrap_future(served.writer.submit(fitting, wish))
    waiting = iter(zip(fitting, written.stored, strict=True))
    return [
        one if isinstance(one, AnnotationResult) else _result(caller, *next(waiting)) for one in taken
    ], written.held


def _named(said: Sequence[Any]) -> list[str]:
    """The assignments that answers name."""
    return [str(one.get("assignment_id")) for one in said if isinstance(one, dict)]


def _taken(caller: Caller, said: Sequence[Any]) -> list[Taken]:
    """Each answer as an annotation, or its refusal."""
    parsed = [_parsed(one) for one in said]
    if all(isinstance(one, ValidationError) for one in parsed):
        problem = next(one for one in parsed if isinstance(one, ValidationError))
        raise from_pydantic_errors(problem.errors(include_url=False, include_input=False))
    return [_fitting(caller, one, given) for one, given in zip(parsed, said, strict=True)]


def _parsed(given: Any) -> AnnotationRequest | ValidationError:
    """An answer, or what is wrong with its fields."""
    try:
        return AnnotationRequest.model_validate(given)
    except ValidationError as error:
        return error


def _fitting(caller: Caller, answer: AnnotationRequest | ValidationError, given: Any) -> Taken:
    """The annotation that an answer stands for, or its refusal."""
    if isinstance(answer, ValidationError):
        refusal = from_pydantic_errors(answer.errors(include_url=False, include_input=False))
        key = given.get("client_key") if isinstance(given, dict) else None
        return _refused(str(key or "")[:64], f"{refusal.where}: {refusal.detail}")
    try:
        return new_annotation(answer, caller.annotator, caller.served)
    except TiltyardError as error:
        return _refused(answer.client_key, str(error))


def new_annotation(answer: AnnotationRequest, annotator: str, served: ServedProject) -> NewAnnotation:
    """The annotation that an answer stands for: the sample's values and the suggestion come from the assignment.

    Raises AnnotationError when it does not fit the project, NotFound when there is no such assignment.
    """
    assignment = served.assignment(answer.assignment_id)
    suggestion = assignment.suggestion
    new = NewAnnotation(
        client_key=answer.client_key,
        annotator=annotator,
        act=answer.act,
        sample_id=SampleId(answer.sample_id),
        payload=assignment.payload,
        said_at=answer.said_at,
        label=answer.label,
        note=answer.note,
        supersedes=annotation_id(answer.supersedes_key) if answer.supersedes_key else None,
        assignment_id=AssignmentId(answer.assignment_id),
        suggestion=suggestion.label if suggestion else None,
        suggestion_visible=answer.suggestion_visible,
        lead_ms=answer.lead_ms,
        origin=ORIGIN,
        guidelines_hash=answer.guidelines_version,
    )
    return check_annotation(new, served.project)


def _result(caller: Caller, new: NewAnnotation, stored: StoredAnnotation) -> AnnotationResult:
    """What became of an answer that fitted."""
    if isinstance(stored.kept, TiltyardError):
        return _refused(new.client_key, str(stored.kept))
    assignment = caller.served.assignment(str(new.assignment_id))
    return AnnotationResult(
        client_key=new.client_key,
        status="stored" if stored.is_new else "known",
        annotation_id=stored.kept.annotation_id,
        seq=stored.kept.seq,
        late=stored.kept.late,
        reveal=reveal_suggestion(stored.kept, assignment, caller.served.project),
    )


def _refused(client_key: str, error: str) -> AnnotationResult:
    """The refusal of one answer."""
    return AnnotationResult(client_key=client_key, status="refused", error=error)
