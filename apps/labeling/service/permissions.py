"""Admitting: who has access to a project now, read from the ledger once a second for everybody together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tiltyard.apps.labeling.service.ttl_cache import TtlCache
from tiltyard.schemas.records import Access
from tiltyard.stores.ledger.accesses import Accesses

SECONDS: Final = 1.0
"""How long a revoked access may still be believed."""


@dataclass(frozen=True, slots=True)
class CurrentAccesses:
    """The standing accesses of a project, by what is known of a caller."""

    by_id: dict[str, Access]
    by_token_hash: dict[str, Access]
    by_name: dict[str, Access]


class AccessCache:
    """Says which access stands; what was granted a moment ago counts at once, what was revoked within a second."""

    def __init__(self, ledger: Accesses) -> None:
        """Read one project's accesses."""
        self._ledger = ledger
        self._standing: TtlCache[CurrentAccesses] = TtlCache(SECONDS)

    def by_id(self, access_id: str) -> Access | None:
        """The access of that id, if it stands."""
        return self._current().by_id.get(access_id) or self._ledger.by_id(access_id)

    def by_token_hash(self, token_hash: str, *, asks: bool = True) -> Access | None:
        """The access whose token has that hash, if it stands; unless one ``asks`` the ledger, if it stood lately."""
        known = self._current().by_token_hash.get(token_hash)
        return known or (self._ledger.by_token_hash(token_hash) if asks else None)

    def by_name(self, annotator: str) -> Access | None:
        """The standing access of an annotator."""
        return self._current().by_name.get(annotator) or self._ledger.of(annotator)

    def remembered(self) -> CurrentAccesses | None:
        """What was read within the last second, without asking the ledger."""
        known = self._standing.known("")
        return known[0] if known else None

    def _current(self) -> CurrentAccesses:
        """What stands now, or stood a second ago."""
        return self._standing.get("", lambda: _standing(self._ledger.current()))


def _standing(accesses: Iterable[Access]) -> CurrentAccesses:
    """Accesses by what is known of a caller."""
    found = list(accesses)
    return CurrentAccesses(
        by_id={one.access_id: one for one in found},
        by_token_hash={one.token_hash: one for one in found if one.token_hash},
        by_name={one.annotator: one for one in found},
    )
