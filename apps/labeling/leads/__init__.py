"""Leads: figures of annotators, samples with their history, adjudication and gold samples.

Belongs here: what leads and adjudicators see and decide. Does not belong here: HTTP and HTML (routes, rendering).
"""

from tiltyard.apps.labeling.leads.adjudication import adjudicate
from tiltyard.apps.labeling.leads.annotators import agreement, annotators, confusion
from tiltyard.apps.labeling.leads.gold import mark_gold, retire_gold
from tiltyard.apps.labeling.leads.samples import sample_detail

__all__ = ["adjudicate", "agreement", "annotators", "confusion", "mark_gold", "retire_gold", "sample_detail"]
