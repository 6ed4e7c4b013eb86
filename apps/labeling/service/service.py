"""The service: every project that is served, and who may come in."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from starlette.requests import Request

from tiltyard.apps.labeling.auth.csrf import Csrf, NonceCookies
from tiltyard.apps.labeling.auth.oidc import OpenIdLogin
from tiltyard.apps.labeling.auth.rate_limits import RateLimit
from tiltyard.apps.labeling.auth.sessions import Sessions
from tiltyard.apps.labeling.auth.tokens import looks_like_token, token_hash
from tiltyard.apps.labeling.service.ended_sessions import EndedSessions
from tiltyard.apps.labeling.service.permissions import CurrentAccesses
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.apps.labeling.service.request_slots import RequestSlots
from tiltyard.schemas.errors import ProjectFileError
from tiltyard.schemas.project.labeling import LabelingSettings
from tiltyard.schemas.records import Access

LOGIN_SECONDS: Final = 3600
"""How long a log-in page may stay open: its cookie keeps other sites from logging a browser in as somebody else."""


AT_ONCE_OF_ONE: Final = 32
AT_ONCE: Final = 512
IMPORTS_AT_ONCE: Final = 4
"""Requests that are worked on at the same time: of one annotator, of all, and those that bring a file of labels."""


class LabelingService:
    """What all routes share."""

    def __init__(
        self, projects: Sequence[Path], settings: LabelingSettings, secret: str, clock: Callable[[], datetime]
    ) -> None:
        """Open every project; ProjectFileError when one is missing, broken, or shares another's name or ledger."""
        self.settings = settings
        self.clock = clock
        self.sessions = Sessions(secret, settings.session_hours)
        self.csrf = Csrf(secret)
        self.login_nonces = NonceCookies(secret, "log-in", "tiltyard_login", LOGIN_SECONDS)
        self.proxy_nonces = NonceCookies(secret, "proxy", "tiltyard_page", round(settings.session_hours * 3600))
        self.logins = RateLimit(settings.login_rate)
        self.requests = RateLimit(settings.request_rate)
        self.at_once = RequestSlots(AT_ONCE_OF_ONE, AT_ONCE)
        self.imports = RequestSlots(1, IMPORTS_AT_ONCE)
        self.openid = OpenIdLogin(settings, secret) if settings.oidc_issuer else None
        self.projects = _by_name([ServedProject(path, clock, seals=settings.seals) for path in projects])
        self.ended = EndedSessions(self.projects, settings.session_hours, clock)

    def warm(self) -> None:
        """Do now what the first answer would have to wait for."""
        for served in self.projects.values():
            served.warm()

    def close(self) -> None:
        """Store what waits and give everything back."""
        for served in self.projects.values():
            served.close()

    def of_token(self, token: str, *, asks: bool = True) -> dict[str, Access]:
        """The standing access that a token gives in each project; none for what cannot be a token.

        Unless one ``asks`` the ledgers, what stood a second ago is what counts: whoever guesses costs them nothing.
        """
        if not looks_like_token(token):
            return {}
        hashed = token_hash(token)
        projects = self.projects.items()
        return _standing((name, one.admission.by_token_hash(hashed, asks=asks)) for name, one in projects)

    def of_name(self, annotator: str) -> dict[str, Access]:
        """The standing access of an annotator in each project, by the name that somebody trusted vouches for."""
        return _standing((name, one.admission.by_name(annotator)) for name, one in self.projects.items())

    def of_session(self, accesses: Mapping[str, str]) -> dict[str, Access]:
        """Those of a session's accesses that still stand, by project."""
        own = ((name, self.projects[name]) for name in accesses if name in self.projects)
        return _standing((name, one.admission.by_id(accesses[name])) for name, one in own)

    def remembered(self, find: Callable[[str, CurrentAccesses], Access | None]) -> dict[str, Access]:
        """What is found in each project without asking a ledger; nothing means that one has to be asked."""
        known = {name: one.admission.remembered() for name, one in self.projects.items()}
        if None in known.values():
            return {}
        return _standing((name, find(name, standing)) for name, standing in known.items() if standing)


def _standing(found: Iterable[tuple[str, Access | None]]) -> dict[str, Access]:
    """The accesses that are there, by project."""
    return {name: access for name, access in found if access is not None}


def service_of(request: Request) -> LabelingService:
    """The service that a request came to."""
    service: LabelingService = request.app.state.service
    return service


def _by_name(served: list[ServedProject]) -> dict[str, ServedProject]:
    """Projects by name, each with a ledger of its own."""
    projects: dict[str, ServedProject] = {}
    for one in served:
        if one.project.name in projects:
            raise ProjectFileError(f"two projects are called {one.project.name!r}; a server tells them apart by name")
        projects[one.project.name] = one
    _refuse_shared_stores(served)
    return projects


def _refuse_shared_stores(served: list[ServedProject]) -> None:
    """Refuse settings that put several projects into one place."""
    settings = served[0].workspace.settings if len(served) > 1 else None
    if settings is None:
        return
    if settings.workspace is not None and "{project}" not in str(settings.workspace):
        raise ProjectFileError("TILTYARD_WORKSPACE: several projects need a folder each; put {project} into it")
    url = settings.ledger_url or ""
    if url.startswith("sqlite") and "{project}" not in url:
        raise ProjectFileError("TILTYARD_LEDGER_URL: several projects need a ledger each; put {project} into it")
