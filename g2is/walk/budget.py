"""From parameters and core knowledge to what a walk may take and how many of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.knowledge import CoreKnowledge


@dataclass(frozen=True, eq=False)
class WalkPlan:
    """What is settled before the first step."""

    left_out: NDArray[np.bool_]
    """(n,) rows that no component may take: invalid, banned or of another source."""
    pins: NDArray[np.int64]
    budgets: NDArray[np.int64]
    """(k,) samples each component is to take."""
    order: NDArray[np.int64]
    """(k,) components by descending weight."""


def plan_walk(
    parameters: WalkParameters,
    knowledge: CoreKnowledge,
    rows: int,
    *,
    sources: Sequence[str] | None = None,
    valid: ArrayLike | None = None,
) -> WalkPlan:
    """Checks the parameters against a pool of `rows` samples; raises `InputError` where they do not fit.

    A fraction is one of the valid samples. Pins come first and out of the budget, whatever their source;
    budgets given by component are for the components alone, with pins on top.
    """
    usable = np.ones(rows, dtype=bool) if valid is None else np.array(valid, dtype=bool)
    if usable.shape != (rows,):
        raise InputError(f"valid: shape {usable.shape}, expected ({rows},), one entry per gradient")
    pins = _samples("pins", parameters.pins, rows)
    bans = _samples("bans", parameters.bans, rows)
    both = np.intersect1d(pins, bans)
    if both.size:
        raise InputError(f"sample {both[0]} is both pinned and banned; remove it from one of the two")
    if not usable[pins].all():
        raise InputError(f"pins: sample {pins[~usable[pins]][0]} has no valid gradient; it cannot be taken")

    left_out = ~usable | ~_of_sources(parameters, rows, sources)
    left_out[bans] = True
    if parameters.only:
        others = np.ones(rows, dtype=bool)
        others[_samples("only", parameters.only, rows)] = False
        left_out |= others
    return WalkPlan(
        left_out=left_out,
        pins=pins,
        budgets=_budgets(parameters, knowledge, int(usable.sum()), len(pins)),
        order=np.argsort(-knowledge.weights, kind="stable"),
    )


def largest_remainder(total: int, weights: NDArray[np.floating]) -> NDArray[np.int64]:
    """Whole shares (k,) of `total` in proportion to `weights` (k,), which sum to 1.

    Everyone gets the whole part; what is left goes to the largest remainders, one each, the later of equal
    ones first. In the precision of the weights and in that order, because the published script does so.
    """
    exact = total * weights
    shares = np.floor(exact).astype(np.int64)
    by_remainder = np.argsort(exact - shares, kind="stable")[::-1]
    shares[by_remainder[: max(0, total - shares.sum())]] += 1
    return shares


def evenly(total: int, count: int) -> NDArray[np.int64]:
    """Whole shares (count,) of `total` that differ by one at most, the larger ones spread over the whole range."""
    return np.diff(np.arange(count + 1) * total // count)


def share_out(total: int, knowledge: CoreKnowledge, parameters: WalkParameters) -> NDArray[np.int64]:
    """Budgets of the components (k,): largest remainders of `total` by weight, within each target's own share.

    Targets come first, since where there are more components than samples each rounds to none, and the target
    with the heavier ones would take them all. Facets of one example each weigh the same: their odd samples are
    spread evenly over the validation set, which may be sorted by subtask, and not given to its end.
    """
    names = list(dict.fromkeys(knowledge.targets))
    each = parameters.facet_per_example
    if len(names) == 1 and not each:
        return largest_remainder(total, knowledge.weights)
    of_target = np.array([names.index(target) for target in knowledge.targets])
    weights = np.bincount(of_target, knowledge.weights)
    budgets = np.zeros(len(knowledge), dtype=np.int64)
    for target, share in enumerate(largest_remainder(total, weights / weights.sum())):
        own = of_target == target
        inside = knowledge.weights[own] / weights[target]
        budgets[own] = evenly(share, len(inside)) if each else largest_remainder(share, inside)
    return budgets


def budget_size(fraction: float | None, count: int | None, usable: int) -> int:
    """The budget in samples: `count`, or a fraction of the `usable` ones, rounded down.

    Raises `InputError` where it is more than there are, or none.
    """
    if count is not None:
        if count > usable:
            raise InputError(f"count = {count:,}: the pool has {usable:,} valid samples")
        return count
    assert fraction is not None
    total = int(usable * fraction)
    if total == 0:
        raise InputError(
            f"fraction = {fraction:g}: of {usable:,} valid samples that is none; give a larger one, or a count"
        )
    return total


def _budgets(
    parameters: WalkParameters, knowledge: CoreKnowledge, usable: int, pins: int
) -> NDArray[np.int64]:
    if parameters.component_budgets is not None:
        budgets = np.array(parameters.component_budgets, dtype=np.int64)
        if len(budgets) != len(knowledge):
            raise InputError(
                f"component_budgets: {len(budgets)} numbers for {len(knowledge)} components; "
                "give one for each"
            )
        return budgets
    total = budget_size(parameters.fraction, parameters.count, usable)
    if pins > total:
        raise InputError(f"pins: {pins:,} samples do not fit a budget of {total:,}; unpin some or raise it")
    return share_out(total - pins, knowledge, parameters)


def _samples(name: str, samples: Sequence[int], rows: int) -> NDArray[np.int64]:
    unique = np.array(list(dict.fromkeys(samples)), dtype=np.int64)
    outside = unique[unique >= rows]
    if outside.size:
        raise InputError(f"{name}: no sample {outside[0]}; the pool has samples 0 to {rows - 1:,}")
    return unique


def _of_sources(parameters: WalkParameters, rows: int, sources: Sequence[str] | None) -> NDArray[np.bool_]:
    """(n,) whether a row's source is one to walk on."""
    if parameters.sources is None and not parameters.without_sources:
        return np.ones(rows, dtype=bool)
    if sources is None:
        raise InputError("sources: this pool does not say which source its samples come from")
    names = np.asarray(sources, dtype=object)
    if names.shape != (rows,):
        raise InputError(f"sources: {len(names)} names for {rows} gradients")
    known = list(dict.fromkeys(names))
    for field in ("sources", "without_sources"):
        for name in getattr(parameters, field) or ():
            if name not in known:
                raise InputError(f"{field}: no source {name!r}; there are {', '.join(map(repr, known))}")
    wanted = known if parameters.sources is None else parameters.sources
    return np.isin(names, [name for name in wanted if name not in parameters.without_sources])
