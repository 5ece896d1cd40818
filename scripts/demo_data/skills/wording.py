"""Small turns of phrase that several skills share."""

from __future__ import annotations

from collections.abc import Sequence


def times(count: int) -> str:
    """1 time, 2 times."""
    return f"{count} time" if count == 1 else f"{count} times"


def days(count: int) -> str:
    """1 day, 2 days."""
    return f"{count} day" if count == 1 else f"{count} days"


def listed(items: Sequence[object]) -> str:
    """Two or more items as in running text: pen, cup and kite."""
    *first, last = map(str, items)
    return f"{', '.join(first)} and {last}"


def spaced(word: str) -> str:
    """A word letter by letter, so that a small model sees the letters: l a m p."""
    return " ".join(word)
