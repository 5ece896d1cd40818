"""Sensitivity of a walk to its settings: the same walk over a grid of two of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from g2is.analysis import walks
from g2is.analysis.comparison import Profiler
from g2is.analysis.idle import one_each
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.walk import WalkTrace

DELTAS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
VARIANCES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
FACETS = (1, 2, 4, 8, 16, 32, 64, 128)


def other_axis(parameters: WalkParameters, validation: int) -> tuple[str, tuple[Any, ...]]:
    """The setting that determines the number of components, and the values to try.

    `variance` for principal directions, `facets` for groups. validation: number of validation samples; the number of
    groups is at most a third of it.
    """
    if parameters.knowledge == "principal":
        return "variance", VARIANCES
    most = max(1, validation // 3)
    return "facets", tuple(dict.fromkeys(min(count, most) for count in FACETS))[-6:]


@dataclass(frozen=True, eq=False)
class Cell:
    """One walk of the grid. samples: in order of choice; None if there is no core knowledge for the settings."""

    delta: float
    other: float
    samples: np.ndarray | None
    components: int = 0


def walk_grid(
    run: Run,
    parameters: WalkParameters,
    deltas: Sequence[float] = DELTAS,
    others: Sequence[Any] | None = None,
    on_walk: Callable[[], object] = lambda: None,
) -> list[Cell]:
    """The walk with `parameters` for each delta and each value of the second setting (`other_axis`).

    Where delta does nothing, one walk stands for all. on_walk: called for each cell.
    """
    name, known = other_axis(parameters, len(walks.examples_in_use(run, parameters)))
    base = parameters.replace(components=None)
    if parameters.component_budgets is not None:
        # Budgets set by hand fit one number of components only: use their sum, and the pins, which come on top.
        total = sum(parameters.component_budgets) + len(walks.with_rows(run, parameters).pins)
        base = base.replace(component_budgets=None, fraction=None, count=max(1, total))
    if name == "facets":
        base = base.replace(facets_by="number")
    cells = []
    for other in known if others is None else others:
        trace = None
        for delta in deltas:
            try:
                if trace is None or not delta_is_idle(trace):
                    trace = walks.walk(run, base.replace(delta=delta, **{name: other}))
                cells.append(Cell(delta, other, trace.samples, len(trace.budgets)))
            except InputError:
                cells.append(Cell(delta, other, None))
            on_walk()
    return cells


def delta_is_idle(trace: WalkTrace) -> bool:
    """Whether a walk is the same for every delta."""
    return not trace.parameters.consistency or one_each(trace)


def without_idle_delta(cells: Sequence[Cell], delta: float) -> list[Cell]:
    """The cells of a grid; only those of one delta, near `delta`, where the walks of all others are the same."""
    rows: dict[Any, list[Cell]] = {}
    for cell in cells:
        rows.setdefault(cell.other, []).append(cell)
    if not all(_same(row[0], cell) for row in rows.values() for cell in row):
        return list(cells)
    nearest = min({cell.delta for cell in cells}, key=lambda other: abs(other - delta))
    return [cell for cell in cells if cell.delta == nearest]


def _same(first: Cell, second: Cell) -> bool:
    if first.samples is None or second.samples is None:
        return first.samples is second.samples
    return np.array_equal(first.samples, second.samples)


def grid_table(cells: Sequence[Cell], name: str, here: np.ndarray, profiler: Profiler) -> pd.DataFrame:
    """Measures of the walks of a grid: one row for each cell, in their order.

    Columns: delta, the second setting under its `name`, samples (number taken), components, overlap with the samples
    `here` (those in both as a share of those in either), and alignment and coverage_of_pool as in `Profile`.
    """
    rows = []
    for cell in cells:
        row: dict[str, Any] = {"delta": cell.delta, name: cell.other}
        if cell.samples is not None:
            both = len(np.intersect1d(cell.samples, here))
            row |= {
                "samples": len(cell.samples),
                "components": cell.components,
                "overlap": both / max(1, len(cell.samples) + len(here) - both),
            }
            if len(cell.samples):
                row |= {
                    "alignment": profiler.alignment(cell.samples),
                    "coverage_of_pool": profiler.coverage(cell.samples) / float(profiler.best.mean()),
                }
        rows.append(row)
    columns = ["delta", name, "samples", "components", "overlap", "alignment", "coverage_of_pool"]
    return pd.DataFrame(rows).reindex(columns=columns)
