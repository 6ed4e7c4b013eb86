"""The result of one health check, as ``tiltyard doctor`` shows it."""

from dataclasses import dataclass
from typing import Literal

from tiltyard.schemas.redaction import redacted


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: its state, the facts (``said``), and what to do about it."""

    name: str
    state: Literal["ok", "warn", "fail"]
    said: str
    remedy: str = ""

    def __post_init__(self) -> None:
        """Redact secrets: addresses of stores and servers are shown here."""
        object.__setattr__(self, "said", redacted(self.said))
