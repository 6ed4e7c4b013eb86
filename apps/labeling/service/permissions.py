"""The current accesses of a project, read from the ledger at most once a second for all requests together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tiltyard.apps.labeling.service.ttl_cache import TtlCache
from tiltyard.schemas.records import Access
from tiltyard.stores.ledger.accesses import Accesses

SECONDS: Final = 1.0
"""How long a revoked access may still be accepted."""


@dataclass(frozen=True, slots=True)
class CurrentAccesses:
    """The current accesses of a project by access id, token hash and annotator."""

    by_id: dict[str, Access]
    by_token_hash: dict[str, Access]
    by_name: dict[str, Access]


class AccessCache:
    """Looks accesses up: a new grant counts at once, a revocation within a second."""

    def __init__(self, ledger: Accesses) -> None:
        """Read one project's accesses."""
        self._ledger = ledger
        self._accesses: TtlCache[CurrentAccesses] = TtlCache(SECONDS)

    def by_id(self, access_id: str) -> Access | None:
        """The current access with that id."""
        return self._current().by_id.get(access_id) or self._ledger.by_id(access_id)

    def by_token_hash(self, token_hash: str, *, asks: bool = True) -> Access | None:
        """The current access of a token; without ``asks`` the ledger is not queried on a cache miss."""
        cached = self._current().by_token_hash.get(token_hash)
        return cached or (self._ledger.by_token_hash(token_hash) if asks else None)

    def by_name(self, annotator: str) -> Access | None:
        """The current access of an annotator."""
        return self._current().by_name.get(annotator) or self._ledger.of(annotator)

    def cached(self) -> CurrentAccesses | None:
        """The accesses if they were read within the last second, else None; does not query the ledger."""
        found = self._accesses.peek("")
        return found[0] if found else None

    def _current(self) -> CurrentAccesses:
        """The current accesses, at most a second old."""
        return self._accesses.get("", lambda: _index(self._ledger.current()))


def _index(accesses: Iterable[Access]) -> CurrentAccesses:
    """Accesses by id, token hash and annotator."""
    found = list(accesses)
    return CurrentAccesses(
        by_id={one.access_id: one for one in found},
        by_token_hash={one.token_hash: one for one in found if one.token_hash},
        by_name={one.annotator: one for one in found},
    )
