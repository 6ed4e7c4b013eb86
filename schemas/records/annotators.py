"""Who may annotate, and the samples that measure how well they do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tiltyard.schemas.records.ids import AccessId, Payload, Role, SampleId


@dataclass(frozen=True, slots=True)
class Access:
    """The right of an annotator in a project, granted or revoked; the latest record holds.

    ``token_hash`` is the SHA-256 of a token that was shown once and is kept nowhere; none where an identity
    provider answers for the person.
    """

    access_id: AccessId
    annotator: str
    role: Role
    act: Literal["grant", "revoke"]
    token_hash: str | None
    decided_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class GoldSample:
    """A sample whose answer is known, asked now and then to see how annotators do; or that it is so no longer."""

    gold_id: str
    sample_id: SampleId
    payload: Payload
    label: str
    act: Literal["add", "retire"]
    decided_by: str
    recorded_at: datetime
