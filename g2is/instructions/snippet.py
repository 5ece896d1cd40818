"""The beginning of a text, to stand for it in a table."""

from __future__ import annotations

LENGTH = 200


def snippet(text: str, length: int = LENGTH) -> str:
    """The beginning of a text on one line, white space as single blanks; at most `length` characters, as `beginning`.

    Only 4 x `length` characters are read, so that a text of megabytes costs no more than a short one.
    """
    line = " ".join(text[: 4 * length].split())
    if len(line) < length and len(text) > 4 * length:
        return f"{line}…"
    return beginning(line, length)


def beginning(text: str, length: int) -> str:
    """A text, or its beginning of at most `length` characters with an ellipsis, cut between words where it has any."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    word = max(cut.rfind(blank) for blank in " \n\t")
    if not text[length - 1].isspace() and word > length // 2:
        cut = cut[:word]
    return cut.rstrip() + "…"
