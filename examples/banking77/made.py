"""A made source in the shape of the messages, for tests where the real one is not at hand."""

from typing import Final

import numpy as np

from tiltyard.examples.banking77.dealer import LABEL
from tiltyard.examples.dealing import Row, write_rows

INTENTS: Final = [
    "activate_my_card",
    "age_limit",
    "card_arrival",
    "change_pin",
    "exchange_rate",
    "lost_or_stolen_card",
    "pending_transfer",
    "top_up_failed",
    "verify_my_identity",
    "visa_or_mastercard",
]
"""Ten of the 77 intents; a made sample is too small for all."""


def made_content(rows: int, seed: int) -> bytes:
    """A made source of the same shape: short messages whose words tell the intent, a few with stray line breaks."""
    rng = np.random.default_rng(seed)
    return write_rows([["text", LABEL], *(_made_message(rng) for _ in range(rows))])


def _made_message(rng: np.random.Generator) -> Row:
    """One message: the intent's own words among filler."""
    intent = INTENTS[int(rng.integers(len(INTENTS)))]
    filler = ["please", "hello", "today", "my", "again", "why", "help", "how"]
    words = [*intent.split("_"), *rng.choice(filler, size=4)]
    text = " ".join(words[place] for place in rng.permutation(len(words)))
    return [f"\n{text}" if rng.random() < 0.01 else f"{text} {rng.integers(1000)}", intent]
