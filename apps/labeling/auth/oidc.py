"""Login through an OpenID provider: the authorization code flow with PKCE."""

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
from tiltyard.schemas.labeling_settings import LabelingSettings

LOG: Final = logging.getLogger("tiltyard.labeling")
COOKIE: Final = "tiltyard_oidc"
SECONDS: Final = 600
WELL_KNOWN: Final = "/.well-known/openid-configuration"
LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}


class LoginFailed(Exception):
    """The provider did not confirm who the user is; the message is shown to the user."""


class OpenIdLogin:
    """The OpenID provider of the settings."""

    def __init__(self, settings: LabelingSettings, secret: str) -> None:
        """Configure the client; TiltyardError if a setting or the extra is missing. Nothing is fetched yet."""
        if settings.oidc_client_id is None or settings.oidc_client_secret is None:
            raise TiltyardError("TILTYARD_LABEL_OIDC_ISSUER needs TILTYARD_LABEL_OIDC_CLIENT_ID and ..._CLIENT_SECRET")
        self._issuer = str(settings.oidc_issuer)
        if urlsplit(self._issuer).scheme != "https" and urlsplit(self._issuer).hostname not in LOOPBACK:
            raise TiltyardError(
                f"TILTYARD_LABEL_OIDC_ISSUER must use https unless it is on this machine, got {self._issuer!r}"
            )
        self._client_id, self._claim = settings.oidc_client_id, settings.oidc_claim
        self._serializer = URLSafeTimedSerializer(secret, salt="tiltyard oidc")
        self._provider = _provider(self._issuer, self._client_id, settings.oidc_client_secret.get_secret_value())

    async def start(self, request: Request, onward: str) -> Response:
        """Redirect a browser to the provider; the state to check on its return is in a signed cookie."""
        request.scope["session"] = {}
        callback = str(request.url_for("oidc_callback"))
        try:
            response: Response = await self._provider.authorize_redirect(request, callback)
        except Exception as error:  # any error of the network or the provider
            raise _login_failed(error) from error
        state = {"session": request.scope["session"], "onward": onward}
        set_cookie(request, response, COOKIE, str(self._serializer.dumps(state)), seconds=SECONDS)
        return response

    async def finish(self, request: Request) -> tuple[str, str]:
        """The annotator who logged in, and the path to open next; LoginFailed if the login is not confirmed."""
        state = self._state(request)
        request.scope["session"] = state["session"]
        try:
            token = await self._provider.authorize_access_token(request, claims_options=self._required_claims())
        except Exception as error:  # any error of the network or the provider, or a forged response
            raise _login_failed(error) from error
        return annotator_from_claims(token.get("userinfo") or {}, self._claim), str(state["onward"])

    def _state(self, request: Request) -> dict[str, Any]:
        """The state that was signed when the browser left."""
        try:
            state: dict[str, Any] = self._serializer.loads(request.cookies.get(COOKIE, ""), max_age=SECONDS)
        except BadSignature as error:
            raise LoginFailed("The login took too long, or started in another browser. Try again.") from error
        return state

    def _required_claims(self) -> dict[str, Any]:
        """The claims that an identity token must contain: from this provider, for this client, not expired."""
        issuers = [self._issuer, self._issuer.rstrip("/"), f"{self._issuer.rstrip('/')}/"]
        return {
            "iss": {"essential": True, "values": issuers},
            "aud": {"essential": True, "value": self._client_id},
            "exp": {"essential": True},
        }


def annotator_from_claims(claims: Mapping[str, Any], claim: str) -> str:
    """The annotator that an identity token names; an email counts only if the provider has verified it.

    >>> annotator_from_claims({"email": "ada@example.test", "email_verified": True}, "email")
    'ada@example.test'
    """
    name = claims.get(claim)
    if not isinstance(name, str) or not name.strip() or not name.strip().isprintable():
        raise LoginFailed(f"Your provider does not send the claim {claim!r}. Ask the project lead.")
    if claim == "email" and claims.get("email_verified") is not True:
        raise LoginFailed("Your provider has not verified your email address.")
    return name.strip()


def _provider(issuer: str, client_id: str, client_secret: str) -> Any:
    """Authlib's client of the provider."""
    try:
        # Authlib warns, despite all filters, that it prefers a successor of httpx: irrelevant to operators.
        with warnings.catch_warnings(record=True):
            from authlib.integrations.starlette_client import OAuth
    except ImportError as error:
        raise TiltyardError("OpenID login needs an extra: pip install 'tiltyard[oidc]'") from error
    return OAuth().register(
        name="provider",
        server_metadata_url=issuer.rstrip("/") + WELL_KNOWN,
        client_id=client_id,
        client_secret=client_secret,
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "timeout": 10},
    )


def _login_failed(error: Exception) -> LoginFailed:
    """The message for the user; the cause goes to the log."""
    LOG.warning("an OpenID login failed: %s: %s", type(error).__name__, error)
    return LoginFailed("Your provider did not confirm who you are. Try again, or ask the project lead.")
