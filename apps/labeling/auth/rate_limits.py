"""Limits: how often somebody may ask, counted over a moving window in this process."""

from collections import Counter
from ipaddress import IPv6Address, ip_address
from math import ceil
from time import time
from typing import Final

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from tiltyard.apps.labeling.api.errors import ApiError

MOST: Final = 10_000


class RateLimit:
    """One limit such as ``10/minute;100/hour``, counted for each key."""

    def __init__(self, rate: str) -> None:
        """Count against a rate; ValueError when it cannot be read."""
        self._rates = parse_many(rate)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        # The storage starts a thread for what it forgets; asked for each request, that costs more than the request.
        self._step = max(1, min(rate.amount for rate in self._rates) // 100)
        self._uncounted: Counter[str] = Counter()

    def hit(self, key: str) -> None:
        """Count one; Refusal with 429 and Retry-After when it is one too many, to a hundredth of the limit."""
        self._uncounted[key] += 1
        if self._uncounted[key] < self._step:
            return
        if len(self._uncounted) > MOST:
            self._uncounted.clear()
        self._uncounted[key] = 0
        for rate in self._rates:
            if not self._limiter.hit(rate, key, cost=self._step):
                self._uncounted[key] = self._step
                raise self._refusal(rate, key)

    def is_over(self, key: str) -> bool:
        """Whether one more would be too many; nothing is counted."""
        return not all(self._limiter.test(rate, key) for rate in self._rates)

    def refuse_over(self, key: str) -> None:
        """Count nothing; Refusal when one more would be too many."""
        for rate in self._rates:
            if not self._limiter.test(rate, key):
                raise self._refusal(rate, key)

    def _refusal(self, rate: RateLimitItem, key: str) -> ApiError:
        """What somebody is told who asks too often."""
        wait = self._limiter.get_window_stats(rate, key).reset_time - time()
        return ApiError(429, "too many requests; wait a little and go on", retry_after=max(1, ceil(wait)))


def client_address(request: Request) -> str:
    """Whom an anonymous request is counted for: its address, of IPv6 the network that one customer has.

    >>> address_key("2001:db8:1:2:3:4:5:6"), address_key("192.0.2.1")
    ('2001:db8:1:2::', '192.0.2.1')
    """
    return address_key(request.client.host) if request.client else "unknown"


def address_key(address: str) -> str:
    """An IPv4 address, or the first 64 bits of an IPv6 one."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(found) >> 64 << 64)) if isinstance(found, IPv6Address) else address
