"""Gold samples: samples with a known class, which measure annotators."""

from typing import Literal
from uuid import uuid4

from tiltyard.apps.labeling.api import ApiError
from tiltyard.apps.labeling.api.requests import AdjudicationRequest
from tiltyard.apps.labeling.leads.adjudication import adjudicate
from tiltyard.apps.labeling.leads.samples import sample_detail
from tiltyard.apps.labeling.service import ServedProject
from tiltyard.schemas.errors import NotFound, nearest
from tiltyard.schemas.records import GoldSample, SampleId


def mark_gold(served: ServedProject, lead: str, sample_id: str, label: str) -> tuple[GoldSample, bool]:
    """Mark a sample as gold; returns the record and whether it is new. Call it in the writer.

    An adjudication is stored first: annotators are measured by the label of the sample.
    """
    label = served.project.class_of(label) or label
    if label not in served.project.class_names:
        raise ApiError(422, f"{label!r} is not a class; {nearest(label, served.project.class_names)}", "label")
    current = _current(served, sample_id)
    if current is not None and current.label == label:
        return current, False
    gold = _gold_record(served, lead, sample_id, label, "add")
    decision = AdjudicationRequest(
        client_key=f"gold-{gold.gold_id}",
        sample_id=gold.sample_id,
        label=label,
        note="gold sample",
        said_at=gold.recorded_at,
    )
    adjudicate(served, lead, decision, gold.payload)
    return served.ledger.gold.record(gold), True


def retire_gold(served: ServedProject, lead: str, sample_id: str) -> GoldSample:
    """Remove the gold mark of a sample; its adjudication stays. NotFound if it was not gold. Call it in the writer."""
    current = _current(served, sample_id)
    if current is None:
        raise NotFound(f"sample {sample_id} is not a gold sample")
    return served.ledger.gold.record(_gold_record(served, lead, sample_id, current.label, "retire"))


def _current(served: ServedProject, sample_id: str) -> GoldSample | None:
    """The current gold record of a sample."""
    return next((one for one in served.ledger.gold.current() if one.sample_id == sample_id), None)


def _gold_record(
    served: ServedProject, lead: str, sample_id: str, label: str, act: Literal["add", "retire"]
) -> GoldSample:
    """A new gold record; NotFound if the sample has neither an assignment nor an annotation."""
    return GoldSample(
        gold_id=uuid4().hex,
        sample_id=SampleId(sample_id),
        payload=sample_detail(served, sample_id).payload,
        label=label,
        act=act,
        decided_by=lead,
        recorded_at=served.now(),
    )
