"""Which known methods a selection resembles: how many of its instructions each of them would have chosen too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.config import WalkParameters
from g2is.run.run import Run
from g2is.selectors.less import Less
from g2is.selectors.round_robin import RoundRobin

NAMES = {"round_robin": "round robin", "less": "LESS", "random": "random"}


@dataclass(frozen=True)
class Resemblance:
    """shared: instructions that both have; for `random` the number expected of a draw. size: of the selection."""

    method: str
    shared: float
    size: int

    @property
    def name(self) -> str:
        return NAMES[self.method]


def choices(run: Run, parameters: WalkParameters, budget: int) -> dict[str, NDArray[np.int64]]:
    """What round robin and LESS choose of a run with the gradients and targets of a walk, and this budget."""
    asked: dict[str, Any] = {
        "regime": parameters.regime,
        "targets": tuple(walks.targets_in_use(run, parameters)),
        "without_target_rows": parameters.without_target_rows,
        "fraction": None,
        "count": budget,
    }
    methods = {"round_robin": RoundRobin(**asked), "less": Less(**asked)}
    return {name: method.select(run) for name, method in methods.items()}


def resemblances(
    samples: NDArray[np.integer], chosen: dict[str, NDArray[np.int64]], valid: int
) -> list[Resemblance]:
    """The methods by what they share with a selection, most first. chosen: as of `choices`. valid: instructions that
    a random draw could take."""
    size = len(samples)
    shared: dict[str, float] = {name: len(np.intersect1d(samples, rows)) for name, rows in chosen.items()}
    shared["random"] = size * size / max(1, valid)
    found = [Resemblance(name, value, size) for name, value in shared.items()]
    return sorted(found, key=lambda one: -one.shared)
