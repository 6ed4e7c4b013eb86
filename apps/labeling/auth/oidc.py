"""Logging in through an OpenID provider: the code flow with PKCE, and who the provider says somebody is."""

import logging
import warnings
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from tiltyard.apps.labeling.auth.sessions import set_cookie
from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.project.labeling import LabelingSettings

LOG: Final = logging.getLogger("tiltyard.labeling")
COOKIE: Final = "tiltyard_oidc"
SECONDS: Final = 600
WELL_KNOWN: Final = "/.well-known/openid-configuration"
LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}


class LoginFailed(Exception):
    """The provider did not say who this is; the message is for the one who tried."""


class OpenIdLogin:
    """The provider that the settings name."""

    def __init__(self, settings: LabelingSettings, secret: str) -> None:
        """Get ready; TiltyardError when settings or the extra are missing. Nothing is fetched yet."""
        if settings.oidc_client_id is None or settings.oidc_client_secret is None:
            raise TiltyardError("TILTYARD_LABEL_OIDC_ISSUER needs TILTYARD_LABEL_OIDC_CLIENT_ID and ..._CLIENT_SECRET")
        self._issuer = str(settings.oidc_issuer)
        if urlsplit(self._issuer).scheme != "https" and urlsplit(self._issuer).hostname not in LOOPBACK:
            raise TiltyardError(f"TILTYARD_LABEL_OIDC_ISSUER: {self._issuer!r} must be https, or this machine")
        self._client_id, self._claim = settings.oidc_client_id, settings.oidc_claim
        self._serializer = URLSafeTimedSerializer(secret, salt="tiltyard oidc")
        self._provider = _provider(self._issuer, self._client_id, settings.oidc_client_secret.get_secret_value())

    async def begin(self, request: Request, onward: str) -> Response:
        """Send a browser to the provider; what is to be checked when it returns goes with it, signed."""
        request.scope["session"] = {}
        callback = str(request.url_for("oidc_callback"))
        try:
            response: Response = await self._provider.authorize_redirect(request, callback)
        except Exception as error:  # whatever a network or a provider can do
            raise _not_vouched_for(error) from error
        told = {"session": request.scope["session"], "onward": onward}
        set_cookie(request, response, COOKIE, str(self._serializer.dumps(told)), seconds=SECONDS)
        return response

    async def end(self, request: Request) -> tuple[str, str]:
        """Who came back, and where they wanted to go; NotVouchedFor when that cannot be said."""
        told = self._told(request)
        request.scope["session"] = told["session"]
        try:
            token = await self._provider.authorize_access_token(request, claims_options=self._wanted())
        except Exception as error:  # whatever a network, a provider or a forger can do
            raise _not_vouched_for(error) from error
        return annotator_from_claims(token.get("userinfo") or {}, self._claim), str(told["onward"])

    def _told(self, request: Request) -> dict[str, Any]:
        """What was signed when the browser left."""
        try:
            told: dict[str, Any] = self._serializer.loads(request.cookies.get(COOKIE, ""), max_age=SECONDS)
        except BadSignature as error:
            raise LoginFailed("The log-in took too long, or began in another browser; try once more.") from error
        return told

    def _wanted(self) -> dict[str, Any]:
        """What an identity token must say to be for us, from the provider, and now."""
        issuers = [self._issuer, self._issuer.rstrip("/"), f"{self._issuer.rstrip('/')}/"]
        return {
            "iss": {"essential": True, "values": issuers},
            "aud": {"essential": True, "value": self._client_id},
            "exp": {"essential": True},
        }


def annotator_from_claims(claims: Mapping[str, Any], claim: str) -> str:
    """The annotator whom an identity token names; an email counts only if the provider has verified it.

    >>> annotator_from_claims({"email": "ada@example.test", "email_verified": True}, "email")
    'ada@example.test'
    """
    name = claims.get(claim)
    if not isinstance(name, str) or not name.strip() or not name.strip().isprintable():
        raise LoginFailed(f"Your provider does not tell us your {claim!r}.")
    if claim == "email" and claims.get("email_verified") is not True:
        raise LoginFailed("Your provider has not verified your email address.")
    return name.strip()


def _provider(issuer: str, client_id: str, client_secret: str) -> Any:
    """The provider as authlib talks to it."""
    try:
        # authlib warns, whatever the filters say, that it would rather have a successor of httpx: no operator's affair.
        with warnings.catch_warnings(record=True):
            from authlib.integrations.starlette_client import OAuth
    except ImportError as error:
        raise TiltyardError("logging in through a provider needs the extra: pip install 'tiltyard[oidc]'") from error
    return OAuth().register(
        name="provider",
        server_metadata_url=issuer.rstrip("/") + WELL_KNOWN,
        client_id=client_id,
        client_secret=client_secret,
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "timeout": 10},
    )


def _not_vouched_for(error: Exception) -> LoginFailed:
    """What the one who tried is told; the reason is for the log."""
    LOG.warning("a log-in through the provider failed: %s: %s", type(error).__name__, error)
    return LoginFailed("Your provider did not confirm who you are; try once more, or ask the lead.")
