"""Landmarks of a pool, and estimates of what is known of the landmarks alone for everyone else, from features.

Used by `benchmarks.landmarks`. An estimate takes the features (n, f) of the pool, the rows (l,) of the landmarks and
their values (l, m), here cosines of gradients, and gives values (n, m). Every constant is chosen by leaving out one
landmark at a time, if not said otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.cluster import KMeans

Rows = NDArray[np.int64]
Values = NDArray[np.float64]
Estimate = Callable[[Values, Rows, Values], Values]

NEAREST = (5, 10, 20, 40)
"""Landmarks that an estimate is the mean of."""
TEMPERATURES = (0.01, 0.03, 0.1, 0.3)
DAMPINGS = tuple(10.0**power for power in range(-4, 4))
"""Shares of the mean eigenvalue."""
WIDTHS = (0.25, 0.5, 1.0)
"""Shares of the median distance."""
PUBLISHED_DAMPING = 0.01


def spread_landmarks(features: Values, valid: NDArray[np.bool_], count: int, seed: int = 0) -> Rows:
    """(count,) valid rows spread over the pool: k-means of the features (n, f), of each group the row next to its mean.

    Fewer than `count` where rows are the same.
    """
    rows = np.flatnonzero(valid)
    groups = KMeans(count, n_init=1, max_iter=30, random_state=seed).fit(features[rows])
    away = np.linalg.norm(features[rows] - groups.cluster_centers_[groups.labels_], axis=1)
    order = np.lexsort((away, groups.labels_))
    first = np.unique(groups.labels_[order], return_index=True)[1]
    return np.sort(rows[order[first]])


def random_landmarks(valid: NDArray[np.bool_], count: int, seed: int = 0) -> Rows:
    """(count,) valid rows drawn without replacement."""
    return np.sort(np.random.default_rng(seed).choice(np.flatnonzero(valid), count, replace=False))


def by_neighbours(features: Values, landmarks: Rows, values: Values) -> Values:
    """Kernel regression: the mean over the k nearest landmarks by cosine of unit features, weighted by the softmax of
    cosine / temperature."""
    cosines = features @ features[landmarks].T
    among = cosines[landmarks].copy()
    np.fill_diagonal(among, -np.inf)

    def mean(near: Values, most: int, temperature: float) -> Values:
        most = min(most, len(landmarks) - 1)
        places = np.argpartition(-near, most - 1, axis=1)[:, :most]
        found = np.take_along_axis(near, places, axis=1) / temperature
        weights = np.exp(found - found.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        return np.einsum("nk,nkm->nm", weights, values[places])

    constants = [(most, temperature) for most in NEAREST for temperature in TEMPERATURES]
    errors = [float(np.square(mean(among, *one) - values).mean()) for one in constants]
    return mean(cosines, *constants[int(np.argmin(errors))])


def by_ridge(features: Values, landmarks: Rows, values: Values) -> Values:
    """Ridge regression from features to values, with an intercept."""
    centre = features[landmarks].mean(axis=0)
    return _ridge((features - centre) @ (features[landmarks] - centre).T, landmarks, values)


def by_kernel(features: Values, landmarks: Rows, values: Values) -> Values:
    """Kernel ridge regression with a Gaussian kernel: width and damping are chosen."""
    squares = _squared_distances(features, landmarks)
    median = _median(squares[landmarks])
    kernels = [np.exp(-squares / (2 * (share * median) ** 2)) for share in WIDTHS]
    best = min(kernels, key=lambda kernel: _best_damping(kernel[landmarks], values)[1])
    return _ridge(best, landmarks, values)


def published(features: Values, landmarks: Rows, values: Values) -> Values:
    """Kernel ridge regression with the constants of the authors' program for Influence Distillation (Nikdan et al.
    2025, arXiv 2505.19051): the width of the Gaussian is the median distance, the damping 0.01, no intercept."""
    squares = _squared_distances(features, landmarks)
    kernel = np.exp(-squares / (2 * _median(squares[landmarks]) ** 2))
    damped = kernel[landmarks] + PUBLISHED_DAMPING * np.eye(len(landmarks))
    return kernel @ np.linalg.solve(damped, values)


def rank_correlations(estimated: Values, true: Values) -> Values:
    """(m,) Spearman's correlation of each column of (n, m) with that of the other."""
    ranks = [rankdata(values, axis=0) for values in (estimated, true)]
    a, b = (rank - rank.mean(axis=0) for rank in ranks)
    lengths = np.sqrt(np.square(a).sum(axis=0) * np.square(b).sum(axis=0))
    return np.divide((a * b).sum(axis=0), lengths, out=np.zeros(a.shape[1]), where=lengths > 0)


def _squared_distances(features: Values, landmarks: Rows) -> Values:
    squares = np.square(features).sum(axis=1)
    found = squares[:, None] + squares[landmarks] - 2 * features @ features[landmarks].T
    return np.maximum(found, 0)


def _median(squares: Values) -> float:
    """The median distance between different landmarks, of their squared distances (l, l)."""
    return max(float(np.sqrt(np.median(squares[np.triu_indices(len(squares), 1)]))), 1e-6)


def _ridge(kernel: Values, landmarks: Rows, values: Values) -> Values:
    """Ridge regression on a kernel (n, l) of all rows with the landmarks, of what differs from the mean value."""
    among, mean = kernel[landmarks], values.mean(axis=0)
    damping, _ = _best_damping(among, values)
    return mean + kernel @ np.linalg.solve(among + damping * np.eye(len(among)), values - mean)


def _best_damping(kernel: Values, values: Values) -> tuple[float, float]:
    """The damping with the least mean squared error on landmarks left out, and that error."""
    eigenvalues, vectors = np.linalg.eigh(kernel)
    eigenvalues = np.maximum(eigenvalues, 0)
    rotated = vectors.T @ (values - values.mean(axis=0))
    return min(_left_out(eigenvalues, vectors, rotated), key=lambda found: found[1])


def _left_out(eigenvalues: Values, vectors: Values, rotated: Values) -> Iterator[tuple[float, float]]:
    """Each damping and its error: what is left out is estimated without fitting again, as (fit - value) / (1 - its own
    share in the fit)."""
    for share in DAMPINGS:
        damping = share * float(eigenvalues.mean())
        left = damping / (eigenvalues + damping)
        own = np.square(vectors) @ left  # 1 - share in the fit
        error = (vectors @ (left[:, None] * rotated)) / own[:, None]
        yield damping, float(np.square(error).mean())


ESTIMATES: dict[str, Estimate] = {
    "nearest": by_neighbours,
    "ridge": by_ridge,
    "kernel ridge": by_kernel,
    "kernel ridge, published": published,
}
