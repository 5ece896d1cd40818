"""Core knowledge as groups of similar validation examples, each with its mean direction."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.threads import one_blas_thread
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
    """Groups of similar rows of (m, d) validation gradients, each with its mean direction as a component.

    k-means on the unit rows (scikit-learn's, the best of `FACET_RESTARTS` starts, deterministic for a seed) into
    `count` groups, but at most a third of the rows, since more would leave single examples. No group is empty. A
    group's weight is its share of the rows; the heaviest comes first, among equals the one with the earliest row. Rows
    of zeros have no direction and belong to no group.

    by: `number` makes `count` groups. `silhouette` tries numbers of groups up to `count` and takes the one with the
    highest mean silhouette (Rousseeuw 1987) over cosine distances, among equals the smaller. `each` makes every row a
    group of its own and ignores `count`.
    """
    raw = checked_rows(validation_gradients)
    directed = np.flatnonzero(np.any(raw != 0, axis=1))
    rows = unit(raw[directed]).astype(np.float64)
    most = min(count, max(1, len(rows) // 3))
    if by == "each":
        groups = np.arange(len(rows))
    elif by == "silhouette":
        groups = _clearest_groups(rows, most, seed)
    else:
        groups = _groups(_coordinates(rows), most, seed)

    _, first, sizes = np.unique(groups, return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    means = np.stack([rows[groups == group].mean(axis=0) for group in order])
    # A group whose rows cancel out has no mean direction; its first row takes its place.
    for index in np.flatnonzero(np.einsum("gd,gd->g", means, means) < 1e-18):
        means[index] = rows[np.argmax(groups == order[index])]
    examples = directed[first[order]] if by == "each" else None
    return describe(raw, unit(means), sizes[order] / len(rows), examples=examples)


def _coordinates(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, min(m, d)) coordinates of rows (m, d) in a basis of their span: fewer numbers, the same distances."""
    return np.asarray(np.linalg.qr(rows.T, mode="r")).T


def _groups(points: NDArray[np.float64], count: int, seed: int) -> NDArray[np.intp]:
    """The group (m,) of each point by k-means into `count`, none empty."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    kmeans = KMeans(count, n_init=FACET_RESTARTS, max_iter=FACET_ROUNDS, random_state=seed)
    with one_blas_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct points than groups
        distances = kmeans.fit_transform(points)
    groups = kmeans.labels_.astype(np.intp)
    own = distances[np.arange(len(groups)), groups]
    for empty in np.setdiff1d(np.arange(count), groups):
        # The point farthest from its centre moves to the empty group, unless it is alone in its group.
        has_others = np.bincount(groups, minlength=count)[groups] > 1
        groups[np.argmax(np.where(has_others, own, -np.inf))] = empty
    return groups


def _clearest_groups(rows: NDArray[np.float64], most: int, seed: int) -> NDArray[np.intp]:
    """The grouping (m,) with the highest silhouette of those into 2, 3, 4, 6, 8, 12, … and `most` groups."""
    from sklearn.metrics import silhouette_score

    points = _coordinates(rows)
    distances = np.clip(1 - points @ points.T, 0, None)
    np.fill_diagonal(distances, 0)
    counts = sorted({most} | {count for power in range(1, 16) for count in (2**power, 3 * 2 ** (power - 1))})
    groupings = [_groups(points, count, seed) for count in counts if 2 <= count <= most]
    if not groupings:
        return np.zeros(len(rows), dtype=np.intp)
    return max(groupings, key=lambda groups: silhouette_score(distances, groups, metric="precomputed"))
