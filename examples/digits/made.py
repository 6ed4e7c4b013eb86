"""A made source in the shape of the scans, for tests that need many digits, or others than the real ones."""

import numpy as np

from tiltyard.examples.dealing import write_rows
from tiltyard.examples.digits.dealer import PIXELS


def made_content(rows: int, seed: int) -> bytes:
    """A made source of the same shape: each digit a few inked pixels of its own, plus noise."""
    rng = np.random.default_rng(seed)
    digits = rng.integers(10, size=rows)
    shapes = np.random.default_rng(0).integers(0, 13, size=(10, 64))
    pixels = np.clip(shapes[digits] + rng.integers(0, 5, size=(rows, 64)), 0, 16)
    body = [[*map(str, inked), str(digit)] for inked, digit in zip(pixels, digits, strict=True)]
    return write_rows([[*PIXELS, "digit"], *body])
