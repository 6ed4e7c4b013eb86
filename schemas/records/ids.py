"""Ids, and the closed vocabularies of the records."""

from typing import Any, Final, Literal, NewType

ObjectId = NewType("ObjectId", str)
BatchId = NewType("BatchId", str)
SampleId = NewType("SampleId", str)
QueryId = NewType("QueryId", str)
AssignmentId = NewType("AssignmentId", str)
AnnotationId = NewType("AnnotationId", str)
TrainingId = NewType("TrainingId", str)
EvaluationId = NewType("EvaluationId", str)
ModelId = NewType("ModelId", str)
VerdictId = NewType("VerdictId", str)
AccessId = NewType("AccessId", str)

BatchState = Literal["accepted", "refused", "unreadable"]
Act = Literal["label", "skip", "cant_tell", "flag", "propose", "withdraw", "adjudicate"]
Purpose = Literal["query", "random", "evaluation", "gold"]
Role = Literal["annotator", "adjudicator", "lead"]
Decision = Literal["promote", "keep", "roll_back"]
Outcome = Literal["pass", "fail", "undecided"]

DISAGREEMENT: Final = "disagreement"
"""The strategy of assignments that are drawn where champion and challenger differ."""

Payload = dict[str, Any]
"""A sample's own values by column name, JSON types only."""
