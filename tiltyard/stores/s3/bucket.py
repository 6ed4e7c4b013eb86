"""A bucket, and the part of it that is ours: everything below a prefix."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final
from urllib.parse import parse_qsl

from tiltyard.schemas.errors import SettingsError, nearest
from tiltyard.stores.s3.client import READ_SECONDS, client, translate_errors

SCHEME: Final = "s3://"
OPTIONS: Final = ("endpoint", "region", "seconds")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket below a prefix, and how it is reached where boto3's own settings do not say."""

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    seconds: float = READ_SECONDS

    @property
    def client(self) -> Any:
        """The boto3 client for it."""
        return client("s3", self.endpoint, self.region, self.seconds)

    def below(self, name: str) -> "Bucket":
        """The part of it below one more name."""
        return replace(self, prefix=self.whole_key(name))

    def whole_key(self, key: str) -> str:
        """The full key of one of our keys.

        >>> Bucket("landing", "bank").whole_key("may.csv")
        'bank/may.csv'
        """
        return f"{self.prefix}/{key}" if self.prefix else key

    def key_of(self, bucket: str, whole_key: str) -> str | None:
        """Our key of a whole key in some bucket; None when it is not ours.

        >>> ours = Bucket("landing", "bank")
        >>> ours.key_of("landing", "bank/may.csv"), ours.key_of("landing", "banks.csv"), ours.key_of("b", "bank/a")
        ('may.csv', None, None)
        """
        begin = f"{self.prefix}/" if self.prefix else ""
        is_ours = bucket == self.name and whole_key.startswith(begin) and whole_key != begin
        return whole_key.removeprefix(begin) if is_ours else None

    def overlaps(self, other: "Bucket") -> bool:
        """Whether some key would belong to both.

        >>> Bucket("b").overlaps(Bucket("b", "bank")), Bucket("b", "bank").overlaps(Bucket("b", "banks"))
        (True, False)
        """
        one, two = (f"{place.prefix}/".lstrip("/") for place in (self, other))
        same_server = (self.name, self.endpoint) == (other.name, other.endpoint)
        return same_server and (one.startswith(two) or two.startswith(one))

    def listing(self, operation: str, what: str) -> Iterator[dict[str, Any]]:
        """What a listing of our part holds, page by page: ``list_objects_v2`` has ``Contents``."""
        with translate_errors(f"the listing of {self}"):
            pages = self.client.get_paginator(operation).paginate(Bucket=self.name, Prefix=self.whole_key(""))
            yield from chain.from_iterable(page.get(what, []) for page in pages)

    def __str__(self) -> str:
        """It as a URL."""
        return f"{SCHEME}{self.name}/{self.prefix}".rstrip("/")


def parse_bucket(place: str) -> Bucket:
    """The bucket that ``s3://BUCKET/PREFIX`` means, with ``?endpoint=...&region=...&seconds=...`` behind it if need be.

    ``seconds`` is how long a read waits for a byte. Raises SettingsError when it cannot be read.

    >>> str(parse_bucket("s3://landing/bank/?region=eu-west-1")), parse_bucket("s3://landing?endpoint=http://minio:9000")
    ('s3://landing/bank', Bucket(name='landing', prefix='', endpoint='http://minio:9000', region=None, seconds=60.0))
    """
    where, _, query = place.removeprefix(SCHEME).partition("?")
    name, _, prefix = where.partition("/")
    if not place.startswith(SCHEME) or not name:
        raise SettingsError(f"{place!r} is not a bucket; write s3://BUCKET/PREFIX")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for option in options.keys() - set(OPTIONS):
        raise SettingsError(f"{place!r}: unknown option {option!r}; {nearest(option, OPTIONS)}")
    seconds = _positive(options.get("seconds", str(READ_SECONDS)), place)
    return Bucket(name, prefix.strip("/"), options.get("endpoint"), options.get("region"), seconds)


def _positive(said: str, place: str) -> float:
    """A number of seconds."""
    try:
        seconds = float(said)
    except ValueError:
        seconds = 0
    if not seconds > 0:
        raise SettingsError(f"{place!r}: 'seconds' must be a number above 0, not {said!r}")
    return seconds
