"""Core knowledge as groups of similar validation examples, each with its mean direction."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.unit import unit
from g2is.knowledge.core import CoreKnowledge, checked_rows, describe

FACET_RESTARTS = 8
FACET_ROUNDS = 100


def facets(
    validation_gradients: ArrayLike,
    *,
    count: int,
    by: Literal["number", "silhouette", "each"] = "number",
    seed: int = 0,
) -> CoreKnowledge:
    """The parts of (m, d) validation gradients: groups of unit rows, each with its mean direction.

    Spherical k-means (k-means++ starts, the best of a few restarts, the same for the same seed) into `count`
    groups, at most a third of the rows: smaller ones would be single examples. A group's weight is its
    share of the rows, heaviest first. Rows of zeros have no direction and belong to no group.

    by: `silhouette` tries numbers up to `count` and takes the one whose groups are clearest (the highest mean
    silhouette, Rousseeuw 1987, over cosine distances; the smaller of equal ones). `each` makes every row a group
    of its own, whatever `count`.
    """
    raw = checked_rows(validation_gradients)
    rows = unit(raw[np.any(raw != 0, axis=1)]).astype(np.float64)
    most = min(count, max(1, len(rows) // 3))
    cosines = rows @ rows.T
    if by == "each":
        groups = np.arange(len(rows))
    elif by == "silhouette":
        groups = _clearest_groups(cosines, most, seed)
    else:
        groups = _best_groups(cosines, most, seed)

    count = int(groups.max()) + 1
    sizes = np.bincount(groups, minlength=count)
    order = np.argsort(-sizes, kind="stable")
    means = np.stack([rows[groups == group].mean(axis=0) for group in order])
    # Rows that cancel out leave no mean direction; the first of them then stands for its group.
    for index in np.flatnonzero(np.linalg.norm(means, axis=1) < 1e-9):
        means[index] = rows[np.argmax(groups == order[index])]
    return describe(raw, unit(means), sizes[order] / len(rows))


def _best_groups(cosines: NDArray[np.float64], count: int, seed: int) -> NDArray[np.intp]:
    """The most cohesive of a few groupings (m,) into `count`, none empty."""
    generator = np.random.default_rng(seed)
    tries = [_spherical_kmeans(cosines, count, generator) for _ in range(FACET_RESTARTS)]
    return max(tries, key=lambda found: found[0])[1]


def _clearest_groups(cosines: NDArray[np.float64], most: int, seed: int) -> NDArray[np.intp]:
    """The grouping (m,) with the highest silhouette of those into 2, 3, 4, 6, 8, 12, … and `most` groups."""
    from sklearn.metrics import silhouette_score

    distances = np.clip(1 - cosines, 0, None)
    np.fill_diagonal(distances, 0)
    counts = sorted({most} | {count for power in range(1, 16) for count in (2**power, 3 * 2 ** (power - 1))})
    groupings = [_best_groups(cosines, count, seed) for count in counts if 2 <= count <= most]
    if not groupings:
        return np.zeros(len(cosines), dtype=np.intp)
    return max(groupings, key=lambda groups: silhouette_score(distances, groups, metric="precomputed"))


def _spherical_kmeans(
    cosines: NDArray[np.float64], count: int, generator: np.random.Generator
) -> tuple[float, NDArray[np.intp]]:
    """Cohesion (sum of every row's cosine to its centroid) and groups (m,), none empty, from (m, m) cosines.

    Works on the cosines alone: a row's product with a group's sum is the sum of its cosines to the members.
    """
    similarity = cosines[:, _spread_start(cosines, count, generator)]
    groups, cohesion = np.full(len(cosines), -1), 0.0
    for _ in range(FACET_ROUNDS):
        nearest = similarity.argmax(axis=1)
        own = similarity[np.arange(len(nearest)), nearest]
        for empty in np.setdiff1d(np.arange(count), nearest):
            # The row that fits its group least starts a new one, unless it is all of its group.
            crowded = np.bincount(nearest, minlength=count)[nearest] > 1
            nearest[np.argmin(np.where(crowded, own, np.inf))] = empty
        if np.array_equal(nearest, groups):
            break
        groups = nearest
        members = np.eye(count)[groups]
        products = cosines @ members
        lengths = np.sqrt(np.maximum(np.einsum("mc,mc->c", members, products), 1e-18))
        similarity, cohesion = products / lengths, float(lengths.sum())
    return cohesion, groups


def _spread_start(cosines: NDArray[np.float64], count: int, generator: np.random.Generator) -> list[int]:
    """k-means++: each further start drawn with a chance in proportion to 1 - its best cosine so far."""
    starts = [int(generator.integers(len(cosines)))]
    while len(starts) < count:
        distance = np.clip(1 - cosines[:, starts].max(axis=1), 0, None)
        total = distance.sum()
        starts.append(int(generator.choice(len(cosines), p=distance / total if total > 0 else None)))
    return starts
