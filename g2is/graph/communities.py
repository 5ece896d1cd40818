"""Communities of the gradient graph, and what to call them. Knows neither disk nor screen."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g2is.graph.edges import aligned_edges
from g2is.instructions.words import STOP_WORDS

LABEL_WORDS = 4
TEXTS = 400
"""Texts a label is made from, at most, spread over the community."""
LETTERS = 1000
"""Of each text that count."""


@dataclass(frozen=True, eq=False)
class Communities:
    """Groups of samples with more aligned edges inside than between; the largest has number 0."""

    membership: NDArray[np.int32]
    """(n,) number of each sample's community, -1 where it is not valid."""
    labels: tuple[str, ...]
    """(c,) the words that mark each one out, such as "apples, many, are"."""
    sizes: NDArray[np.int64]
    """(c,) samples in each."""

    def __len__(self) -> int:
        return len(self.sizes)

    @classmethod
    def of(cls, membership: NDArray[np.int32], labels: tuple[str, ...]) -> Communities:
        """With the sizes counted."""
        return cls(membership, labels, np.bincount(membership[membership >= 0], minlength=len(labels)))


def find_communities(
    neighbors: NDArray[np.int32],
    cosines: NDArray[np.float32],
    valid: NDArray[np.bool_],
    *,
    resolution: float = 1.0,
    seed: int = 0,
) -> NDArray[np.int32]:
    """Leiden (Traag et al. 2019) on the aligned edges, weighted by cosine: (n,) numbers, by size, -1 if not valid.

    Maximises modularity at this resolution, until no move improves it. neighbors, cosines: (n, k).
    """
    import igraph

    edges, weights = aligned_edges(neighbors, cosines, valid)
    graph = igraph.Graph(n=len(neighbors), edges=edges)
    igraph.set_random_number_generator(random.Random(seed))
    try:
        found = graph.community_leiden(
            objective_function="modularity", weights=weights.tolist(), resolution=resolution, n_iterations=-1
        )
    finally:
        igraph.set_random_number_generator(random)
    membership = np.where(valid, np.array(found.membership), -1)
    names, first, sizes = np.unique(membership[valid], return_index=True, return_counts=True)
    order = np.lexsort([first, -sizes])
    number = np.full(max(found.membership, default=-1) + 2, -1, np.int32)
    number[names[order]] = np.arange(len(names))
    return number[membership]


def label_communities(membership: NDArray[np.int32], text: Callable[[int], str]) -> tuple[str, ...]:
    """For each community the few words that its texts have far more often than the pool has.

    text: that of a sample; asked for few of a large community's, so that they need not be in memory.

    A word's score is the share of the community's texts with it times the logarithm of how many times that share is
    the share in all communities taken alike: class-based TF-IDF on presence. Words are runs of two letters
    or more in any script. A community without words is named by its number.
    """
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import CountVectorizer

    count = int(membership.max(initial=-1)) + 1
    if count == 0:
        return ()
    order = np.argsort(membership, kind="stable")
    ends = np.searchsorted(membership[order], np.arange(count + 1))
    drawn = [
        order[ends[c] : ends[c + 1]][
            np.unique(np.linspace(0, ends[c + 1] - ends[c] - 1, TEXTS).astype(np.intp))
        ]
        for c in range(count)
    ]
    samples = np.concatenate(drawn)
    vectorizer = CountVectorizer(
        binary=True, token_pattern=r"(?u)[^\W\d_]{2,30}", stop_words=sorted(STOP_WORDS), dtype=np.float32
    )
    try:
        present = vectorizer.fit_transform(text(sample)[:LETTERS] for sample in samples.tolist())
    except ValueError:  # no text has a word
        return tuple(f"community {c}" for c in range(count))
    words = vectorizer.get_feature_names_out()
    lengths = np.array(list(map(len, drawn)))
    members = csr_array(
        (np.repeat(np.float32(1) / lengths, lengths), np.arange(len(samples)), np.cumsum([0, *lengths])),
        shape=(count, len(samples)),
    )
    shares = members @ csr_array(present)
    overall = shares.sum(axis=0) / count
    labels = []
    for c in range(count):
        row = slice(shares.indptr[c], shares.indptr[c + 1])
        here, share = shares.indices[row], shares.data[row]
        score = share * np.log(share / overall[here])
        best = here[np.lexsort([here, -share, -score])][:LABEL_WORDS]
        labels.append(", ".join(words[best]) or f"community {c}")
    return tuple(labels)
