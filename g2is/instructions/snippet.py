"""The beginning of a text, to stand for it in a table."""

from __future__ import annotations

LENGTH = 200


def snippet(text: str, length: int = LENGTH) -> str:
    """The beginning of a text on one line, white space as single blanks; cut after `length` characters.

    Only 4 x `length` characters are read, so that a text of megabytes costs no more than a short one.
    """
    return " ".join(text[: 4 * length].split())[:length]
