"""Core knowledge as data: weighted directions in gradient space, and how a target's examples lie to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.unit import LARGE, SMALL, Array, unit
from g2is.errors import InputError

DEFAULT_TARGET = "validation"


@dataclass(frozen=True, eq=False)
class CoreKnowledge:
    """k directions of a target with m validation samples, heaviest first within each target.

    components: (k, d) unit rows.
    weights: (k,) shares of the walk's budget; they sum to 1.
    loadings: (k, m) cosine of every validation sample to every component.
    examples: (k,) the validation sample that stands for each component, one of its target: the one that it is, where
    each is a component of its own; otherwise the one with the largest loading, whatever its sign.
    mean_alignment: (k,) cosine of the target's mean validation gradient to the component; below 0, training on samples
    along the component raises the target's mean loss.
    flipped: (k,) whether orienting reversed the sign of the component.
    targets: (k,) the validation target that each component comes from.
    spectrum: by target, the share of the validation gradients' variance (energy, where not centred) along every
    principal direction, kept or not, in descending order; empty for facets.
    """

    components: NDArray[np.float32]
    weights: Array
    loadings: NDArray[np.float32]
    examples: NDArray[np.intp]
    mean_alignment: NDArray[np.float32]
    flipped: NDArray[np.bool_]
    targets: tuple[str, ...]
    spectrum: dict[str, Array]

    def __len__(self) -> int:
        return len(self.components)


def describe(
    rows: Array,
    components: NDArray[np.float32],
    weights: Array,
    *,
    examples: NDArray[np.intp] | None = None,
    flipped: NDArray[np.bool_] | None = None,
    spectrum: Array | None = None,
) -> CoreKnowledge:
    """Core knowledge of one target.

    rows: (m, d) its validation gradients. components: (k, d). weights: (k,). examples: (k,) the row that each
    component is, where it is one. flipped, spectrum: as in `CoreKnowledge`.
    """
    loadings = cosines_to_components(components, rows)
    return CoreKnowledge(
        components=components,
        weights=weights,
        loadings=loadings,
        examples=abs(loadings).argmax(axis=1) if examples is None else examples,
        mean_alignment=cosines_to_components(components, rows.mean(axis=0, keepdims=True))[:, 0],
        flipped=np.zeros(len(components), dtype=bool) if flipped is None else flipped,
        targets=(DEFAULT_TARGET,) * len(components),
        spectrum={DEFAULT_TARGET: np.zeros(0) if spectrum is None else spectrum},
    )


def cosines_to_components(components: NDArray[np.float32], rows: Array) -> NDArray[np.float32]:
    """(k, m) cosine of each row (m, d) to every component (k, d)."""
    return components @ unit(rows).T


def checked_rows(validation_gradients: ArrayLike) -> Array:
    """Validation gradients (m, d) as float32, or float64 if they are float64.

    Raises `InputError` for another shape, for numbers that are not finite, and where every row is zero.
    """
    rows = np.asarray(validation_gradients)
    if rows.ndim != 2 or 0 in rows.shape:
        raise InputError(f"validation gradients: shape {rows.shape}, expected (samples, dimensions)")
    if rows.dtype != np.float64:
        rows = rows.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if bad.size:
        raise InputError(
            f"validation gradients: row {bad[0]} holds a number that is not finite ({bad.size} such rows)"
        )
    most = np.abs(rows).max()
    if most == 0:
        raise InputError(
            "validation gradients: every row is zero, so they have no direction; check the validation examples"
        )
    # Scaling all rows by one power of two changes no direction.
    return rows if SMALL <= most <= LARGE else np.ldexp(rows, -np.frexp(most)[1])
