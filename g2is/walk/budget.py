"""Which rows a walk may take, and how many of them for each component."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.knowledge import CoreKnowledge


@dataclass(frozen=True, eq=False)
class WalkPlan:
    """Everything about a walk that is fixed before its first step.

    left_out: (n,) rows that no component may take.
    pins: rows taken first, for no component.
    budgets: (k,) number of samples each component is to take.
    order: (k,) components by descending weight.
    groups: (n,) the group of each row, if groups have quotas.
    quotas: (g,) number of samples the components may take of each group.
    """

    left_out: NDArray[np.bool_]
    pins: NDArray[np.int64]
    budgets: NDArray[np.int64]
    order: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None
    quotas: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Quotas:
    """Groups of rows that each have a share of the budget.

    groups: (n,) the group of each row. shares: (g,) of each group, which sum to 1. names: (g,) for messages.
    """

    groups: NDArray[np.int64]
    shares: Sequence[Fraction]
    names: Sequence[str]

    def of(self, total: int) -> NDArray[np.int64]:
        """(g,) the whole shares of `total`: what rounding down leaves goes to the largest remainders, one each, the
        earlier of equal ones first. In fractions, so that 0.3 of 10 is 3."""
        exact = [total * Fraction(share) for share in self.shares]
        whole = np.array([int(share) for share in exact], dtype=np.int64)
        order = sorted(range(len(exact)), key=lambda group: int(exact[group]) - exact[group])
        whole[order[: total - int(whole.sum())]] += 1
        return whole

    def left(
        self, parameters: WalkParameters, budgets: NDArray[np.int64], pins: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """(g,) samples that components with these budgets (k,) may take of each group.

        Pins use up the share of their group, unless budgets are given by component: then they come on top of both.
        Raises `InputError` where more are pinned than the share holds.
        """
        by_component = parameters.component_budgets is not None
        quotas = self.of(int(budgets.sum()) + (0 if by_component else len(pins)))
        pinned = np.bincount(self.groups[pins], minlength=len(quotas))
        for group in np.flatnonzero(pinned > quotas).tolist() if not by_component else ():
            raise InputError(
                f"pins: {pinned[group]:,} samples of {self.names[group]}, which has {quotas[group]:,} of the budget; "
                "unpin some or raise its share"
            )
        return quotas if by_component else quotas - pinned


def plan_walk(
    parameters: WalkParameters,
    knowledge: CoreKnowledge,
    rows: int,
    *,
    sources: Sequence[str] | None = None,
    valid: ArrayLike | None = None,
    fitting: ArrayLike | None = None,
    quotas: Quotas | None = None,
) -> WalkPlan:
    """Plan a walk over a pool of `rows` samples; raises `InputError` where the parameters do not fit it.

    A fraction refers to the valid samples. Pins are taken first and use up budget, whatever their source. With
    `component_budgets`, pins come on top of those budgets.

    sources, valid, fitting, quotas: as `gradient_walk` takes them.
    """
    if parameters.share and quotas is None:
        raise InputError("share: this pool does not say what its columns are")
    usable = _usable(rows, valid)
    pins = _samples("pins", parameters.pins, rows)
    bans = _samples("bans", parameters.bans, rows)
    both = np.intersect1d(pins, bans)
    if both.size:
        raise InputError(f"instruction {both[0]} is both pinned and banned; remove it from one of the two")
    if not usable[pins].all():
        raise InputError(
            f"pins: instruction {pins[~usable[pins]][0]} has no valid gradient or was removed from the pool, so it "
            "cannot be selected; unpin it"
        )

    budgets = _budgets(parameters, knowledge, int(usable.sum()), len(pins))
    return WalkPlan(
        left_out=rows_left_out(parameters, rows, sources=sources, valid=valid, fitting=fitting),
        pins=pins,
        budgets=budgets,
        order=np.argsort(-knowledge.weights, kind="stable"),
        groups=None if quotas is None else quotas.groups,
        quotas=None if quotas is None else quotas.left(parameters, budgets, pins),
    )


def rows_left_out(
    parameters: WalkParameters,
    rows: int,
    *,
    sources: Sequence[str] | None = None,
    valid: ArrayLike | None = None,
    fitting: ArrayLike | None = None,
) -> NDArray[np.bool_]:
    """(n,) rows that no component may take: without a gradient, of another source, banned, not among `only`, or not
    fitting."""
    left_out = ~_usable(rows, valid) | ~_of_sources(parameters, rows, sources)
    if fitting is not None:
        left_out |= ~np.asarray(fitting)
    elif parameters.where:
        raise InputError("where: this pool does not say what its columns are")
    elif parameters.dedupe:
        raise InputError("dedupe: the near-duplicates of this pool are not known")
    left_out[_samples("bans", parameters.bans, rows)] = True
    if parameters.only:
        others = np.ones(rows, dtype=bool)
        others[_samples("only", parameters.only, rows)] = False
        left_out |= others
    return left_out


def reason_left_out(
    parameters: WalkParameters,
    sample: int,
    *,
    sources: Sequence[str] | None = None,
    valid: ArrayLike | None = None,
    fitting: ArrayLike | None = None,
    own: Collection[int] = (),
    gone: ArrayLike | None = None,
) -> str:
    """Why no component may take a sample that is left out, in words. own: samples that the targets are made of. gone:
    (n,) those that were removed from the pool, which are not valid either."""
    if gone is not None and np.asarray(gone)[sample]:
        return "it was removed from the pool"
    if sample in parameters.bans:
        return "it is banned"
    if sample in own:
        return "the target is made of it"
    if valid is not None and not np.asarray(valid)[sample]:
        return "it has no valid gradient"
    if parameters.only and sample not in parameters.only:
        return "it is not among the instructions that the walk is restricted to"
    if fitting is not None and not np.asarray(fitting)[sample]:
        reasons = [f"does not fit {', '.join(parameters.where)}"] if parameters.where else []
        reasons += ["is a near-duplicate of another instruction"] if parameters.dedupe else []
        return f"it {' or '.join(reasons)}"
    return f"its source is {sources[sample] if sources is not None else None!r}"


def largest_remainder(total: int, weights: NDArray[np.floating]) -> NDArray[np.int64]:
    """Whole shares (k,) of `total` in proportion to `weights` (k,), which sum to 1.

    Each gets the whole part of its share; the rest goes to the largest remainders, one each, later ones first among
    equals. Precision and order of the operations are those of the published script.
    """
    exact = total * weights
    shares = np.floor(exact).astype(np.int64)
    by_remainder = np.argsort(exact - shares, kind="stable")[::-1]
    shares[by_remainder[: max(0, total - shares.sum())]] += 1
    return shares


def evenly(total: int, count: int) -> NDArray[np.int64]:
    """Whole shares (count,) of `total` that differ by at most one, the larger ones spread evenly."""
    return np.diff(np.arange(count + 1) * total // count)


def share_out(total: int, knowledge: CoreKnowledge, parameters: WalkParameters) -> NDArray[np.int64]:
    """Budgets of the components (k,): largest remainders of `total` by weight, within each target's own share.

    The total is divided among the targets first. Otherwise, with more components than samples, most shares would
    round to 0 and the target with the heaviest components would get everything. Facets of one example each have
    equal weights; their remainders are spread evenly over the validation set, which may be sorted by subtask.
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

    Raises `InputError` where that is more than there are, or 0.
    """
    if count is not None:
        if count > usable:
            raise InputError(
                f"count = {count:,}: the pool has {usable:,} valid instructions; give at most that many"
            )
        return count
    assert fraction is not None
    total = int(usable * fraction)
    if total == 0:
        raise InputError(
            f"fraction = {fraction:g}: of {usable:,} valid instructions that is 0; give a larger fraction or a count"
        )
    return total


def _budgets(
    parameters: WalkParameters, knowledge: CoreKnowledge, usable: int, pins: int
) -> NDArray[np.int64]:
    if parameters.component_budgets is not None:
        budgets = np.array(parameters.component_budgets, dtype=np.int64)
        if len(budgets) != len(knowledge):
            raise InputError(
                f"component_budgets: {len(budgets)} numbers for {len(knowledge)} directions; "
                "give one for each"
            )
        return budgets
    total = budget_size(parameters.fraction, parameters.count, usable)
    if pins > total:
        raise InputError(
            f"pins: {pins:,} instructions exceed the budget of {total:,}; unpin some or raise the budget"
        )
    return share_out(total - pins, knowledge, parameters)


def _usable(rows: int, valid: ArrayLike | None) -> NDArray[np.bool_]:
    """(n,) rows that have a gradient."""
    usable = np.ones(rows, dtype=bool) if valid is None else np.array(valid, dtype=bool)
    if usable.shape != (rows,):
        raise InputError(f"valid: shape {usable.shape}, expected ({rows},), one entry per gradient")
    return usable


def _samples(name: str, samples: Sequence[int], rows: int) -> NDArray[np.int64]:
    """The samples of a setting, each once; raises `InputError` for one outside the pool."""
    unique = np.array(list(dict.fromkeys(samples)), dtype=np.int64)
    outside = unique[unique >= rows]
    if outside.size:
        raise InputError(f"{name}: no instruction {outside[0]}; the pool has instructions 0 to {rows - 1:,}")
    return unique


def _of_sources(parameters: WalkParameters, rows: int, sources: Sequence[str] | None) -> NDArray[np.bool_]:
    """(n,) whether a row's source is among those of the walk."""
    if parameters.sources is None and not parameters.without_sources:
        return np.ones(rows, dtype=bool)
    if sources is None:
        raise InputError(
            "sources: the sources of this pool are not known; leave out sources and without_sources"
        )
    names = np.asarray(sources, dtype=object)
    if names.shape != (rows,):
        raise InputError(f"sources: {len(names)} names for {rows} gradients")
    known = list(dict.fromkeys(names))
    for field in ("sources", "without_sources"):
        for name in getattr(parameters, field) or ():
            if name not in known:
                raise InputError(f"{field}: no source {name!r}; there are {', '.join(map(repr, known))}")
    included = known if parameters.sources is None else parameters.sources
    return np.isin(names, [name for name in included if name not in parameters.without_sources])
