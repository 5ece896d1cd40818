"""Communities of the gradient graph and their labels. Knows neither disk nor screen."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g2is.graph.edges import aligned_edges
from g2is.instructions.words import Texts, by_score, spread, word_shares

LABEL_WORDS = 4
"""Words of a label, at most."""
EDGES = 15
"""Nearest neighbours of a sample that count for communities, as for UMAP: more cost memory and change little."""
TEXTS = 400
"""Texts of a community that its label is computed from, at most, spread evenly over it."""


@dataclass(frozen=True, eq=False)
class Communities:
    """Groups of samples with more aligned edges inside than between; the largest has number 0.

    membership: (n,) number of each sample's community, -1 where it is not valid. labels: (c,) the words that are
    typical of each, such as "apples, many". sizes: (c,) samples in each.
    """

    membership: NDArray[np.int32]
    labels: tuple[str, ...]
    sizes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sizes)

    @classmethod
    def of(cls, membership: NDArray[np.int32], labels: tuple[str, ...]) -> Communities:
        """Communities with these members and labels; sizes are counted."""
        return cls(membership, labels, np.bincount(membership[membership >= 0], minlength=len(labels)))

    def without(self, gone: NDArray[np.bool_]) -> Communities:
        """The same communities without some samples (n,); numbers stay, and so one may be empty."""
        return Communities.of(np.where(gone, np.int32(-1), self.membership), self.labels)


def find_communities(
    neighbors: NDArray[np.int32],
    cosines: NDArray[np.float32],
    valid: NDArray[np.bool_],
    *,
    resolution: float = 1.0,
    seed: int = 0,
) -> NDArray[np.int32]:
    """Community numbers (n,), largest first, -1 where not valid: Leiden (Traag et al. 2019) on the aligned edges to the
    `EDGES` nearest of each sample.

    Edges are weighted by cosine. Maximises modularity at `resolution` until no move improves it, deterministic for a
    seed. neighbors, cosines: (n, k). valid: (n,).
    """
    import igraph

    edges, weights = aligned_edges(*_nearest(neighbors, cosines), valid)
    graph = igraph.Graph(n=len(neighbors), edges=edges)
    del edges
    igraph.set_random_number_generator(random.Random(seed))
    try:
        # An array: a list of Python numbers takes four times the memory of the weights themselves.
        clustering = graph.community_leiden(
            objective_function="modularity", weights=weights, resolution=resolution, n_iterations=-1
        )
    finally:
        igraph.set_random_number_generator(random)
    found = np.array(clustering.membership, np.int32)
    membership = np.where(valid, found, -1)
    names, first, sizes = np.unique(membership[valid], return_index=True, return_counts=True)
    order = np.lexsort([first, -sizes])
    number = np.full(found.max(initial=-1) + 2, -1, np.int32)
    number[names[order]] = np.arange(len(names))
    return number[membership]


def _nearest(
    neighbors: NDArray[np.int32], cosines: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `EDGES` nearest of lists (n, k), which may be in any order where they are imported."""
    if neighbors.shape[1] <= EDGES:
        return neighbors, cosines
    if (np.diff(cosines, axis=1) <= 0).all():
        return neighbors[:, :EDGES], cosines[:, :EDGES]
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :EDGES]
    return np.take_along_axis(neighbors, order, axis=1), np.take_along_axis(cosines, order, axis=1)


def label_communities(membership: NDArray[np.int32], texts: Texts) -> tuple[str, ...]:
    """For each community a few words that are much more frequent in its texts than in those of the others.

    membership: (n,) as `find_communities` returns it. texts: reads the texts of samples; of at most `TEXTS` of each
    community. Communities have equal weight, whatever their size. A community without words is labelled by its
    number. See `instructions.words` for the score.
    """
    count = int(membership.max(initial=-1)) + 1
    if count == 0:
        return ()
    order = np.argsort(membership, kind="stable")
    ends = np.searchsorted(membership[order], np.arange(count + 1))
    samples = [spread(order[ends[c] : ends[c + 1]], TEXTS) for c in range(count)]
    words, shares = word_shares(texts, samples)
    overall = shares.sum(axis=0) / count
    labels = []
    for c in range(count):
        row = slice(shares.indptr[c], shares.indptr[c + 1])
        here = np.sort(shares.indices[row])
        best = here[by_score(shares[[c]].toarray()[0, here], overall[here])[:LABEL_WORDS]]
        labels.append(", ".join(words[best]) or f"community {c}")
    return tuple(labels)
