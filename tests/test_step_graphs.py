"""The neighbourhood of each step of a walk, and the chunks of them that a page fetches ahead."""

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.analysis.neighbourhood import ego_of
from g2is.analysis.step_graphs import (
    AFTER,
    BEFORE,
    CHUNK,
    NODES,
    chunks_around,
    draw_graph,
    step_graph,
    steps_of,
)
from g2is.app.shared.walked import Walked
from g2is.app.walk.parts import graph_part, graphs_of_steps_part
from g2is.config import walk_preset
from tests.app.test_map_page import unpack
from tests.app.tiny_run import INVALID, make_run

GRAPH = {"facets_by": "number", "facets": 3, "order": "sequential", "knowledge_coherence": True}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("graphs") / "tiny")


@pytest.mark.parametrize("steps", [1, CHUNK, CHUNK + 1, 9 * CHUNK + 3])
def test_chunks_hold_the_step_and_what_comes_next(steps):
    for step in range(steps):
        chunks = chunks_around(step, steps)
        assert step in steps_of(chunks[0], steps), "its own comes first"
        assert len(set(chunks)) == len(chunks) <= BEFORE + AFTER + 1
        assert len({chunk % (BEFORE + AFTER + 1) for chunk in chunks}) == len(chunks), (
            "each in a slot of its own"
        )
        known = {one for chunk in chunks for one in steps_of(chunk, steps)}
        ahead = set(range(step, min(step + AFTER * CHUNK + 1, steps)))
        behind = set(range(max(0, step - BEFORE * CHUNK), step))
        assert ahead | behind <= known and max(known) < steps


@pytest.mark.parametrize("changes", [{}, GRAPH, {"pins": (3, INVALID + 1)}])
def test_the_graph_of_a_step_has_the_edge_that_was_walked(run, changes):
    trace = walks.walk(run, walk_preset("recommended", count=40, **changes))
    core = walks.core_knowledge(run, trace.parameters)
    steps, walked = trace.steps, set()
    for step in range(len(steps)):
        ego = step_graph(run, trace, step).ego
        assert ego.focus == steps.sample[step] and len(ego) <= NODES
        nodes = list(zip(ego.nodes["kind"], ego.nodes["id"].tolist(), strict=True))
        component = int(steps.component[step])
        if component < 0:
            continue
        goal = ("component", component)
        if trace.parameters.facet_per_example:
            goal = ("validation", int(core.loadings[component].argmax()))
        assert goal in nodes
        came_from = goal
        if steps.origin[step] == 2:
            came_from = ("train", int(steps.previous[step]))
        place = nodes.index(came_from)
        ends = ego.edges[["source", "target"]].to_numpy().tolist()
        assert [0, place] in ends or [place, 0] in ends
        walked.add(came_from[0])
    assert walked == ({"component", "train"} if changes == GRAPH else {"validation"})


def test_what_is_always_shown_comes_first_and_only_once(run):
    far = int(np.flatnonzero(run.valid)[-1])
    weakest = int(run.regime("sgd").validation_cosines[30].argmin())
    always = {"train": [far, INVALID, 30], "validation": [weakest]}
    ego = ego_of(run, "sgd", 30, most=12, always=always)
    nodes = list(zip(ego.nodes["kind"], ego.nodes["id"].tolist(), strict=True))
    assert nodes[:2] == [("train", 30), ("train", far)] and len(set(nodes)) == len(nodes) == 12
    assert ("validation", weakest) in nodes and ("train", INVALID) not in nodes


def test_an_instruction_without_a_gradient_has_no_graph(run):
    assert draw_graph(run, "sgd", INVALID, walk_preset("recommended", count=9)) is None


@pytest.mark.parametrize("changes", [{}, GRAPH])
def test_parts_have_the_texts_of_their_nodes(run, changes):
    parameters = walk_preset("recommended", count=40, **changes)
    trace = walks.walk(run, parameters)
    walked = Walked(parameters, trace, walks.core_knowledge(run, parameters), None, 0.0)
    part = unpack(graphs_of_steps_part(run, walked, "w", 1, range(8, 16)))
    assert (part["kind"], part["walk"]) == ("graphs 1", "w")
    assert [graph["focus"] for graph in part["graphs"]] == trace.samples[8:16].tolist()
    kinds = np.array(part["relations"])[part["relation"]]
    train = set(part["row"][~np.isin(kinds, ["validation", "component"])].tolist())
    assert train == set(map(int, part["lines"]))
    examples = set(part["row"][kinds == "validation"].tolist())
    examples |= {walked.examples[row] for row in part["row"][kinds == "component"]}
    assert examples == set(map(int, part["examples"]))
    # One in the walk is drawn as its step is; one outside has the same form, and one without a gradient says so.
    taken, outside = int(trace.samples[9]), int(np.setdiff1d(np.flatnonzero(run.valid), trace.samples)[0])
    assert unpack(graph_part(run, walked, "w", taken))["row"].tolist() == rows_of(part, taken)
    alone = unpack(graph_part(run, walked, "w", outside))
    assert alone["kind"] == "graph" and alone["graphs"][0]["focus"] == outside
    assert unpack(graph_part(run, walked, "w", INVALID))["missing"] == [INVALID]


def rows_of(part, focus):
    """The rows of the nodes of one graph of a part."""
    counts = [graph["nodes"] for graph in part["graphs"]]
    at = [graph["focus"] for graph in part["graphs"]].index(focus)
    return part["row"][sum(counts[:at]) : sum(counts[: at + 1])].tolist()
