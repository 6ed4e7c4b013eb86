"""Secrets in texts: over every shape of address, none is left; what is no secret stays."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tiltyard.schemas.redaction import redacted

SECRET = "S3cretPw"
SCHEMES = [
    "http",
    "https",
    "postgresql+psycopg",
    "postgresql",
    "redis",
    "amqp",
    "ftp",
    "sqlite",
    "mongodb+srv",
    "HTTPS",
]
HOSTS = [
    "host",
    "host:9",
    "127.0.0.1:5000",
    "[::1]:80",
    "a.b-c.example.com",
    "höst.example",
    "host:5432/db?sslmode=require",
]
AROUND = [
    "{}",
    "cannot reach {}",
    "'{}' is away",
    '"{}", 3',
    "<{}>",
    "({})",
    "a\n{}\nb",
    "url={}",
    "[{}]",
    "{}; try again",
    "{}: no",
]
NO_SPACE = st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="<>", exclude_categories=("Z", "Cc"))
SAID = st.text(NO_SPACE, min_size=1, max_size=12)
NAMES = [
    "token", "access_token", "api_key", "apikey", "X-Amz-Signature", "X-Amz-Security-Token",
    "sig", "secret", "password",
    "client_secret", "code", "key", "auth", "pwd",
]  # fmt: skip
SHAPES = [
    "password={}",
    "host=h user=u password={} dbname=d",
    "host=h password='{} and more'",
    "Server=h;Pwd={};Encrypt=yes",
    "PREFECT_API_AUTH_STRING=tiltyard:{}",
    "AWS_SECRET_ACCESS_KEY={}",
    "{{'password': '{}'}}",
    '{{"client_secret": "{}"}}',
    "Authorization: Bearer {}",
    "authorization: basic {}==",
    "Cookie: tiltyard={}",
    "X-Api-Key: {}",
    "https://{}{}{}@github.com/x",
    "a?url=postgresql%3A%2F%2Fbob%3A{}%40host",
    "?next=%2Fx%3Ftoken%3D{}",
]
PLAIN = [
    "see http://127.0.0.1:4200/runs/1",
    "see http://[::1]:4200/runs/1?limit=3#top",
    "http://host:80",
    "'http://host:8080'",
    "s3://bucket/key=1/part-0.csv@v2",
    "sqlite:////data/ledger.db",
    "http://host:5000/a/b",
    "https://example.com/@user",
    "write to ada@example.test",
    'password authentication failed for user "tiltyard"',
    "TILTYARD_LABEL_WEBHOOK_SECRET: want whsec_ and the base64 of 24 random bytes or more",
    "send your token as 'Authorization: Bearer TOKEN'",
    "the basic idea: a token is random",
    "column 'key' is missing; did you mean 'keys'?",
    "10:30:00 and a ratio of 3:4",
    "",
]
KEYS = [
    "tyd_" + "A" * 43,
    "whsec_" + "QUJD" * 12,
    "ghp_" + "a1" * 18,
    "AKIA" + "ABCD" * 4,
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln",
]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_password_of_an_address_is_left(scheme: str, host: str, around: str) -> None:
    for user in ("bob", "", "bob%40x", "bob@example.com"):
        for password in (
            SECRET,
            f"p@{SECRET}",
            f"{SECRET}/x",
            f"{SECRET}#x",
            f"{SECRET}?x",
            f"{SECRET}:x",
            f"1{SECRET}",
            f"a'{SECRET}",
        ):
            text = redacted(around.format(f"{scheme}://{user}:{password}@{host}"))
            assert SECRET not in text, text
            assert host.split(":")[0].split("/")[0] in text, text


@given(SAID, st.sampled_from(SCHEMES), st.sampled_from(HOSTS), st.sampled_from(AROUND))
@example("0/@", "http", "host", "{}")
def test_whatever_the_password_holds_it_goes(said: str, scheme: str, host: str, around: str) -> None:
    password = f"{said}{SECRET}"
    assert SECRET not in redacted(around.format(f"{scheme}://bob:{password}@{host}"))


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("name", NAMES)
def test_no_token_of_a_query_is_left(name: str, around: str) -> None:
    for address in (
        f"https://h/x?a=1&{name}={SECRET}",
        f"/x?{name}={SECRET}&a=1#top",
        f"https://h:9/?{name.upper()}={SECRET}",
    ):
        text = redacted(around.format(address))
        assert SECRET not in text, text
        assert name.lower() in text.lower()


@pytest.mark.parametrize("shape", SHAPES)
def test_no_secret_of_another_shape_is_left(shape: str) -> None:
    text = redacted(shape.format(SECRET, SECRET, SECRET))
    assert SECRET not in text, text


@pytest.mark.parametrize("key", KEYS)
def test_keys_that_say_what_they_are_are_hidden(key: str) -> None:
    assert redacted(f"refused: {key}, sorry") == "refused: ***, sorry"


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@given(st.text(max_size=200))
def test_a_second_time_changes_nothing(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once or "***" in once


@pytest.mark.parametrize(
    "piece",
    ["a", "a:", "://", "http://a:", "?token=", "password=", "%3a%2f%2f", "a.b-", "x-amz-", "'", "eyJaaaaaaaaa.", "@"],
)
def test_a_long_text_costs_no_more_than_its_length(piece: str) -> None:
    began = time.perf_counter()
    redacted(piece * (200_000 // len(piece)))
    assert time.perf_counter() - began < 5
