"""Targets: where notices go; from the server's settings alone, never from the web."""

import asyncio
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import httpx
from standardwebhooks import Webhook

from tiltyard.schemas.canonical import canonical_json, sha256_of
from tiltyard.schemas.errors import TiltyardError
from tiltyard.schemas.project.labeling import LabelingSettings
from tiltyard.stores.ledger.outbox import Notice

SECONDS: Final = 10.0
"""For one delivery altogether: an answer that comes a byte at a time is no answer."""

PREFIX: Final = "whsec_"
LEAST_BYTES: Final = 24


class Target(Protocol):
    """Somebody who is told."""

    @property
    def name(self) -> str:
        """What tells the target from others, for ever."""

    def send(self, notice: Notice, now: datetime) -> None:
        """Deliver a notice; whatever goes wrong is raised."""


class WebhookTarget:
    """An address that is told by POST, signed as www.standardwebhooks.com has it."""

    def __init__(self, url: str, secret: str, seconds: float = SECONDS) -> None:
        """Tell an address, signing with a ``whsec_...`` secret; TiltyardError when it is none."""
        self._webhook = Webhook(_key_of(secret))
        self._url, self._seconds = url, seconds

    @property
    def name(self) -> str:
        """The beginning of the address's hash."""
        return sha256_of(self._url)[:16]

    def send(self, notice: Notice, now: datetime) -> None:
        """Deliver; anything but a 2xx is a failure, a redirect too: who answers for an address must be asked first."""
        content = canonical_json(notice.body)
        headers = {
            "content-type": "application/json",
            "webhook-id": notice.notice_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(notice.notice_id, now, content),
        }
        status = _posted(self._url, content, headers, self._seconds)
        if not 200 <= status < 300:
            raise TiltyardError(f"the receiver answered {status}")


class PrefectEvents:
    """The Prefect server that ``PREFECT_API_URL`` names."""

    name = "prefect"

    def send(self, notice: Notice, now: datetime) -> None:
        """Emit the event; Prefect's client sends it by itself, so that delivered means handed over."""
        emit_prefect_event(notice.event, dict(notice.body["data"]), now)


def emit_prefect_event(event: str, facts: dict[str, Any], now: datetime) -> None:
    """Emit an event about the project that the facts name; they are JSON values, for programs."""
    # Prefect's import takes seconds, and most servers have no use for it.
    from prefect.events import emit_event

    project = str(facts["project"])
    resource = {"prefect.resource.id": f"tiltyard.project.{project}", "prefect.resource.name": project}
    emit_event(event, resource, occurred=now, payload=facts)


def _posted(url: str, content: str, headers: Mapping[str, str], seconds: float) -> int:
    """The status that an address answers; TiltyardError when it takes longer than so many seconds altogether.

    On a loop of its own, because only there everything has one end: names that are looked up, connections, and
    answers that drip. The loop does not wait for what was cut off.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(asyncio.wait_for(_status(url, content, headers), seconds))
    except TimeoutError as error:
        raise TiltyardError(f"the receiver did not answer within {seconds:g} seconds") from error
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _status(url: str, content: str, headers: Mapping[str, str]) -> int:
    """The status of an answer, whose body nobody reads."""
    # The environment's proxies are for other things: this address was chosen by the operator.
    client = httpx.AsyncClient(timeout=None, follow_redirects=False, trust_env=False)  # noqa: S113 # the caller's end
    async with client, client.stream("POST", url, content=content, headers=dict(headers)) as answer:
        return answer.status_code


def _key_of(secret: str) -> bytes:
    """The bytes of a ``whsec_...`` secret; the standard wants 24 or more."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except ValueError:
        key = b""
    if len(key) < LEAST_BYTES:
        want = f"{PREFIX} and the base64 of {LEAST_BYTES} random bytes or more"
        raise TiltyardError(f"TILTYARD_LABEL_WEBHOOK_SECRET: want {want}, such as 'openssl rand -base64 32' gives")
    return key


def configured_targets(settings: LabelingSettings) -> Sequence[Target]:
    """Everybody who is to be told; TiltyardError when addresses are set without a secret to sign with."""
    if settings.webhook_urls and settings.webhook_secret is None:
        raise TiltyardError("TILTYARD_LABEL_WEBHOOK_URLS needs TILTYARD_LABEL_WEBHOOK_SECRET: receivers must know us")
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
    targets: list[Any] = [WebhookTarget(url, secret) for url in settings.webhook_urls]
    return [*targets, PrefectEvents()] if settings.prefect_events else targets
