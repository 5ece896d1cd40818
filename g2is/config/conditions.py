"""Conditions on columns of the pool, as text: `source=flan`, `source!=flan`, `difficulty=3..5`; and shares by them.

What a column holds is known to a run alone (`g2is.run.columns`); here only the form is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from g2is.errors import shortened

CONDITION = "COLUMN=VALUE, COLUMN!=VALUE or COLUMN=LOW..HIGH"
SHARE = "COLUMN=VALUE:SHARE"
_LONGEST = 1000


def check_condition(text: str) -> str:
    """The condition as it is; raises ValueError where it is none."""
    name, equals, _ = text.partition("=")
    if not equals or not name.removesuffix("!") or len(text) > _LONGEST:
        raise ValueError(f"where = {shortened(text)!r}: expected {CONDITION}, such as source=flan")
    return text


def split_share(text: str) -> tuple[str, Fraction]:
    """The condition and the share of the budget, exactly as it is written. Raises ValueError where it is no share."""
    condition, _, number = text.rpartition(":")
    try:
        share = Fraction(number if "/" not in number and len(number) < 20 else "")
    except ValueError:
        share = Fraction(-1)
    name, equals, _ = condition.partition("=")
    if not equals or not name or not 0 <= share <= 1 or len(text) > _LONGEST:
        raise ValueError(
            f"share = {shortened(text)!r}: expected {SHARE} with a share from 0 to 1, such as source=flan:0.3"
        )
    return condition, share


def check_shares(texts: Sequence[str]) -> None:
    """Raise ValueError where shares of the budget add up to more than all of it."""
    total = sum((split_share(text)[1] for text in texts), Fraction(0))
    if total > 1:
        raise ValueError(f"share: the shares add up to {float(total):g}, expected at most 1")
