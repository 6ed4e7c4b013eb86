"""The queue that tells of arrivals: Amazon SQS, or a server that speaks as it does.

A message is in hand while its receipt holds; it is gone only when it is deleted, and comes again otherwise.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from tiltyard.schemas.errors import SettingsError
from tiltyard.stores.s3.client import answered, client

MOST_AT_ONCE: Final = 10
"""Messages that SQS hands out, and takes back, in one call."""

HOLD_SECONDS: Final = 120
"""How long a message that was received stays out of others' sight."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message in hand: what it says, how often it was handed out, and the receipt that deletes it."""

    message_id: str
    body: str
    received: int
    receipt: str


class MessageQueue:
    """A queue at an SQS URL. What it raises is Unavailable (again in a while) or says what a person is to mend."""

    def __init__(self, url: str) -> None:
        """Name the queue; nothing is asked of it yet. SettingsError when the URL is none of a queue."""
        self.url, self._sqs = url, _client_for(url)

    def receive(self, most: int, wait_seconds: float = 0) -> list[Message]:
        """Take up to ``most`` messages (10 at the utmost) in hand; waits for the first, none when there is none."""
        with answered(self._where):
            said = self._sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=min(most, MOST_AT_ONCE),
                WaitTimeSeconds=int(wait_seconds),
                VisibilityTimeout=HOLD_SECONDS,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        return [_message(one) for one in said.get("Messages", [])]

    def delete(self, messages: Sequence[Message]) -> None:
        """Take messages out of the queue for good; one whose receipt no longer holds stays, and comes again."""
        for few in _in_tens(messages):
            entries = [{"Id": str(number), "ReceiptHandle": one.receipt} for number, one in enumerate(few)]
            with answered(self._where):
                self._sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)

    def hold(self, messages: Sequence[Message], seconds: float) -> None:
        """Keep messages out of others' sight for so long from now; 0 shows them again at once.

        A message whose receipt no longer holds is in sight already, which is no failure.
        """
        for few in _in_tens(messages):
            entries = [
                {"Id": str(number), "ReceiptHandle": one.receipt, "VisibilityTimeout": int(seconds)}
                for number, one in enumerate(few)
            ]
            with answered(self._where):
                self._sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    def send(self, body: str, attributes: dict[str, str]) -> None:
        """Put a message into the queue, with attributes of text."""
        told = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        with answered(self._where):
            self._sqs.send_message(QueueUrl=self.url, MessageBody=body, MessageAttributes=told)

    def dead_letter_url(self) -> str | None:
        """The URL of the queue where SQS itself puts what nobody deletes; None when the queue names none."""
        with answered(self._where):
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
    """A client that speaks to a queue's own server: AWS in the URL's region, or the server that the URL names."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.count("/") < 2:
        raise SettingsError(f"{url!r} is no URL of a queue; it is like https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
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
