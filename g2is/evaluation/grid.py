"""What is evaluated on a grid: every selection anew for each budget, each target and each number of validation
examples. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.config import walk_preset
from g2is.errors import InputError
from g2is.evaluation.budgets import budget_name
from g2is.evaluation.candidates import Candidate, at_budget, has_method
from g2is.run.run import Run
from g2is.run.selections import Selection, select
from g2is.run.some_examples import with_examples
from g2is.selectors import METHODS
from g2is.selectors.method import TargetedMethod
from g2is.walk.budget import budget_size

VIEWS = 32
"""Runs with some of the examples that are kept open."""
ALL = 0
"""The number of validation examples that stands for all of them."""


@dataclass(frozen=True)
class Chooser:
    """A method that chooses anew.

    choose: rows of the pool, from a run with the examples to use, a budget and a seed. by_examples: whether the
    validation examples matter to it.
    """

    name: str
    method: str
    choose: Callable[[Run, int, int], Sequence[int]]
    by_examples: bool


def of_preset(preset: str) -> Chooser:
    """The walk of a preset, for the targets of the build."""
    return Chooser(
        preset,
        "walk",
        lambda run, budget, seed: walks.walk(run, walk_preset(preset, count=budget)).samples.tolist(),
        by_examples=True,
    )


def of_method(method: str) -> Chooser:
    """A method as it is by default; a random one draws again for each seed. Raises `InputError` for one without a
    budget."""
    fields = METHODS[method].model_fields
    if "count" not in fields:
        raise InputError(
            f"method {method}: has no budget, so it has no place in a grid of them; leave it out"
        )

    def choose(run: Run, budget: int, seed: int) -> Sequence[int]:
        return select(run, method, count=budget, **({"seed": seed} if "seed" in fields else {})).samples

    return Chooser(method.replace("_", "-"), method, choose, issubclass(METHODS[method], TargetedMethod))


def of_selection(name: str, selection: Selection) -> Chooser:
    """The method of a saved selection, with its settings; raises `InputError` for one made by hand."""
    method = selection.method
    if not has_method(selection):
        raise InputError(
            f"selection {name!r}: was made by hand, so it cannot be chosen again for other examples; leave it out, or "
            "evaluate it without --validation-sizes and --by-target"
        )
    by_examples = method == "walk" or issubclass(METHODS[method], TargetedMethod)

    def choose(run: Run, budget: int, seed: int) -> Sequence[int]:
        targets = selection.parameters.get("targets")
        known = {target.name for target in run.targets}
        # Of a run with the examples of one target only that one can be asked for.
        free = selection if not targets or known.issuperset(targets) else _without_targets(selection)
        return at_budget(run, free)(budget)

    return Chooser(name, method, choose, by_examples)


def _without_targets(selection: Selection) -> Selection:
    return selection.model_copy(update={"parameters": {**selection.parameters, "targets": None}})


def grid(
    run: Run,
    choosers: Sequence[Chooser],
    budgets: Sequence[int],
    sizes: Sequence[int] = (),
    targets: Sequence[str] = (),
) -> list[Candidate]:
    """Every chooser at every budget, for each target alone where some are named, with each number of validation
    examples where some are given (`ALL`: all). What does not look at the examples is chosen once a budget.

    The examples are drawn by the seed of the fine-tuning, `nested`. Raises `InputError` for a target that the run does
    not have, and for more examples than a target has.
    """
    counts = {target.name: target.size for target in run.targets}
    for name in targets:
        if name not in counts:
            raise InputError(
                f"test {name!r}: no target of the run has that name, expected one of {', '.join(map(repr, counts))}"
            )
    for name in targets or run.usual_targets:
        if (largest := max(sizes, default=0)) > counts[name]:
            raise InputError(
                f"validation_sizes: target {name!r} has {counts[name]:,} examples, fewer than {largest:,}; give at "
                "most that many, or all"
            )

    @lru_cache(maxsize=VIEWS)
    def view(target: str | None, size: int, seed: int) -> Run:
        names = run.usual_targets if target is None else [target]
        return with_examples(run, nested(run, names, size, seed))

    def candidate(chooser: Chooser, budget: int, size: int | None, target: str | None) -> Candidate:
        def choose(seed: int) -> Sequence[int]:
            whole = size is None and target is None
            return chooser.choose(run if whole else view(target, size or ALL, seed), budget, seed)

        parts = [
            chooser.name,
            *([target] if target else []),
            *([f"v{size or 'all'}"] if size is not None else []),
        ]
        name = budget_name(".".join(parts), budget)
        return Candidate(name, chooser.method, choose, chooser.name, budget, size, target)

    cells = [
        (target, size, budget)
        for target in targets or (None,)
        for size in sizes or (None,)
        for budget in budgets
    ]
    found = [
        candidate(one, budget, None, None) for one in choosers if not one.by_examples for budget in budgets
    ]
    return found + [
        candidate(one, budget, size, target)
        for target, size, budget in cells
        for one in choosers
        if one.by_examples
    ]


def nested(run: Run, targets: Sequence[str], size: int, seed: int) -> NDArray[np.int64]:
    """Rows of `size` validation examples of each target (`ALL`: all), drawn by chance; with the same seed those of a
    smaller size are among those of a larger one."""
    names = run.validation["target"].to_numpy()
    rows = []
    for target in targets:
        own = np.flatnonzero(names == target)
        order = np.random.default_rng((seed, crc32(target.encode()))).permutation(own)
        rows.append(np.sort(order[: size or None]))
    return np.concatenate(rows)


def read_budgets(run: Run, words: Sequence[str]) -> list[int]:
    """Budgets as numbers of instructions, ascending. words: numbers, or with a decimal point or a percent
    sign shares of the pool's instructions with a gradient, separated by commas or not. Raises `InputError`."""
    counts = []
    for word in split(words):
        try:
            share, count = _share(word), None
            if share is None:
                count = int(word)
            counts.append(budget_size(share, count, int(run.valid.sum())))
            fits = counts[-1] >= 1 and (share is None or 0 < share <= 1)
        except (ValueError, OverflowError):
            fits = False
        if not fits:
            raise InputError(
                f"budgets = {word!r}: expected numbers of instructions, such as 60, or shares of the pool, such as 0.01"
            )
    return sorted(set(counts))


def _share(word: str) -> float | None:
    """A share of the pool, from 0.01 or 1%; None where it is none."""
    if word.endswith("%"):
        return float(word[:-1]) / 100
    return float(word) if "." in word else None


def read_sizes(words: Sequence[str]) -> list[int]:
    """Numbers of validation examples, ascending, `ALL` (the word all) last. Raises `InputError`."""
    sizes = []
    for word in split(words):
        if word != "all" and not (
            word.isascii() and word.isdigit() and int(word[:9]) >= 2 and len(word) < 10
        ):
            raise InputError(
                f"validation_sizes = {word!r}: expected numbers of examples from 2, such as 8, or all"
            )
        sizes.append(ALL if word == "all" else int(word))
    return sorted(set(sizes), key=lambda size: (size == ALL, size))


def split(words: Sequence[str]) -> list[str]:
    """The words between spaces, commas and semicolons."""
    return [part for word in words for part in re.split(r"[\s,;]+", word) if part]
