"""Tables about the neighbourhood of an instruction."""

from __future__ import annotations

from typing import Any

import pandas as pd

from g2is.analysis import walks
from g2is.config import RegimeName, WalkParameters
from g2is.errors import InputError
from g2is.graph import EgoGraph, Path, ego_graph
from g2is.graph.paths import find_path
from g2is.instructions.snippet import snippet
from g2is.knowledge import CoreKnowledge
from g2is.run.run import Run

RELATIONS = ("focus", "aligned", "further", "conflict", "validation", "component")
"""Relations of a node to the focus; further: a neighbour of an aligned sample."""

TEXT = 300
"""Characters of the text of a node, at most."""


def ego_of(
    run: Run, regime: RegimeName, focus: int, *, knowledge: WalkParameters | None = None, **options: Any
) -> EgoGraph:
    """The ego graph of a sample, with the components of some core knowledge.

    knowledge: settings of the components to show (none). Components that are single validation examples are shown as
    validation examples only. options: of `ego_graph`. Raises `InputError` for a focus without a gradient.
    """
    components = None
    if knowledge is not None and not knowledge.facet_per_example:
        components = walks.core_knowledge(run, knowledge.replace(regime=regime)).components
    return ego_graph(run, regime, focus, components=components, **options)


def strongest_path(run: Run, regime: RegimeName, sample: int, knowledge: WalkParameters) -> Path | None:
    """The strongest path from a sample to any component, by `find_path`.

    knowledge: settings of the components. Raises `InputError` for a sample without a gradient.
    """
    graph = run.regime(regime)
    if not 0 <= sample < len(graph.neighbors) or not run.valid[sample]:
        raise InputError(f"instruction {sample}: expected one of the pool that has a gradient")
    affinities = walks.affinities(run, knowledge.replace(regime=regime))
    return find_path(
        graph.neighbors, graph.cosines, run.valid, run.spanning_forest(regime), affinities, sample
    )


def relations(ego: EgoGraph) -> list[str]:
    """For each node, one of RELATIONS."""
    kinds, hops = ego.nodes["kind"].tolist(), ego.nodes["hop"].tolist()
    edges = ego.edges
    opposed = set(edges["target"][(edges["source"] == 0) & (edges["kind"] == "conflict")].tolist())

    def relation(place: int) -> str:
        if place == 0:
            return "focus"
        if kinds[place] != "train":
            return kinds[place]
        if place in opposed:
            return "conflict"
        return "aligned" if hops[place] == 1 else "further"

    return [relation(place) for place in range(len(ego))]


def nodes_frame(run: Run, ego: EgoGraph, knowledge: CoreKnowledge) -> pd.DataFrame:
    """One row for each node: relation, kind, id, cosine, hop, community (-1 for none), leak (kind of near-copy of a
    validation example, or empty), text (its beginning on one line; for a component, of the closest validation
    example)."""
    nodes = ego.nodes
    membership = run.communities(ego.regime).membership
    leaks = leaks_of(run)
    kind_of = dict(zip(leaks["sample"].tolist(), leaks["kind"].tolist(), strict=True))
    train = nodes["id"][nodes["kind"] == "train"].tolist()
    prompts = dict(zip(train, run.prompts(train), strict=True))
    examples = run.validation["prompt"]

    def text(kind: str, row: int) -> str:
        if kind == "train":
            return snippet(prompts[row], TEXT)
        return snippet(examples.iloc[row if kind == "validation" else knowledge.examples[row]], TEXT)

    pairs = list(zip(nodes["kind"].tolist(), nodes["id"].tolist(), strict=True))
    return pd.DataFrame(
        {
            "relation": relations(ego),
            "kind": nodes["kind"],
            "id": nodes["id"],
            "cosine": nodes["cosine"],
            "hop": nodes["hop"],
            "community": [int(membership[row]) if kind == "train" else -1 for kind, row in pairs],
            "leak": [kind_of.get(row, "") if kind == "train" else "" for kind, row in pairs],
            "text": [text(kind, row) for kind, row in pairs],
        }
    )


def on_path(
    nodes: pd.DataFrame, path: Path, parameters: WalkParameters, knowledge: CoreKnowledge
) -> list[int | None]:
    """The places in `nodes` of the samples of a path and of the component at its end; None for those not shown.

    A component that is a single validation example has the place of that example.
    """
    places = {pair: place for place, pair in enumerate(zip(nodes["kind"], nodes["id"], strict=True))}
    end = "component", path.component
    if parameters.facet_per_example:
        end = "validation", int(knowledge.examples[path.component])
    return [places.get(pair) for pair in (*(("train", row) for row in path.samples.tolist()), end)]


def leaks_of(run: Run) -> pd.DataFrame:
    """The possible leaks of a run; an empty table if the run was not searched for them."""
    if run.searched_for_leaks:
        return run.leaks
    return pd.DataFrame(columns=["sample", "validation", "kind", "similarity"])
