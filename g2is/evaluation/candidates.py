"""What is evaluated: selections as they are, methods, and both at other budgets. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from g2is.analysis import walks
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.evaluation.budgets import budget_name
from g2is.run.run import Run
from g2is.run.selections import Selection, select
from g2is.selectors import METHODS


@dataclass(frozen=True)
class Candidate:
    """A selection to evaluate. choose: returns rows of the pool for a seed, which may be the same for all seeds. The
    others: its place on a grid, see `FineTuning`."""

    name: str
    method: str
    choose: Callable[[int], Sequence[int]]
    label: str | None = None
    budget: int | None = None
    validation: int | None = None
    target: str | None = None


def saved(run: Run, name: str, selection: Selection, budgets: Sequence[int] = ()) -> list[Candidate]:
    """A selection as it is; with budgets, what its method chooses at each, called `NAME-BUDGET`.

    Raises `InputError` for a budget above the size of a selection that no method can choose again.
    """
    if not budgets:
        return [Candidate(name, selection.method, _once(lambda: selection.samples))]
    again, size = at_budget(run, selection), len(selection.samples)
    if not has_method(selection) and size < max(budgets):
        raise InputError(
            f"selection {name!r}: was made by hand and has {size:,} instructions, so it cannot be chosen again "
            f"with {max(budgets):,}; give budgets up to {size:,}"
        )
    return [
        Candidate(budget_name(name, budget), selection.method, _once(partial(again, budget)))
        for budget in budgets
    ]


def has_method(selection: Selection) -> bool:
    """Whether a method can choose it again with another budget; not one made by hand, nor one without a budget."""
    method = selection.method
    return method == "walk" or (method in METHODS and "count" in METHODS[method].model_fields)


def baseline(run: Run, method: str, budgets: Sequence[dict[str, Any]], *, named: bool) -> list[Candidate]:
    """What a method chooses at each budget (`count` or `fraction`; empty for a method that has none); a random one
    chooses again for each seed. named: whether the names say the budget."""
    return [
        Candidate(
            budget_name(method.replace("_", "-"), values["count"]) if named else method,
            method,
            _drawn(run, method, values),
        )
        for values in budgets
    ]


def at_budget(run: Run, selection: Selection) -> Callable[[int], Sequence[int]]:
    """Selects with the method of a selection and another budget; the first samples of one made by hand, which gives
    no more than it has."""
    method, parameters = selection.method, selection.parameters
    if not has_method(selection):
        return lambda count: selection.samples[:count]
    if method == "walk":
        walk = WalkParameters(**{**parameters, "fraction": None, "component_budgets": None, "count": 1})
        return lambda count: walks.walk(run, walk.replace(count=count)).samples.tolist()
    return lambda count: select(run, method, **{**parameters, "fraction": None, "count": count}).samples


def _once(choose: Callable[[], Sequence[int]]) -> Callable[[int], Sequence[int]]:
    """The same for every seed, chosen when it is first asked for."""
    chosen: list[Sequence[int]] = []

    def chooses(seed: int) -> Sequence[int]:
        if not chosen:
            chosen.append(choose())
        return chosen[0]

    return chooses


def _drawn(run: Run, method: str, values: dict[str, Any]) -> Callable[[int], list[int]]:
    """Selects by a method, again for each seed if the method has one."""
    seeded = "seed" in METHODS[method].model_fields
    return lambda seed: select(run, method, **values, **({"seed": seed} if seeded else {})).samples
