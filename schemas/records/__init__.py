"""The records that stores keep and flows hand on: frozen, plain, written once.

Ids are text. Content is named by its hash (SHA-256, shortened where people type it), so that a repeated step finds
its own record instead of adding a second one.
"""

from tiltyard.schemas.records.annotations import Annotation, EffectiveLabel, LabeledSet, NewAnnotation, Vote
from tiltyard.schemas.records.annotators import Access, GoldSample
from tiltyard.schemas.records.assignments import Assignment, Factor, Query, Suggestion
from tiltyard.schemas.records.batches import Batch, Conservation, LandedObject, ProjectVersion, Reason, StoredFile
from tiltyard.schemas.records.ids import (
    DISAGREEMENT,
    AccessId,
    Act,
    AnnotationId,
    AssignmentId,
    BatchId,
    BatchState,
    Decision,
    EvaluationId,
    ModelId,
    ObjectId,
    Outcome,
    Payload,
    Purpose,
    QueryId,
    Role,
    SampleId,
    TrainingId,
    VerdictId,
)
from tiltyard.schemas.records.models import Model
from tiltyard.schemas.records.verdicts import Approval, Check, Due, Interval, Promotion, Verdict

__all__ = [
    "DISAGREEMENT",
    "Access",
    "AccessId",
    "Act",
    "Annotation",
    "AnnotationId",
    "Approval",
    "Assignment",
    "AssignmentId",
    "Batch",
    "BatchId",
    "BatchState",
    "Check",
    "Conservation",
    "Decision",
    "Due",
    "EffectiveLabel",
    "EvaluationId",
    "Factor",
    "GoldSample",
    "Interval",
    "LabeledSet",
    "LandedObject",
    "Model",
    "ModelId",
    "NewAnnotation",
    "ObjectId",
    "Outcome",
    "Payload",
    "ProjectVersion",
    "Promotion",
    "Purpose",
    "Query",
    "QueryId",
    "Reason",
    "Role",
    "SampleId",
    "StoredFile",
    "Suggestion",
    "TrainingId",
    "Verdict",
    "VerdictId",
    "Vote",
]
