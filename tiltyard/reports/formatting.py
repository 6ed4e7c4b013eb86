"""Values as people read them, on the terminal and in notebooks alike."""

from typing import Any


def format_value(value: Any) -> str:
    """A value as a cell of a table shows it: a dash for None, thousands separated, floats to four digits.

    >>> format_value(None), format_value(12345), format_value(0.123456), format_value(True)
    ('-', '12,345', '0.1235', 'yes')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def format_count(number: int, one: str, many: str = "") -> str:
    """A number with its noun, singular or plural.

    >>> format_count(1, "fact"), format_count(2000, "fact"), format_count(2, "batch", "batches")
    ('1 fact', '2,000 facts', '2 batches')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
