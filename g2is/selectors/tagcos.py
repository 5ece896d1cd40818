"""TAGCOS: a small set of gradients that approximates each cluster's mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from g2is.arrays.rows import read_rows
from g2is.arrays.threads import one_blas_thread
from g2is.config import LARGEST, SEEDS, RegimeName
from g2is.selectors.method import Array, BudgetedMethod, Pool, Rows, register
from g2is.walk.budget import largest_remainder

RIDGE = 1.0
"""Ridge penalty of matching pursuit."""
TOLERANCE = 1e-4
"""Relative residual at which matching pursuit ends."""


@register("tagcos")
class Tagcos(BudgetedMethod):
    """Clusters of gradients, and matching pursuit in each."""

    regime: RegimeName = Field("adam", description="gradients that are compared")
    clusters: int = Field(
        100, ge=1, le=LARGEST, description="number of clusters of instructions with similar gradients"
    )
    seed: int = Field(0, ge=0, lt=SEEDS, description="random seed")

    def choose(self, pool: Pool, budget: int) -> Rows:
        gradients = pool.regime(self.regime).gradients
        return tagcos(gradients, pool.valid, budget, clusters=self.clusters, seed=self.seed)


def tagcos(gradients: Array, valid: NDArray[np.bool_], budget: int, *, clusters: int, seed: int = 0) -> Rows:
    """Clusters of gradients, and in each the samples whose gradients add up to its mean (Zhang et al. 2024).

    gradients: (n, d) unit rows, read into memory. k-means makes `clusters` groups (at most as many as valid samples).
    Each cluster gets a share of the budget by its size and uses it by orthogonal matching pursuit to its centroid,
    repeated on the remaining rows until the share is used. No validation samples are needed.

    There are two differences to the authors' script. It rounds each cluster's share down, which loses up to one sample
    a cluster, at small budgets all of them; here shares are rounded by largest remainder and use the whole budget. Its
    order is cluster by cluster; here clusters take turns, largest first.
    """
    from sklearn.cluster import KMeans

    index = np.flatnonzero(valid)
    rows = read_rows(gradients, index)
    count = min(clusters, len(index))
    chosen = []
    with one_blas_thread():
        labels = KMeans(count, n_init=1, random_state=seed).fit_predict(rows)
        sizes = np.bincount(labels, minlength=count)
        order = np.argsort(-sizes, kind="stable")
        shares = largest_remainder(budget, sizes[order] / len(index))
        for cluster, share in zip(order.tolist(), shares.tolist(), strict=True):
            members = np.flatnonzero(labels == cluster)
            picked = _approximate_mean(rows[members].astype(np.float64), share)
            chosen += [(turn, int(index[members[place]])) for turn, place in enumerate(picked)]
    chosen.sort(key=lambda pick: pick[0])  # stable: within a turn, larger clusters first
    return np.array([row for _, row in chosen], dtype=np.int64)


def _approximate_mean(rows: NDArray[np.float64], count: int) -> list[int]:
    """`count` of the rows (b, d), in order of choice: matching pursuits to the mean of all, one after another."""
    centroid = rows.mean(axis=0)
    left = np.arange(len(rows))
    chosen: list[int] = []
    while len(chosen) < count:
        picked = matching_pursuit(rows[left], centroid, count - len(chosen))
        if not picked:
            # No row left has a positive product with the mean: take the closest, to use the whole share.
            closest = np.argsort(-(rows[left] @ centroid), kind="stable")
            picked = closest[: count - len(chosen)].tolist()
        chosen += left[picked].tolist()
        left = np.delete(left, picked)
    return chosen


def matching_pursuit(rows: NDArray[np.float64], goal: NDArray[np.float64], most: int) -> list[int]:
    """Orthogonal matching pursuit with non-negative ridge coefficients: places of rows (b, d), in order.

    Each round chooses the row with the largest product with the residual of `goal` (d,), solves (A A^T + I) x = A goal
    for the chosen rows A, and while a coefficient is negative drops the most negative and solves again. Ends after
    `most` rounds, when the residual is below `TOLERANCE` of the goal, when the row was chosen before or dropped in its
    own round (it would be dropped again), or when no row has a positive product.
    """
    chosen: list[int] = []
    residual = goal
    length = np.linalg.norm(goal)
    for _ in range(most):
        if np.linalg.norm(residual) <= TOLERANCE * length:
            break
        along = rows @ residual
        place = int(np.argmax(along))
        if place in chosen or along[place] <= 0:
            break
        chosen.append(place)
        while True:
            some = rows[chosen]
            coefficients = np.linalg.solve(some @ some.T + RIDGE * np.eye(len(chosen)), some @ goal)
            if coefficients.min() >= 0:
                break
            del chosen[int(np.argmin(coefficients))]
            if not chosen:
                return []
        if place not in chosen:
            break
        residual = goal - coefficients @ some
    return chosen
