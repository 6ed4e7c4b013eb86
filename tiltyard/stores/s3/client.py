"""How AWS, or a server that speaks like it, is reached; and its errors in words that a user can act upon.

Endpoint, region, credentials and profile are boto3's own settings (``AWS_ENDPOINT_URL``, ``AWS_REGION`` and so on),
so that settings of the AWS command line work here too.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from tiltyard.schemas.errors import NotFound, ObjectError, SettingsError, TiltyardError, Unavailable

CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 60.0
ATTEMPTS: Final = 5
CONNECTIONS: Final = 16

PASSING: Final = (
    BotoConnectionError,
    HTTPClientError,
    IncompleteReadError,
    FlexibleChecksumError,
    CredentialRetrievalError,
)
"""What boto3 raises when a connection breaks, stalls or brings other bytes than were sent."""

ABSENT: Final = {"404", "NoSuchKey", "NoSuchVersion", "NotFound", "405", "MethodNotAllowed"}
"""Not there; a version that marks a deletion answers 405."""

BUSY: Final = {
    "429",
    "ConditionalRequestConflict",
    "OperationAborted",
    "RequestLimitExceeded",
    "RequestTimeout",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
"""Codes below 500 that pass by themselves."""

REMEDIES: Final = {
    "NoSuchBucket": "there is no such bucket; create it or correct the name",
    "AWS.SimpleQueueService.NonExistentQueue": "there is no such queue; create it or correct its URL",
    "QueueDoesNotExist": "there is no such queue; create it or correct its URL",
    "InvalidAccessKeyId": "the access key is not known there; check AWS_ACCESS_KEY_ID or AWS_PROFILE",
    "SignatureDoesNotMatch": "the secret key does not fit the access key; check AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "the credentials have expired; get new ones",
    "ExpiredTokenException": "the credentials have expired; get new ones",
    "RequestTimeTooSkewed": "this machine's clock is wrong by more than 15 minutes; set it",
    "PermanentRedirect": "the bucket is in another region; set AWS_REGION, or add ?region= to its URL",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set AWS_REGION, or add ?region= to its URL",
}


def client(service: str, endpoint: str | None = None, region: str | None = None, seconds: float = READ_SECONDS) -> Any:
    """A boto3 client, made once for each process, since connections do not survive a fork.

    It tries each request five times (or ``AWS_MAX_ATTEMPTS`` times) with growing random pauses, and gives a
    read up when no byte came for ``seconds``. Raises SettingsError when the environment is not enough to make one.
    """
    with translate_errors(f"the settings for {service}"):
        said = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
        return _client((os.getpid(), said), service, endpoint, region, seconds)


@lru_cache(maxsize=64)
def _client(_where: object, service: str, endpoint: str | None, region: str | None, seconds: float) -> Any:
    """A client for this process and environment, of a session of its own: threads may share clients, not sessions."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": _attempts()},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=seconds,
        max_pool_connections=CONNECTIONS,
    )
    # boto3 itself reads AWS_DEFAULT_REGION alone; everything else of AWS reads AWS_REGION.
    where = region or os.environ.get("AWS_REGION")
    return boto3.session.Session().client(service, endpoint_url=endpoint, region_name=where, config=config)


def _attempts() -> int:
    """How often a request is sent before it is given up."""
    said = os.environ.get("AWS_MAX_ATTEMPTS") or str(ATTEMPTS)
    if not said.isdigit() or int(said) < 1:
        raise SettingsError(f"AWS_MAX_ATTEMPTS is {said!r}; set it to a whole number above 0, or unset it")
    return int(said)


@contextmanager
def translate_errors(where: str) -> Iterator[None]:
    """Tell what goes wrong in the block in our words; ``where`` is the object, bucket or queue that it is about.

    Raises NotFound for what is not there, ObjectError for what is archived, Unavailable for what may work in a minute,
    SettingsError for everything else: someone must correct it.
    """
    try:
        yield
    except ClientError as error:
        raise _refusal(error, where) from error
    except PASSING as error:
        raise Unavailable(f"{where}: no whole answer ({_short(error)}); try again when it is reached") from error
    except BotoCoreError as error:
        raise SettingsError(f"{where}: {_short(error)}; check the AWS_ variables, or the profile they name") from error


def error_code(error: ClientError) -> str:
    """The code of a refusal, ``NoSuchKey`` or ``SlowDown`` or, where the answer has no body, ``404``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _refusal(error: ClientError, where: str) -> TiltyardError:
    """A refusal in our words."""
    code, status = error_code(error), _status(error)
    if code in BUSY or status >= 500:
        return Unavailable(f"{where}: the server is busy ({code}); try again in a minute")
    if code in REMEDIES:
        return SettingsError(f"{where}: {REMEDIES[code]}")
    if code in ABSENT:
        return NotFound(f"{where} is not there")
    if code == "InvalidObjectState":
        return ObjectError(f"{where} is archived and cannot be read; restore it in its bucket first")
    if status in {401, 403}:
        action = error.operation_name
        return SettingsError(f"{where}: not allowed ({action}, {code}); give these credentials the right to do it")
    return SettingsError(f"{where}: refused ({_short(error)}); check the place, and what its server offers")


def _status(error: ClientError) -> int:
    """The HTTP status of a refusal."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _short(error: Exception) -> str:
    """An exception's first line, cut."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
