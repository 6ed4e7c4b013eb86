"""The labeling service: all served projects, and the accesses of tokens, sessions and names in them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from starlette.requests import Request

from tiltyard.apps.labeling.auth import Csrf, token_hash
from tiltyard.apps.labeling.auth.csrf import NonceCookies
from tiltyard.apps.labeling.auth.oidc import OpenIdLogin
from tiltyard.apps.labeling.auth.rate_limits import RateLimit
from tiltyard.apps.labeling.auth.sessions import Sessions
from tiltyard.apps.labeling.auth.tokens import looks_like_token
from tiltyard.apps.labeling.service.ended_sessions import EndedSessions
from tiltyard.apps.labeling.service.permissions import CurrentAccesses
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.apps.labeling.service.request_slots import RequestSlots
from tiltyard.schemas.errors import ProjectFileError
from tiltyard.schemas.labeling_settings import LabelingSettings
from tiltyard.schemas.records import Access

LOGIN_SECONDS: Final = 3600
"""How long a login page stays valid: its cookie keeps other sites from logging a browser in as somebody else."""

CONCURRENT_PER_ANNOTATOR: Final = 32
CONCURRENT: Final = 512
CONCURRENT_IMPORTS: Final = 4
"""Concurrent requests: of one annotator, of imports, and in total."""


class LabelingService:
    """The state that all routes share."""

    def __init__(
        self, projects: Sequence[Path], settings: LabelingSettings, secret: str, clock: Callable[[], datetime]
    ) -> None:
        """Open all projects; ProjectFileError if one is missing or invalid, or two share a name or a ledger."""
        self.settings = settings
        self.clock = clock
        self.sessions = Sessions(secret, settings.session_hours)
        self.csrf = Csrf(secret)
        self.login_nonces = NonceCookies(secret, "log-in", "tiltyard_login", LOGIN_SECONDS)
        self.proxy_nonces = NonceCookies(secret, "proxy", "tiltyard_page", round(settings.session_hours * 3600))
        self.logins = RateLimit(settings.login_rate)
        self.requests = RateLimit(settings.request_rate)
        self.at_once = RequestSlots(CONCURRENT_PER_ANNOTATOR, CONCURRENT)
        self.imports = RequestSlots(1, CONCURRENT_IMPORTS)
        self.openid = OpenIdLogin(settings, secret) if settings.oidc_issuer else None
        self.projects = _by_name([ServedProject(path, clock, seals=settings.seals) for path in projects])
        self.ended = EndedSessions(self.projects, settings.session_hours, clock)

    def warm(self) -> None:
        """Do the work that the first request would have to wait for."""
        for served in self.projects.values():
            served.warm()

    def close(self) -> None:
        """Store pending annotations and close all ledgers."""
        for served in self.projects.values():
            served.close()

    def accesses_of_token(self, token: str, *, asks: bool = True) -> dict[str, Access]:
        """The current access of a token in each project; empty for a text that is not a token.

        Without ``asks`` only cached accesses count, so that guessed tokens do not cost a query.
        """
        if not looks_like_token(token):
            return {}
        hashed = token_hash(token)
        projects = self.projects.items()
        return _without_none((name, one.accesses.by_token_hash(hashed, asks=asks)) for name, one in projects)

    def accesses_of_name(self, annotator: str) -> dict[str, Access]:
        """The current access of an annotator in each project; the name comes from a trusted proxy or provider."""
        return _without_none((name, one.accesses.by_name(annotator)) for name, one in self.projects.items())

    def accesses_of_session(self, accesses: Mapping[str, str]) -> dict[str, Access]:
        """The accesses of a session that are still valid, by project."""
        own = ((name, self.projects[name]) for name in accesses if name in self.projects)
        return _without_none((name, one.accesses.by_id(accesses[name])) for name, one in own)

    def cached_accesses(self, find: Callable[[str, CurrentAccesses], Access | None]) -> dict[str, Access]:
        """The cached access in each project; empty means that the ledgers must be queried."""
        cached = {name: one.accesses.cached() for name, one in self.projects.items()}
        if None in cached.values():
            return {}
        return _without_none((name, find(name, accesses)) for name, accesses in cached.items() if accesses)


def _without_none(found: Iterable[tuple[str, Access | None]]) -> dict[str, Access]:
    """The accesses that exist, by project."""
    return {name: access for name, access in found if access is not None}


def service_of(request: Request) -> LabelingService:
    """The service of the application that handles a request."""
    service: LabelingService = request.app.state.service
    return service


def _by_name(served: list[ServedProject]) -> dict[str, ServedProject]:
    """Projects by name; ProjectFileError if two share a name or a ledger."""
    projects: dict[str, ServedProject] = {}
    for one in served:
        if one.project.name in projects:
            raise ProjectFileError(f"two projects have the name {one.project.name!r}; rename one")
        projects[one.project.name] = one
    _refuse_shared_stores(served)
    return projects


def _refuse_shared_stores(served: list[ServedProject]) -> None:
    """Refuse settings that give several projects one workspace or one ledger."""
    settings = served[0].workspace.settings if len(served) > 1 else None
    if settings is None:
        return
    if settings.workspace is not None and "{project}" not in str(settings.workspace):
        raise ProjectFileError(
            "TILTYARD_WORKSPACE must contain {project} if a server has several projects: each needs its own folder"
        )
    url = settings.ledger_url or ""
    if url.startswith("sqlite") and "{project}" not in url:
        raise ProjectFileError(
            "TILTYARD_LEDGER_URL must contain {project} if a server has several projects: each needs its own ledger"
        )
