"""The neighbourhood of every step of a walk, as a page draws it; described a chunk of steps at a time.

Steps and rows count from 0, as in the trace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.analysis.neighbourhood import ego_of, relations
from g2is.config import RegimeName, WalkParameters
from g2is.graph import EgoGraph, ego_layout
from g2is.run.run import Run
from g2is.walk import WalkTrace
from g2is.walk.trace import NEIGHBOR

NODES = 40
"""Nodes of the graph of a step, at most."""
CHUNK = 8
"""Steps whose graphs are computed and sent together."""
BEFORE, AFTER = 1, 2
"""Chunks fetched before and after that of the present step: at ten steps a second more than a second ahead."""


@dataclass(frozen=True, eq=False)
class DrawnGraph:
    """An ego graph with its layout. relations: of each node, see `relations`. places: (k, 2)."""

    ego: EgoGraph
    relations: list[str]
    places: NDArray[np.float32]


def draw_graph(
    run: Run,
    regime: RegimeName,
    focus: int,
    knowledge: WalkParameters,
    *,
    always: Mapping[str, Sequence[int]] | None = None,
) -> DrawnGraph | None:
    """The neighbourhood of an instruction, of at most `NODES` nodes; None where it has no gradient."""
    if not run.valid[focus]:
        return None
    ego = ego_of(run, regime, focus, most=NODES, knowledge=knowledge, always=always)
    return DrawnGraph(ego, relations(ego), ego_layout(ego))


def step_graph(run: Run, trace: WalkTrace, step: int) -> DrawnGraph | None:
    """The neighbourhood of the instruction that a step took, with what the step came from always in it."""
    parameters = trace.parameters
    always = dict[str, list[int]]()
    for kind, row in (came_along(run, trace, step), goal(run, trace, step)):
        if kind:
            always.setdefault(kind, []).append(row)
    return draw_graph(run, parameters.regime, int(trace.steps.sample[step]), parameters, always=always)


def came_along(run: Run, trace: WalkTrace, step: int) -> tuple[str, int]:
    """The node whose edge the step walked along: the instruction before, or its goal; kind "" for a pin."""
    if trace.steps.origin[step] == NEIGHBOR:
        return "train", int(trace.steps.previous[step])
    return goal(run, trace, step)


def goal(run: Run, trace: WalkTrace, step: int) -> tuple[str, int]:
    """The target direction of a step as a node: the validation example that it is, if it is one; kind "" for a pin."""
    component = int(trace.steps.component[step])
    if component < 0:
        return "", -1
    if not trace.parameters.facet_per_example:
        return "component", component
    return "validation", int(walks.core_knowledge(run, trace.parameters).examples[component])


def chunks_around(step: int, steps: int) -> list[int]:
    """The chunks to have at hand at a step of so many: its own first, then those that come next."""
    here, last = step // CHUNK, (steps - 1) // CHUNK
    wanted = [here, *range(here + 1, here + AFTER + 1), *range(here - 1, here - BEFORE - 1, -1)]
    return [chunk for chunk in wanted if 0 <= chunk <= last]


def steps_of(chunk: int, steps: int) -> range:
    """The steps of a chunk."""
    return range(chunk * CHUNK, min((chunk + 1) * CHUNK, steps))
