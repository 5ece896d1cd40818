"""What a run has to show of the three ideas behind the walk: gradients, graph, walk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.run.run import Run

STEPS = 6
"""Steps of the walk that are shown."""
NEAREST, OPPOSED = 6, 2
"""Neighbours and conflicting instructions that are shown around the one taken first."""
DOTS = 1200
"""Instructions on the map; of a larger pool an even choice."""


@dataclass(frozen=True, eq=False)
class Ideas:
    """The first steps of a recommended walk, and what lies around the first.

    example: validation example that the first step is for. first: the instruction taken for it. cosines: (n,) of all
    instructions with a gradient to the example, ascending. rows: (n,) those instructions.
    around: the nearest and the most conflicting instructions of `first`, with `around_cosines`. links: pairs of places
    in `around` that are neighbours of each other, (l, 2).
    taken, examples: (t,) the instructions of the walk in order, and the example each was taken for.
    dots, stars: (., 2) coordinates of instructions and of the examples on the map, larger upwards; path: (t, 2) those
    of `taken`.
    """

    example: int
    first: int
    cosines: NDArray[np.float32]
    rows: NDArray[np.int64]
    around: NDArray[np.int64]
    around_cosines: NDArray[np.float32]
    links: NDArray[np.int64]
    taken: NDArray[np.int32]
    examples: NDArray[np.int64]
    dots: NDArray[np.float32]
    stars: NDArray[np.float32]
    path: NDArray[np.float32]


def ideas(run: Run, parameters: WalkParameters) -> Ideas | None:
    """The ideas by a walk of a few steps over a finished run; None where the run has nothing to show: no map, or no
    instruction that the walk could take."""
    if not run.layouts:
        return None
    # One instruction an example: fewer would be given to the heaviest examples, and the walk would begin elsewhere.
    count = max(STEPS, len(run.validation))
    try:
        trace = walks.walk(run, parameters.model_copy(update={"fraction": None, "count": count}))
    except InputError:
        return None
    taken = trace.steps.sample[:STEPS]
    component = trace.steps.component[:STEPS]
    if not len(taken) or (component < 0).any():
        return None
    knowledge = walks.core_knowledge(run, trace.parameters)
    examples = knowledge.examples[component]
    regime = run.regime(trace.parameters.regime)
    first, example = int(taken[0]), int(examples[0])
    rows = np.flatnonzero(run.valid)
    own = regime.validation_cosines[rows, example]
    order = np.argsort(own, kind="stable")
    around, cosines = _around(regime.neighbors[first], regime.cosines[first], NEAREST)
    against, below = _around(regime.conflicts[first], regime.conflict_cosines[first], OPPOSED)
    opposed = below < 0
    around = np.concatenate([around, against[opposed]])
    layout = run.layout(run.layouts[0], trace.parameters.regime)
    shown = rows[:: max(1, -(-len(rows) // DOTS))]
    return Ideas(
        example=example,
        first=first,
        cosines=np.asarray(own[order], np.float32),
        rows=rows[order],
        around=around,
        around_cosines=np.concatenate([cosines, below[opposed]]),
        links=_links(regime.neighbors, around),
        taken=taken,
        examples=examples,
        dots=np.asarray(layout.samples[shown]),
        stars=np.asarray(layout.validation[examples]),
        path=np.asarray(layout.samples[taken]),
    )


def _around(rows: np.ndarray, cosines: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The first of a list that -1 fills up."""
    kept = np.flatnonzero(rows >= 0)[:most]
    return np.asarray(rows[kept], np.int64), np.asarray(cosines[kept], np.float32)


def _links(neighbors: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Pairs of places of which one instruction is among the other's neighbours."""
    near = np.isin(neighbors[around], around)
    place = {int(row): number for number, row in enumerate(around)}
    pairs = {
        tuple(sorted((one, place[int(other)])))
        for one, other in zip(near.nonzero()[0].tolist(), neighbors[around][near].tolist(), strict=True)
        if place[int(other)] != one
    }
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)
