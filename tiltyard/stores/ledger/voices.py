"""Voices out of rows: as much of an annotation as decides over labels, quick to read at any number."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from schemas.records import Voice


def voice_of(row: Row[Any]) -> Voice:
    """The voice that a row of its columns holds."""
    return Voice._make([*row[:-1], datetime.fromisoformat(row[-1])])
