"""The queue and its dead letters, over HTTP: what is in hand, what comes again, and what is said when it is away."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.servers.ports import free_port
from tests.servers.s3_server import client
from tiltyard.schemas.errors import SettingsError, Unavailable
from tiltyard.stores.files import FileStore
from tiltyard.stores.integrations.dead_letters import LONGEST_BODY, LONGEST_REASON, DeadLetters
from tiltyard.stores.integrations.sqs import Message, MessageQueue

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def sqs(aws: str) -> Any:
    """A client of the server of this test."""
    return client("sqs", aws)


@pytest.fixture
def url(sqs: Any) -> str:
    """The URL of a fresh queue."""
    return str(sqs.create_queue(QueueName=f"arrivals-{uuid4().hex[:12]}")["QueueUrl"])


def with_dead_letters(sqs: Any, url: str) -> str:
    """Give a queue a queue of dead letters; its URL."""
    dead = str(sqs.create_queue(QueueName=f"dead-{uuid4().hex[:12]}")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 10})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    return dead


def letters_in(sqs: Any, url: str) -> list[dict[str, Any]]:
    """What lies in a queue of dead letters."""
    said = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    return [
        {"body": one["Body"], **{name: it["StringValue"] for name, it in one["MessageAttributes"].items()}}
        for one in said.get("Messages", [])
    ]


def test_a_message_stays_in_hand_until_it_is_deleted_or_given_back(sqs: Any, url: str) -> None:
    queue = MessageQueue(url)
    for body in ("one", "two", "drei ü 🐎"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    held = queue.receive(10)
    assert {one.body for one in held} == {"one", "two", "drei ü 🐎"}
    assert {one.received for one in held} == {1}
    assert queue.receive(10) == []
    queue.delete(held[:1])
    queue.hold(held[1:], 0)
    again = queue.receive(10)
    assert {one.message_id for one in again} == {one.message_id for one in held[1:]}
    assert {one.received for one in again} == {2}


def test_no_more_messages_come_than_were_asked_for(sqs: Any, url: str) -> None:
    for number in range(12):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    queue = MessageQueue(url)
    assert len(queue.receive(3)) == 3
    assert len(queue.receive(50)) <= 10, "SQS itself hands out ten at the utmost"


def test_many_messages_are_held_at_once(sqs: Any, url: str) -> None:
    for number in range(25):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    queue, held = MessageQueue(url), []
    while more := queue.receive(10):
        held += more
    assert len(held) == 25
    queue.hold(held, 0)
    assert len(queue.receive(10)) == 10


def test_an_empty_queue_is_waited_for_as_long_as_was_said(url: str) -> None:
    began = time.monotonic()
    assert MessageQueue(url).receive(10, wait_seconds=1) == []
    assert 0.5 < time.monotonic() - began < 10


def test_a_receipt_that_no_longer_holds_is_no_failure(url: str) -> None:
    forged = Message("id", "body", 1, "no-such-receipt")
    queue = MessageQueue(url)
    queue.delete([forged])
    queue.hold([forged], 0)


@pytest.mark.parametrize("url", ["", "arrivals", "s3://arrivals", "https://", "https://sqs.eu-west-1.amazonaws.com/"])
def test_what_is_no_queue_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="not the URL of a queue"):
        MessageQueue(url)


def test_a_queue_that_is_not_there_is_a_persons_to_mend(aws: str) -> None:
    with pytest.raises(SettingsError, match="there is no such queue"):
        MessageQueue(f"{aws}/123456789012/nobody-made-it").receive(1)


def test_a_server_that_is_away_is_told_from_a_mistake(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(Unavailable, match="try again"):
        MessageQueue(f"http://127.0.0.1:{free_port()}/123456789012/arrivals").receive(1)


def test_dead_letters_go_where_the_queue_sends_its_own(sqs: Any, url: str, tmp_path: Path) -> None:
    dead = with_dead_letters(sqs, url)
    sqs.send_message(QueueUrl=url, MessageBody="nonsense")
    message = MessageQueue(url).receive(1)[0]
    DeadLetters(MessageQueue(url), FileStore(tmp_path)).keep(message, "no JSON: größer\nals nichts", NOW)
    assert letters_in(sqs, dead) == [
        {
            "body": "nonsense",
            "reason": r"no JSON: gr\xf6\xdfer\nals nichts",
            "refused_at": NOW.isoformat(),
            "message_id": message.message_id,
        }
    ]
    assert list(FileStore(tmp_path).names()) == []


def test_a_queue_that_is_named_goes_before(sqs: Any, url: str, tmp_path: Path) -> None:
    with_dead_letters(sqs, url)
    named = str(sqs.create_queue(QueueName=f"named-{uuid4().hex[:12]}")["QueueUrl"])
    DeadLetters(MessageQueue(url), FileStore(tmp_path), named).keep(Message("id", "nonsense", 1, ""), "no", NOW)
    assert [one["body"] for one in letters_in(sqs, named)] == ["nonsense"]


def test_without_a_queue_dead_letters_are_files_once_each(url: str, tmp_path: Path) -> None:
    letters = DeadLetters(MessageQueue(url), FileStore(tmp_path))
    for message in (Message("../../etc/passwd", "one \0 ü", 3, ""), Message("b", "two", 1, "")) * 2:
        letters.keep(message, "no JSON", NOW)
    kept = [json.loads(path.read_text("utf-8")) for path in sorted(tmp_path.glob("*.json"))]
    assert sorted((one["message_id"], one["body"], one["reason"]) for one in kept) == [
        ("../../etc/passwd", "one \0 ü", "no JSON"),
        ("b", "two", "no JSON"),
    ]
    assert {one["refused_at"] for one in kept} == {NOW.isoformat()}


def test_a_letter_that_is_too_long_for_a_queue_is_cut(sqs: Any, url: str, tmp_path: Path) -> None:
    dead = with_dead_letters(sqs, url)
    body = "ü" * 120_000
    DeadLetters(MessageQueue(url), FileStore(tmp_path)).keep(Message("id", body, 1, ""), "🐎" * 2000, NOW)
    letter = letters_in(sqs, dead)[0]
    assert len(letter["body"].encode()) <= LONGEST_BODY
    assert body.startswith(letter["body"])
    assert letter["cut_from_bytes"] == "240000"
    assert len(letter["reason"]) == LONGEST_REASON
