"""Layout: two coordinates for every gradient, so that a map can show a whole pool.

`pca_layout` takes seconds on any pool and shows the two directions in which gradients differ most. `umap_layout` takes
minutes and shows which samples are near each other. Both are deterministic to the byte on one machine.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.rows import as_rows, block_rows
from g2is.arrays.threads import one_blas_thread
from g2is.arrays.unit import unit
from g2is.graph.edges import nearest_rows

Places = NDArray[np.float32]

OVERSAMPLING = 8
"""Directions computed beside the two that are needed, which makes the iteration converge faster."""
ROUNDS = 12
"""Power iterations, at most."""
PRECISION = 1e-3
"""Relative residual of an axis at which the iteration ends."""
STARTING_BOX = 10.0
"""Width to which UMAP scales its initial coordinates."""
MOST_ROWS = 65_536
"""Rows that principal axes are computed from, at most. Every round reads them all, and more hardly turn the axes."""
RUN = 16
"""Rows read at once where they are chosen of more."""
EPOCHS = 200
"""Epochs of UMAP; starting from principal components, small pools gain nothing from its default of 500."""


def principal_axes(
    gradients: NDArray[np.floating], valid: NDArray[np.bool_], *, seed: int = 0
) -> NDArray[np.float64]:
    """(3, d): the mean of the valid unit rows (n, d), and their first two principal axes.

    Of more than `MOST_ROWS` rows, of `MOST_ROWS` spread evenly. Rows in a file are read a few times in blocks,
    never whole. Rows that are not `valid` (n,) are zero. The sign of each axis makes its largest coefficient positive.
    """
    rows = as_rows(gradients)
    blocks = _blocks(rows)
    count = sum(int(valid[some].sum()) for some in blocks)
    with one_blas_thread():  # many narrow products, where threads cost more than they save
        mean, axes = _principal_axes(rows, blocks, max(1, count), seed)
    return np.concatenate([mean[None], axes.T])


def rows_of_axes(count: int) -> int:
    """How many of `count` rows `principal_axes` computes from."""
    return min(count, MOST_ROWS)


def pca_layout(
    gradients: NDArray[np.floating], axes: NDArray[np.float64], valid: NDArray[np.bool_]
) -> Places:
    """(n, 2) float32: the samples on their principal axes; NaN where they are not valid."""
    rows = as_rows(gradients)
    places = np.empty((len(rows), 2), np.float32)
    with one_blas_thread():
        for start in range(0, len(rows), block_rows(rows)):
            some = slice(start, start + block_rows(rows))
            places[some] = (_exact(rows, some) - axes[0]) @ axes[1:].T
    places[~valid] = np.nan
    return places


def pca_places(gradients: ArrayLike, axes: NDArray[np.float64]) -> Places:
    """(m, 2) float32: gradients (m, d) of any length, such as those of validation samples, on the axes of a pool."""
    with one_blas_thread():
        places: Places = ((unit(gradients) - axes[0]) @ axes[1:].T).astype(np.float32)
    return places


def umap_layout(
    neighbors: NDArray[np.int32],
    cosines: NDArray[np.float32],
    valid: NDArray[np.bool_],
    start: Places,
    *,
    closest: int = 15,
    min_dist: float = 0.1,
    seed: int = 0,
) -> Places:
    """(n, 2) float32: UMAP (McInnes et al. 2018) on the run's own neighbour lists.

    neighbors, cosines: (n, k) lists. closest: number of neighbours used, the sample itself included, as UMAP counts.
    start: (n, 2) initial coordinates from `pca_layout`, which preserve large distances.
    """
    rows = np.flatnonzero(valid)
    places = np.full_like(start, np.nan)
    if len(rows) < 3:  # nothing to lay out
        places[rows] = start[rows]
    else:
        lists, distances = _lists_for_umap(neighbors, cosines, valid, closest)
        places[rows] = _umap(lists, distances, start[rows], min_dist, seed)
    return places


def places_among(
    places: Places,
    validation_cosines: NDArray[np.float32],
    valid: NDArray[np.bool_],
    *,
    closest: int = 15,
) -> Places:
    """(m, 2) float32: validation samples at the weighted mean of the samples nearest to each, which do not move.

    places: (n, 2) of the samples. validation_cosines: (n, m). closest: how many samples count.
    """
    nearest, weights = nearest_rows(validation_cosines, valid, closest)
    if not nearest.size:
        return np.full((validation_cosines.shape[1], 2), np.nan, np.float32)
    return places_between(places, nearest, weights)


def places_between(places: Places, nearest: NDArray[np.int32], cosines: NDArray[np.float32]) -> Places:
    """(m, 2) float32: the weighted mean of the places of the samples nearest to each. nearest, cosines: (m, c), c > 0,
    nearest first."""
    weights = cosines[:, :1] - cosines
    weights = np.exp(-weights / np.maximum(weights.mean(axis=1, keepdims=True), 1e-6))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("mk,mkc->mc", weights, places[nearest]).astype(np.float32)


def _blocks(rows: NDArray[np.floating]) -> list[NDArray[np.intp]]:
    """Indices (b,) of all rows, block by block, or of `MOST_ROWS` of more, spread over the pool."""
    chosen = np.arange(len(rows))
    if len(rows) > MOST_ROWS:
        # Evenly, since a pool has one source after another.
        starts = RUN * np.linspace(0, len(rows) // RUN - 1, MOST_ROWS // RUN).astype(np.intp)
        chosen = (starts[:, None] + np.arange(RUN)).reshape(-1)
    size = block_rows(rows)
    return [chosen[start : start + size] for start in range(0, len(chosen), size)]


def _principal_axes(
    rows: NDArray[np.floating], blocks: list[NDArray[np.intp]], count: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (d,) of the `count` rows of the blocks that are not zero, and their first two principal axes (d, 2).

    Block power iteration with `OVERSAMPLING` extra directions (Halko et al. 2011); each round reads the rows once. Axes
    with equal shares of the variance are determined only up to rotation.
    """
    width = rows.shape[1]
    mean = sum(_exact(rows, some).sum(axis=0) for some in blocks) / count
    basis = np.random.default_rng(seed).standard_normal((width, min(width, 2 + OVERSAMPLING)))
    for _ in range(ROUNDS):
        basis, _ = np.linalg.qr(basis)
        product = np.zeros_like(basis)
        for some in blocks:
            block = _exact(rows, some)
            product += block.T @ (block @ basis)
        # Rows of zeros add nothing to the sums, so centring is this one term.
        product = product / count - np.outer(mean, mean @ basis)
        values, rotation = np.linalg.eigh(basis.T @ product)
        largest = rotation[:, ::-1][:, :2]
        axes = basis @ largest
        residual = np.linalg.norm(product @ largest - axes * values[::-1][:2], axis=0)
        if np.all(residual <= PRECISION * np.maximum(values[::-1][:2], 1e-12)):
            break
        basis = product
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    if axes.shape[1] < 2:
        axes = np.pad(axes, ((0, 0), (0, 1)))
    return mean, axes


def _exact(rows: NDArray[np.floating], some: slice | NDArray[np.intp]) -> NDArray[np.float64]:
    """Unit rows in double precision: in single precision sums depend on the alignment of the array in memory."""
    block = rows[some].astype(np.float64)
    lengths = np.sqrt(np.einsum("bd,bd->b", block, block))
    block /= np.where(lengths > 0, lengths, 1)[:, None]
    return block


def _lists_for_umap(
    neighbors: NDArray[np.int32], cosines: NDArray[np.float32], valid: NDArray[np.bool_], closest: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(v, c) neighbours among the v valid rows and distances 1 - cosine, the row itself first; -1 for none."""
    rows = np.flatnonzero(valid)
    place = np.full(len(valid), -1, np.int32)
    place[rows] = np.arange(len(rows))
    lists = place[neighbors[rows]]
    lists[neighbors[rows] < 0] = -1
    lists[lists == np.arange(len(rows))[:, None]] = -1
    distances = np.where(lists < 0, np.float32(2), np.clip(1 - cosines[rows], 0, 2).astype(np.float32))
    # Imported lists may be in any order.
    order = np.argsort(distances, axis=1, kind="stable")[:, : closest - 1]
    lists, distances = (np.take_along_axis(array, order, axis=1) for array in (lists, distances))
    itself = np.arange(len(rows), dtype=np.int32)[:, None]
    return np.hstack([itself, lists]), np.hstack([np.zeros_like(distances[:, :1]), distances])


def _umap(
    lists: NDArray[np.int32], distances: NDArray[np.float32], start: Places, min_dist: float, seed: int
) -> Places:
    """(v, 2) coordinates by UMAP from neighbour lists and distances (v, c) and initial coordinates (v, 2)."""
    from umap import UMAP

    random = np.random.RandomState(seed)
    # UMAP cannot separate samples that start at the same coordinates.
    extent = np.ptp(start, axis=0)
    jitter = random.normal(scale=1e-4, size=start.shape) * np.maximum(extent, 1e-3)
    start = (start + jitter).astype(np.float32)
    model = UMAP(
        n_neighbors=lists.shape[1],
        min_dist=min_dist,
        n_epochs=EPOCHS,
        init=start,
        random_state=random,
        n_jobs=1,
        precomputed_knn=(lists, distances),
        force_approximation_algorithm=True,  # otherwise UMAP ignores the lists of small pools
    )
    with warnings.catch_warnings():
        # Warnings that it cannot place new samples without an index, and that a tiny pool has few neighbours.
        warnings.simplefilter("ignore")
        # The rows themselves are not needed: UMAP has their neighbours.
        places = model.fit_transform(start)
    # UMAP returns no coordinates for a sample without edges: it keeps its initial ones, in UMAP's scale.
    alone = np.isnan(places[:, 0])
    low, high = start.min(axis=0), start.max(axis=0)
    places[alone] = STARTING_BOX * (start[alone] - low) / (high - low)
    return places
