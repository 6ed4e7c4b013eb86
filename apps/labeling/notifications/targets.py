"""Targets of notices, from the server's settings only, never from a request: webhooks and a Prefect server."""

import asyncio
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import httpx
from standardwebhooks import Webhook

from tiltyard.schemas.canonical import canonical_json, sha256_of
from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.labeling_settings import LabelingSettings
from tiltyard.stores.ledger.outbox import Notice
from tiltyard.tasks.prefect_events import emit_prefect_event

SECONDS: Final = 10.0
"""For one delivery in total: a response that arrives a byte at a time is not a response."""

PREFIX: Final = "whsec_"
MIN_BYTES: Final = 24


class Target(Protocol):
    """A receiver of notices."""

    @property
    def name(self) -> str:
        """A permanent name, unique among targets."""

    def send(self, notice: Notice, now: datetime) -> None:
        """Deliver a notice; raises any error."""


class WebhookTarget:
    """A URL that gets notices by POST, signed as www.standardwebhooks.com specifies."""

    def __init__(self, url: str, secret: str, seconds: float = SECONDS) -> None:
        """Notify a URL, signing with a ``whsec_...`` secret; TiltyardError if the secret is invalid."""
        self._webhook = Webhook(_key_of(secret))
        self._url, self._seconds = url, seconds

    @property
    def name(self) -> str:
        """The first digits of the URL's hash."""
        return sha256_of(self._url)[:16]

    def send(self, notice: Notice, now: datetime) -> None:
        """Deliver; any status but 2xx is a failure, redirects too: they could lead to an unconfigured address."""
        content = canonical_json(notice.body)
        headers = {
            "content-type": "application/json",
            "webhook-id": notice.notice_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(notice.notice_id, now, content),
        }
        status = _posted(self._url, content, headers, self._seconds)
        if not 200 <= status < 300:
            raise TiltyardError(f"the webhook returned status {status}")


class PrefectEvents:
    """The Prefect server at ``PREFECT_API_URL``."""

    name = "prefect"

    def send(self, notice: Notice, now: datetime) -> None:
        """Emit the event; Prefect's client sends it in the background, so that delivered means handed over."""
        emit_prefect_event(notice.event, dict(notice.body["data"]), now)


def _posted(url: str, content: str, headers: Mapping[str, str], seconds: float) -> int:
    """The status that a URL returns; TiltyardError if the delivery takes longer than ``seconds`` in total.

    It has its own event loop, because only there one time limit covers the name lookup, the connection and a slow
    response. The loop does not wait for cancelled steps.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(asyncio.wait_for(_status(url, content, headers), seconds))
    except TimeoutError as error:
        raise TiltyardError(f"the webhook did not respond within {seconds:g} seconds") from error
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _status(url: str, content: str, headers: Mapping[str, str]) -> int:
    """The status of a response; its body is not read."""
    # Proxies of the environment are not used: the operator chose this address.
    client = httpx.AsyncClient(timeout=None, follow_redirects=False, trust_env=False)  # noqa: S113 # the caller's time limit
    async with client, client.stream("POST", url, content=content, headers=dict(headers)) as response:
        return response.status_code


def _key_of(secret: str) -> bytes:
    """The bytes of a ``whsec_...`` secret; the standard requires 24 or more."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except ValueError:
        key = b""
    if len(key) < MIN_BYTES:
        raise TiltyardError(
            f"TILTYARD_LABEL_WEBHOOK_SECRET must be {PREFIX} and the base64 of {MIN_BYTES} or more random bytes; "
            "create the bytes with 'openssl rand -base64 32'"
        )
    return key


def configured_targets(settings: LabelingSettings) -> Sequence[Target]:
    """The targets of the settings; TiltyardError if webhook URLs are set without a secret."""
    if settings.webhook_urls and settings.webhook_secret is None:
        raise TiltyardError("TILTYARD_LABEL_WEBHOOK_URLS needs TILTYARD_LABEL_WEBHOOK_SECRET to sign notices")
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
    targets: list[Any] = [WebhookTarget(url, secret) for url in settings.webhook_urls]
    return [*targets, PrefectEvents()] if settings.prefect_events else targets
