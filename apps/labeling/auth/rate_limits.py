"""Rate limits: requests per key in a moving window, counted in this process."""

from collections import Counter
from ipaddress import IPv6Address, ip_address
from math import ceil
from time import time
from typing import Final

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from tiltyard.apps.labeling.api import ApiError

MAX_KEYS: Final = 10_000


class RateLimit:
    """A limit such as ``10/minute;100/hour``, counted for each key."""

    def __init__(self, rate: str) -> None:
        """Parse a rate; ValueError if it is invalid."""
        self._rates = parse_many(rate)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        # The storage starts a thread to expire keys; called for each request, that costs more than the request.
        self._step = max(1, min(rate.amount for rate in self._rates) // 100)
        self._uncounted: Counter[str] = Counter()

    def hit(self, key: str) -> None:
        """Count one request; ApiError with 429 and Retry-After above the limit, exact to a hundredth of it."""
        self._uncounted[key] += 1
        if self._uncounted[key] < self._step:
            return
        if len(self._uncounted) > MAX_KEYS:
            self._uncounted.clear()
        self._uncounted[key] = 0
        for rate in self._rates:
            if not self._limiter.hit(rate, key, cost=self._step):
                self._uncounted[key] = self._step
                raise self._refusal(rate, key)

    def is_over(self, key: str) -> bool:
        """Whether the next request would exceed the limit; counts nothing."""
        return not all(self._limiter.test(rate, key) for rate in self._rates)

    def refuse_over(self, key: str) -> None:
        """Raise ApiError if the next request would exceed the limit; counts nothing."""
        for rate in self._rates:
            if not self._limiter.test(rate, key):
                raise self._refusal(rate, key)

    def _refusal(self, rate: RateLimitItem, key: str) -> ApiError:
        """The error for too many requests."""
        seconds = max(1, ceil(self._limiter.get_window_stats(rate, key).reset_time - time()))
        return ApiError(429, f"too many requests; try again in {seconds} seconds", retry_after=seconds)


def client_address(request: Request) -> str:
    """The key under which an anonymous request is counted: its address; for IPv6 the network of one customer.

    >>> address_key("2001:db8:1:2:3:4:5:6"), address_key("192.0.2.1")
    ('2001:db8:1:2::', '192.0.2.1')
    """
    return address_key(request.client.host) if request.client else "unknown"


def address_key(address: str) -> str:
    """An IPv4 address, or the first 64 bits of an IPv6 address."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(found) >> 64 << 64)) if isinstance(found, IPv6Address) else address
