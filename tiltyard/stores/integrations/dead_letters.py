"""Dead letters: messages that cannot be used, kept with the reason, so that a person can look and send them again."""

import json
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Final

from tiltyard.stores.files import Files
from tiltyard.stores.integrations.sqs import Message, MessageQueue

LONGEST_BODY: Final = 200_000
"""Bytes of a message that are kept in a queue; S3's own are at most 64 KB, and the attributes need room too."""

LONGEST_REASON: Final = 1_000


class DeadLetters:
    """Where dead letters are kept: the queue that is named, else the one to which the queue itself sends its own.

    Where there is neither they are JSON files. Killed at the wrong moment, a queue may get the same one twice.
    """

    def __init__(self, queue: MessageQueue, files: Files, url: str | None = None) -> None:
        """Keep the dead letters of a queue; it is not asked before there is one."""
        self._queue, self._files, self._url = queue, files, url

    def keep(self, message: Message, reason: str, now: datetime) -> None:
        """Keep a message with the reason why it is of no use; it is safe when this returns."""
        if self._target is None:
            self._write(message, reason, now)
        else:
            self._target.send(*_letter(message, reason, now))

    @cached_property
    def _target(self) -> MessageQueue | None:
        """The queue that they are sent to, if there is one."""
        url = self._url or self._queue.dead_letter_url()
        return MessageQueue(url) if url else None

    def _write(self, message: Message, reason: str, now: datetime) -> None:
        """Write a message down, once however often it comes."""
        letter = {
            "reason": reason,
            "refused_at": now.isoformat(),
            "message_id": message.message_id,
            "received": message.received,
            "body": message.body,
        }
        name = f"{sha256(message.message_id.encode()).hexdigest()[:32]}.json"
        if not self._files.exists(name):
            self._files.write(name, json.dumps(letter, indent=2).encode() + b"\n")


def _letter(message: Message, reason: str, now: datetime) -> tuple[str, dict[str, str]]:
    """A message as it is sent, and its attributes: printable ASCII, and not too long."""
    body = message.body.encode()
    attributes = {
        "reason": ascii(reason)[1:-1][:LONGEST_REASON],
        "refused_at": now.isoformat(),
        "message_id": message.message_id,
    }
    if len(body) > LONGEST_BODY:
        attributes["cut_from_bytes"] = str(len(body))
    return body[:LONGEST_BODY].decode(errors="ignore"), attributes
