"""Submission of annotations: each is accepted or refused by itself; accepted ones are on disk before the response."""

from asyncio import wrap_future
from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import ValidationError

from tiltyard.apps.labeling.annotation.assignment_reason import reveal_suggestion
from tiltyard.apps.labeling.api.errors import from_pydantic_errors
from tiltyard.apps.labeling.api.requests import ORIGIN, AnnotationRequest, LeaseRequest
from tiltyard.apps.labeling.api.responses import AnnotationResult
from tiltyard.apps.labeling.service import Caller, ServedProject
from tiltyard.apps.labeling.service.writer import StoredAnnotation
from tiltyard.labels.annotations import annotation_id, check_annotation
from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.records import Assignment, AssignmentId, NewAnnotation, SampleId

Checked = NewAnnotation | AnnotationResult
"""A valid annotation, or the result that refuses it."""


async def submit(
    caller: Caller, given: Sequence[Any], wanted: LeaseRequest | None
) -> tuple[list[AnnotationResult], list[Assignment] | None]:
    """The results of annotations in their order, and the caller's assignments if ``wanted`` asks for some.

    ApiError with 422 if none of them is valid. The writer stores and leases in one step, so that a page waits once.
    """
    served = caller.served
    checked = await served.run_lookup(partial(_check_all, caller, given), _assignment_ids(given))
    valid = [one for one in checked if isinstance(one, NewAnnotation)]

    wish = None if wanted is None else (caller.annotator, wanted.total)
    written = await wrap_future(served.writer.submit(valid, wish))
    waiting = iter(zip(valid, written.stored, strict=True))
    return [
        one if isinstance(one, AnnotationResult) else _result(caller, *next(waiting)) for one in checked
    ], written.held


def _assignment_ids(given: Sequence[Any]) -> list[str]:
    """The assignment ids in annotations."""
    return [str(one.get("assignment_id")) for one in given if isinstance(one, dict)]


def _check_all(caller: Caller, given: Sequence[Any]) -> list[Checked]:
    """Each annotation, checked; ApiError if none can be parsed."""
    parsed = [_parsed(one) for one in given]
    if all(isinstance(one, ValidationError) for one in parsed):
        problem = next(one for one in parsed if isinstance(one, ValidationError))
        raise from_pydantic_errors(problem.errors(include_url=False, include_input=False))
    return [_checked(caller, one, body) for one, body in zip(parsed, given, strict=True)]


def _parsed(given: Any) -> AnnotationRequest | ValidationError:
    """The parsed annotation, or its validation error."""
    try:
        return AnnotationRequest.model_validate(given)
    except ValidationError as error:
        return error


def _checked(caller: Caller, answer: AnnotationRequest | ValidationError, given: Any) -> Checked:
    """The annotation to store, or the result that refuses it."""
    if isinstance(answer, ValidationError):
        error = from_pydantic_errors(answer.errors(include_url=False, include_input=False))
        key = given.get("client_key") if isinstance(given, dict) else None
        return _refused(str(key or "")[:64], f"{error.where}: {error.detail}")
    try:
        return new_annotation(answer, caller.annotator, caller.served)
    except TiltyardError as error:
        return _refused(answer.client_key, str(error))


def new_annotation(answer: AnnotationRequest, annotator: str, served: ServedProject) -> NewAnnotation:
    """The annotation to store; the sample's values and the prediction come from the assignment.

    Raises AnnotationError if it does not fit the project, NotFound if the assignment does not exist.
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
    """The result of a valid annotation."""
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
    """The result that refuses one annotation."""
    return AnnotationResult(client_key=client_key, status="refused", error=error)
