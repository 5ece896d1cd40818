"""What a change of the walk's settings would bring in and take out, before it is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.run.run import Run


@dataclass(frozen=True)
class Effect:
    """added, removed: how many instructions. coverage: what is added to the mean over the examples of the walk's
    targets of the highest cosine of a chosen instruction to each, in the gradients of the walk as it is; NaN where
    nothing is chosen.
    """

    added: int
    removed: int
    coverage: float


def effect(
    run: Run, parameters: WalkParameters, samples: NDArray[np.integer], changed: WalkParameters
) -> Effect:
    """The effect of walking with `changed` instead of `parameters`, which took `samples`. Raises `InputError`."""
    other = walks.walk(run, changed).samples
    walks.core_knowledge(run, parameters)  # used last: what is tried must not drive it out of the cache
    return Effect(
        added=len(np.setdiff1d(other, samples)),
        removed=len(np.setdiff1d(samples, other)),
        coverage=walks.coverage(run, parameters, other) - walks.coverage(run, parameters, samples),
    )


SHARES = {"delta": 0.1, "variance": 0.15, "conflict_threshold": 0.05}
"""How far from its value a setting between two bounds is tried, down and up."""
WHOLE = ("neighbors", "facets", "components")
"""Settings that are tried at half and at twice their value."""
BUDGETS = (0.005, 0.01, 0.02, 0.05, 0.1)
LIMIT = 0.9
"""The maximum similarity that is tried where there is none."""


def alternatives(
    run: Run, parameters: WalkParameters, name: str, words: dict[str, str]
) -> dict[str, WalkParameters]:
    """Other values of a setting that are worth a look, by what they are called.

    words: what the values of a setting with a few named ones are called; empty for others. Values that no walk can have
    are left out.
    """
    found = {}
    for said, value in _values(run, parameters, name, words):
        try:
            changes = {name: value}
            if name == "fraction":
                changes |= {"count": None, "component_budgets": None}
            found[said] = parameters.replace(**changes)
        except InputError:
            continue
    return found


def _values(
    run: Run, parameters: WalkParameters, name: str, words: dict[str, str]
) -> list[tuple[str, object]]:
    value = getattr(parameters, name)
    if isinstance(value, bool):
        return [("off" if value else "on", not value)]
    if words:
        known = [one for one in words if one != value and (name != "regime" or one in run.regimes)]
        return [(words[one], one) for one in known]
    if name in SHARES:
        least = -1.0 if name == "conflict_threshold" else 0.0
        near = [round(value + way * SHARES[name], 3) for way in (-1, 1)]
        return [(f"{one:.3g}", one) for one in near if least <= one <= 1]
    if name in WHOLE and value:
        return [(f"{one:,}", one) for one in (value // 2, value * 2) if one]
    if name == "max_cosine":
        return [(f"{LIMIT:g}", LIMIT)] if value is None else [("no limit", None)]
    if name == "seed":
        return [(f"{value + 1}", value + 1)]
    if name == "fraction":
        return [(f"{100 * one:g} %", one) for one in BUDGETS if int(one * int(run.valid.sum()))]
    return []
