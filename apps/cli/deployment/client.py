"""The client of the Prefect server for commands; its failures become messages that a user can act on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tiltyard.schemas.errors import SettingsError, Unavailable

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient


@contextmanager
def prefect_client() -> Iterator["SyncPrefectClient"]:
    """A client of the server that ``PREFECT_API_URL`` names.

    Raises SettingsError when none is set or the server rejects a request, Unavailable when it cannot be reached.
    """
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if not url:
        raise SettingsError("no Prefect server is set; set PREFECT_API_URL, such as http://127.0.0.1:4200/api")
    try:
        with get_client(sync_client=True) as client:
            yield client
    except PrefectHTTPStatusError as error:
        body = " ".join(error.response.text.split())[:300]
        raise SettingsError(f"the Prefect server at {url} answered {error.response.status_code}: {body}") from error
    except httpx.TransportError as error:
        failure = type(error).__name__
        raise Unavailable(f"cannot reach the Prefect server at {url} ({failure}); is it running?") from error
