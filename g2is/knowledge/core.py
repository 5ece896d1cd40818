"""What core knowledge is: directions in gradient space with weights, and what a target's examples say of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.unit import LARGE, SMALL, Array, unit
from g2is.errors import InputError

DEFAULT_TARGET = "validation"


@dataclass(frozen=True, eq=False)
class CoreKnowledge:
    """k directions of a target with m validation samples, heaviest first within each target."""

    components: NDArray[np.float32]
    """(k, d) unit rows."""
    weights: Array
    """(k,) shares of the walk's budget; they sum to 1."""
    loadings: NDArray[np.float32]
    """(k, m) cosine of every validation sample to every component."""
    mean_alignment: NDArray[np.float32]
    """(k,) cosine of the target's mean validation gradient to the component; below 0 a step along the
    component harms the target on average."""
    flipped: NDArray[np.bool_]
    """(k,) whether orienting turned the component round."""
    targets: tuple[str, ...]
    """(k,) the validation target that each component comes from."""
    spectrum: dict[str, Array]
    """By target: its share of the validation gradients' variance (energy, where not centred) along every
    principal direction, kept or not, in descending order; empty for facets."""

    def __len__(self) -> int:
        return len(self.components)


def describe(
    rows: Array,
    components: NDArray[np.float32],
    weights: Array,
    *,
    flipped: NDArray[np.bool_] | None = None,
    spectrum: Array | None = None,
) -> CoreKnowledge:
    """Core knowledge of one target, with what its (m, d) validation gradients say about it."""
    return CoreKnowledge(
        components=components,
        weights=weights,
        loadings=cosines_to_components(components, rows),
        mean_alignment=cosines_to_components(components, rows.mean(axis=0, keepdims=True))[:, 0],
        flipped=np.zeros(len(components), dtype=bool) if flipped is None else flipped,
        targets=(DEFAULT_TARGET,) * len(components),
        spectrum={DEFAULT_TARGET: np.zeros(0) if spectrum is None else spectrum},
    )


def cosines_to_components(components: NDArray[np.float32], rows: Array) -> NDArray[np.float32]:
    return components @ unit(rows).T


def checked_rows(validation_gradients: ArrayLike) -> Array:
    """The rows as float32, or as float64 where they are; raises where nothing can be made of them."""
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
        raise InputError("validation gradients: every row is zero, so they ask for nothing")
    # All by one power of two: no direction depends on the unit that gradients are measured in.
    return rows if SMALL <= most <= LARGE else np.ldexp(rows, -np.frexp(most)[1])
