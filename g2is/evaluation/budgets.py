"""Names of selections that are evaluated at several budgets: `less-60`, `less-150`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from g2is.evaluation.results import FineTuning


def budget_name(name: str, budget: int) -> str:
    """`less-60` for `less` and for `less-150` at 60."""
    return f"{re.sub(r'-[0-9]+$', '', name)}-{budget}"


def budget_of(name: str, size: int) -> tuple[str, int]:
    """The name without its budget, and the budget: the number at its end where that many could have given this size,
    otherwise the size itself."""
    match = re.fullmatch(r"(.+)-([0-9]{1,9})", name)
    return (match[1], int(match[2])) if match and int(match[2]) >= size else (name, size)


def by_budget(fine_tunings: Iterable[FineTuning]) -> dict[int, list[str]]:
    """The selections of each budget, ascending, where every budget has several.

    Otherwise all of them under 0: they are compared whatever their sizes.
    """
    sizes: dict[str, int] = {}
    for one in fine_tunings:
        sizes[one.selection] = max(one.size, sizes.get(one.selection, 0))
    budgets = {name: budget_of(name, size)[1] for name, size in sizes.items()}
    if min(Counter(budgets.values()).values(), default=0) < 2:
        return {0: list(sizes)}
    return {
        budget: [name for name in sizes if budgets[name] == budget]
        for budget in sorted(set(budgets.values()))
    }
