"""Numbers in sentences."""

from __future__ import annotations

MOST = 6
"""Digits after the point, at most."""


def decimals(value: float, digits: int = 2, unlike: float = 0.0) -> str:
    """A number with so many digits after the point, with more where it would read as another one that it is not.

    unlike: that other number, such as a bound that was broken. Beside it, a number never reads as zero.
    """
    with_digits = [f"{{:z.{count}f}}".format for count in range(digits, MOST + 1)]
    for shown in with_digits:
        if all(shown(value) != shown(other) for other in (0.0, unlike) if value != other):
            return shown(value)
    return with_digits[0](value)
