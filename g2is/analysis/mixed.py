"""The mixed gradient graph of a run as an igraph graph, and as GraphML for programs such as Gephi and Cytoscape."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.config import RegimeName, WalkParameters, walk_preset
from g2is.graph.edges import aligned_edges, conflict_edges, nearest_rows
from g2is.run.run import Run
from g2is.storage.files import write_file

if TYPE_CHECKING:
    import igraph

EXCERPT = 200
"""Characters of a prompt that a vertex has."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow, not even escaped."""


def mixed_graph(
    run: Run,
    *,
    regime: RegimeName | None = None,
    knowledge: WalkParameters | None = None,
    neighbors: int | None = None,
    conflicts: int | None = None,
    links: int = 10,
) -> igraph.Graph:
    """The undirected graph of training and validation gradients (Zhao et al. 2025) and core knowledge.

    regime: of the edges (sgd, or the first that the run keeps). knowledge: settings of the components (preset
    recommended). neighbors, conflicts: length of each sample's lists (all of them). links: edges from each validation
    sample and component to its nearest samples.

    Vertices are the samples that were not removed from the pool, the m validation samples, and the components, in this
    order:

    - name: "train 12", "validation 3", "component 0"; kind: train, validation, component; row: 12, 3, 0
    - source, line, text (the first 200 characters of the prompt): of samples and validation samples
    - valid, loss, tokens, community, community_label: of samples; target: of validation samples and components;
      weight: of components, their share of the budget
    - for other vertices: "", None, and for valid, true

    Edges have a kind and a cosine: aligned (two samples, one lists the other as neighbour, cosine above 0), conflict
    (likewise, below 0), validation (a validation sample and a sample), affinity (a component and a sample), and
    loading (a component and a validation sample, above 0).

    All values are numbers, strings that XML allows, or None. Raises `InputError` for a regime that the run does not
    keep, and for a run without communities.
    """
    import igraph

    name = regime or ("sgd" if "sgd" in run.regimes else run.regimes[0])
    lists = run.regime(name)
    parameters = (knowledge or walk_preset("recommended", count=1)).replace(regime=name)
    core, affinities = walks.core_knowledge(run, parameters), walks.affinities(run, parameters)
    n, m = len(run.instructions), len(run.validation)

    edges = {
        "aligned": aligned_edges(lists.neighbors[:, :neighbors], lists.cosines[:, :neighbors], run.valid),
        "conflict": conflict_edges(
            lists.conflicts[:, :conflicts], lists.conflict_cosines[:, :conflicts], run.valid
        ),
        "validation": _linked(n, *nearest_rows(lists.validation_cosines, run.valid, links)),
        "affinity": _linked(n + m, *nearest_rows(affinities, run.valid, links)),
        "loading": _loadings(core.loadings, n),
    }
    graph = igraph.Graph(n=n + m + len(core), edges=np.concatenate([pairs for pairs, _ in edges.values()]))
    graph["run"], graph["regime"] = clean(run.name), name
    for attribute, values in _vertices(run, name, core.targets, core.weights).items():
        graph.vs[attribute] = values
    graph.es["kind"] = [kind for kind, (pairs, _) in edges.items() for _ in range(len(pairs))]
    graph.es["cosine"] = np.concatenate([cosines for _, cosines in edges.values()]).tolist()
    graph.delete_vertices(np.flatnonzero(run.gone).tolist())
    return graph


def write_graphml(graph: igraph.Graph, path: Path | str) -> None:
    """Write a graph for Gephi, Cytoscape, yEd or networkx. Raises `InputError` if it cannot be written."""
    write_file(Path(path), lambda file: graph.write_graphml(file))


def clean(text: str) -> str:
    """The text with U+FFFD in place of characters that XML does not allow, such as control characters."""
    return _NOT_XML.sub("\ufffd", text)


def _linked(
    start: int, rows: NDArray[np.int32], cosines: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Edges from c vertices, numbered from `start`, to their nearest rows (c, k), and their cosines."""
    ends = np.repeat(np.arange(start, start + len(rows)), rows.shape[1])
    return np.stack([rows.ravel(), ends], axis=1).astype(np.int32), cosines.ravel()


def _loadings(loadings: NDArray[np.float32], n: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Edges between components and validation samples with loadings (c, m) above 0, and those loadings."""
    component, validation = np.nonzero(loadings > 0)
    pairs = np.stack([n + validation, n + loadings.shape[1] + component], axis=1)
    return pairs.astype(np.int32), loadings[component, validation]


def _vertices(
    run: Run, regime: RegimeName, targets: tuple[str, ...], weights: NDArray[np.floating]
) -> dict[str, list[Any]]:
    pool, validation, communities = run.instructions, run.validation, run.communities(regime)
    n, m, c = len(pool), len(validation), len(targets)
    kinds = {"train": n, "validation": m, "component": c}
    membership = communities.membership.tolist()
    labels = [clean(label) for label in communities.labels]
    both = (pool, validation)
    sources = [clean(source) for frame in both for source in frame["source"]]
    prompts = chain((prompt for prompt, _ in run.conversations()), validation["prompt"])
    texts = [clean(prompt[:EXCERPT]) for prompt in prompts]
    lines = [line for frame in both for line in frame["line"].tolist()]
    none = [None] * (m + c)
    return {
        "name": [f"{kind} {row}" for kind, count in kinds.items() for row in range(count)],
        "kind": [kind for kind, count in kinds.items() for _ in range(count)],
        "row": [row for count in kinds.values() for row in range(count)],
        "source": sources + [""] * c,
        "line": lines + [None] * c,
        "text": texts + [""] * c,
        "valid": run.valid.tolist() + [True] * (m + c),
        "loss": [None if np.isnan(loss) else loss for loss in pool["loss"].tolist()] + none,
        "tokens": pool["tokens"].tolist() + none,
        "community": [None if number < 0 else number for number in membership] + none,
        "community_label": ["" if number < 0 else labels[number] for number in membership] + [""] * (m + c),
        "target": [""] * n + [clean(name) for name in (*validation["target"], *targets)],
        "weight": [None] * (n + m) + weights.tolist(),
    }
