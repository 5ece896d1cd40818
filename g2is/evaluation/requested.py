"""All that is to be evaluated, from what a person names: selections, presets of the walk, methods. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from g2is.analysis import walks
from g2is.config import walk_preset
from g2is.errors import InputError
from g2is.evaluation.candidates import Candidate, baseline, saved
from g2is.evaluation.grid import grid, of_method, of_preset, of_selection
from g2is.run.run import Run
from g2is.run.selections import Selection
from g2is.selectors import METHODS
from g2is.walk.budget import budget_size


def requested(
    run: Run,
    chosen: Mapping[str, Selection],
    methods: Sequence[str] = (),
    presets: Sequence[str] = (),
    *,
    one: Mapping[str, Any] | None = None,
    budgets: Sequence[int] = (),
    sizes: Sequence[int] = (),
    targets: Sequence[str] = (),
) -> list[Candidate]:
    """The candidates, in the order of selections, presets, methods.

    chosen: saved selections by name. one: the budget (`count` or `fraction`) of presets and methods where there are
    not several `budgets`; that of the largest selection where it is empty. sizes, targets: of a `grid`, where there are
    some. Raises `InputError` where there is nothing, or no budget.
    """
    if not (chosen or methods or presets):
        raise InputError("nothing to evaluate; give --selection, --set, --preset or --method")
    largest = max((len(selection.samples) for selection in chosen.values()), default=0)
    single = dict(one or {"count": largest})
    lacking = single == {"count": 0} and not budgets
    if lacking and (presets or any("count" in METHODS[method].model_fields for method in methods)):
        what = f"preset {presets[0]}" if presets else f"method {methods[0]}"
        raise InputError(
            f"{what}: give --fraction or --count, several --budgets, or a selection or set whose budget it gets"
        )
    if sizes or targets:
        choosers = [
            *(of_selection(name, selection) for name, selection in chosen.items()),
            *map(of_preset, presets),
            *map(of_method, methods),
        ]
        counts = budgets or [budget_size(single.get("fraction"), single.get("count"), int(run.valid.sum()))]
        return grid(run, choosers, counts, sizes, targets)
    candidates = []
    for name, selection in chosen.items():
        candidates += saved(run, name, selection, budgets)
    for preset in presets:
        candidates += saved(run, preset, _walked(run, preset, budgets, single), budgets)
    for method in methods:
        if "count" not in METHODS[method].model_fields:
            candidates += baseline(run, method, [{}], named=False)
        elif budgets:
            candidates += baseline(run, method, [{"count": count} for count in budgets], named=True)
        else:
            candidates += baseline(run, method, [single], named=False)
    return candidates


def _walked(run: Run, preset: str, budgets: Sequence[int], single: Mapping[str, Any]) -> Selection:
    """The walk of a preset; with several budgets it is chosen again at each."""
    parameters = walk_preset(preset, **({"count": budgets[0]} if budgets else single))
    samples = walks.walk(run, parameters).samples
    return Selection.of(run, samples, "walk", parameters.model_dump())
