"""Core knowledge as in the paper: principal directions of the validation gradients (Zhao et al. 2025, 3.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from g2is.arrays.unit import Array, unit
from g2is.errors import InputError
from g2is.knowledge.core import CoreKnowledge, checked_rows, describe


def principal(
    validation_gradients: ArrayLike,
    *,
    variance: float = 0.5,
    components: int | None = None,
    center: bool = True,
    orient: bool = False,
    unit_rows: bool = False,
) -> CoreKnowledge:
    """The first principal directions of (m, d) validation gradients, as many as reach `variance` of the spectrum.

    components: keep this many instead. center: principal component analysis by scikit-learn, with its rule for a share
    of the variance and its signs, as in the published script; otherwise the singular value decomposition of the rows
    as they are, with the same rule on squared singular values, which keeps the direction common to all rows. orient:
    reverse components that the mean validation gradient points away from. unit_rows: normalise the rows first. Raises
    `InputError` for rows that have no such directions.
    """
    from sklearn.decomposition import PCA
    from sklearn.utils.extmath import svd_flip

    raw = checked_rows(validation_gradients)
    rows = unit(raw) if unit_rows else raw
    most = min(len(rows) - center, rows.shape[1])
    if most < 1:
        raise InputError(
            "validation gradients: 1 row has no principal directions once its mean is subtracted; "
            "give 2 rows or more, or use center = False or facets"
        )
    if components is not None and components > most:
        raise InputError(
            f"components = {components}: {len(rows)} validation rows of {rows.shape[1]} numbers"
            f"{', centred,' if center else ''} have at most {most} principal directions"
        )
    if center and np.all(rows == rows[0]):
        raise InputError(
            "validation gradients: all rows are equal, so nothing is left once their mean is subtracted; "
            "give other examples, or use center = False or facets"
        )

    spectrum = _spectrum(rows - rows.mean(axis=0) if center else rows)
    if center:
        # With a number of components scikit-learn would choose its randomised solver for larger sets.
        pca = PCA(n_components=variance) if components is None else PCA(components, svd_solver="full")
        pca.fit(rows)
        directions, shares = pca.components_, pca.explained_variance_ratio_
    else:
        left, values, right = np.linalg.svd(rows, full_matrices=False)
        _, directions = svd_flip(left, right, u_based_decision=False)
        shares = values**2 / np.sum(values**2)
        kept = components or int(np.searchsorted(np.cumsum(shares), variance, side="right")) + 1
        directions, shares = directions[:kept], shares[:kept]

    directions = unit(directions)
    flipped = np.zeros(len(directions), dtype=bool)
    if orient:
        flipped = directions @ rows.mean(axis=0) < 0
        directions[flipped] *= -1
    return describe(raw, directions, shares / np.sum(shares), flipped=flipped, spectrum=spectrum)


def _spectrum(rows: Array) -> Array:
    """(min(m, d),) shares of the squared singular values of (m, d) rows."""
    rows = rows.astype(np.float64)
    products = rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows
    energy = np.clip(np.linalg.eigvalsh(products)[::-1], 0, None)
    return energy / energy.sum()
