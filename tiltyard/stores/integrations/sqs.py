"""The queue of S3 notifications: Amazon SQS, or a server with the same API.

A received message is in flight until its visibility timeout ends; unless it is deleted, SQS delivers it again.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from tiltyard.schemas.errors import SettingsError
from tiltyard.stores.s3.client import client, translate_errors

MOST_AT_ONCE: Final = 10
"""The maximum number of messages in one SQS call."""

HOLD_SECONDS: Final = 120
"""Visibility timeout of a received message."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message in flight: its body, how often it was received, and the receipt that deletes it."""

    message_id: str
    body: str
    received: int
    receipt: str


class MessageQueue:
    """A queue at an SQS URL. It raises Unavailable (retry later), or SettingsError with what to correct."""

    def __init__(self, url: str) -> None:
        """Name the queue, without a request. Raises SettingsError if the URL is not the URL of a queue."""
        self.url, self._sqs = url, _client_for(url)

    def receive(self, most: int, wait_seconds: float = 0) -> list[Message]:
        """Receive up to ``most`` messages (at most 10); waits for the first one, empty if none arrives."""
        with translate_errors(self._where):
            said = self._sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=min(most, MOST_AT_ONCE),
                WaitTimeSeconds=int(wait_seconds),
                VisibilityTimeout=HOLD_SECONDS,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        return [_message(one) for one in said.get("Messages", [])]

    def delete(self, messages: Sequence[Message]) -> None:
        """Delete messages; one whose receipt has expired stays, and is delivered again."""
        for few in _in_tens(messages):
            entries = [{"Id": str(number), "ReceiptHandle": one.receipt} for number, one in enumerate(few)]
            with translate_errors(self._where):
                self._sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)

    def hold(self, messages: Sequence[Message], seconds: float) -> None:
        """Set the visibility timeout from now; 0 makes the messages visible at once.

        A message whose receipt has expired is already visible; that is not a failure.
        """
        for few in _in_tens(messages):
            entries = [
                {"Id": str(number), "ReceiptHandle": one.receipt, "VisibilityTimeout": int(seconds)}
                for number, one in enumerate(few)
            ]
            with translate_errors(self._where):
                self._sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    def send(self, body: str, attributes: dict[str, str]) -> None:
        """Put a message into the queue, with attributes of text."""
        told = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        with translate_errors(self._where):
            self._sqs.send_message(QueueUrl=self.url, MessageBody=body, MessageAttributes=told)

    def dead_letter_url(self) -> str | None:
        """The URL of the dead-letter queue of SQS itself; None if the queue has none."""
        with translate_errors(self._where):
            said = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["RedrivePolicy"])
            policy = said.get("Attributes", {}).get("RedrivePolicy")
            if policy is None:
                return None
            *_, account, name = json.loads(policy)["deadLetterTargetArn"].split(":")
            return str(self._sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"])

    @property
    def _where(self) -> str:
        """The queue in a message to people."""
        return f"queue {self.url}"


def _client_for(url: str) -> Any:
    """A client for the queue's server: AWS in the URL's region, or the server that the URL names."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.count("/") < 2:
        raise SettingsError(
            f"{url!r} is not the URL of a queue; expected https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
        )
    host = parts.hostname.split(".")
    if host[0] == "sqs" and "amazonaws" in host:
        return client("sqs", region=host[1])
    return client("sqs", endpoint=f"{parts.scheme}://{parts.netloc}")


def _message(said: dict[str, Any]) -> Message:
    """A message as the rest of the program knows it."""
    received = int(said.get("Attributes", {}).get("ApproximateReceiveCount", 1))
    return Message(said["MessageId"], said["Body"], received, said["ReceiptHandle"])


def _in_tens(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """The messages in groups that one call takes."""
    for first in range(0, len(messages), MOST_AT_ONCE):
        yield messages[first : first + MOST_AT_ONCE]
