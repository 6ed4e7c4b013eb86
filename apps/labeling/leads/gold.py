"""Gilding: a sample's answer is known from now on, or is so no longer."""

from typing import Literal
from uuid import uuid4

from tiltyard.apps.labeling.api.errors import ApiError
from tiltyard.apps.labeling.api.requests import AdjudicationRequest
from tiltyard.apps.labeling.leads.adjudication import adjudicate
from tiltyard.apps.labeling.leads.samples import sample_detail
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.schemas.errors import NotFound, nearest
from tiltyard.schemas.records import GoldSample, SampleId


def mark_gold(served: ServedProject, lead: str, sample_id: str, label: str) -> tuple[GoldSample, bool]:
    """The gold sample as the ledger keeps it, and whether it is new; run by the writer.

    It is a ruling as well, stored first: what annotators are measured by is the sample's label.
    """
    label = served.project.class_of(label) or label
    if label not in served.project.class_names:
        raise ApiError(422, f"{label!r} is not a class; {nearest(label, served.project.class_names)}", "label")
    known = _current(served, sample_id)
    if known is not None and known.label == label:
        return known, False
    gold = _said(served, lead, sample_id, label, "add")
    ruling = AdjudicationRequest(
        client_key=f"gold-{gold.gold_id}",
        sample_id=gold.sample_id,
        label=label,
        note="gold sample",
        said_at=gold.recorded_at,
    )
    adjudicate(served, lead, ruling, gold.payload)
    return served.ledger.gold.record(gold), True


def retire_gold(served: ServedProject, lead: str, sample_id: str) -> GoldSample:
    """The record that a sample is gold no longer; its ruling stays. NotFound when it was not; run by the writer."""
    known = _current(served, sample_id)
    if known is None:
        raise NotFound(f"sample {sample_id} is not gold")
    return served.ledger.gold.record(_said(served, lead, sample_id, known.label, "retire"))


def _current(served: ServedProject, sample_id: str) -> GoldSample | None:
    """A sample's gold record as it stands."""
    return next((one for one in served.ledger.gold.current() if one.sample_id == sample_id), None)


def _said(served: ServedProject, lead: str, sample_id: str, label: str, act: Literal["add", "retire"]) -> GoldSample:
    """What a lead says of a sample; NotFound when nobody was ever asked about it."""
    return GoldSample(
        gold_id=uuid4().hex,
        sample_id=SampleId(sample_id),
        payload=sample_detail(served, sample_id).payload,
        label=label,
        act=act,
        decided_by=lead,
        recorded_at=served.now(),
    )
