"""What a run keeps of its pool in one regime: gradients, graph, places on the map, communities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from g2is.config import RegimeName
from g2is.errors import InputError
from g2is.run.files import RunFiles
from g2is.run.gone import lists_without
from g2is.run.paths import LayoutKind, RegimeArray, array_file, labels_file
from g2is.storage.json_file import read_json

if TYPE_CHECKING:
    from g2is.graph.communities import Communities

MOST_LABELS = 64 * 2**20
"""Bytes of the labels of communities."""


@dataclass(frozen=True)
class Regime:
    """The gradients of the training samples in one regime, and their graph, read-only.

    gradients: (n, d) unit rows, zero where not valid, in the number type of the store; `arrays.rows.read_rows` reads
    rows as float32. norms: (n,) lengths before normalising. neighbors, cosines: (n, k), nearest first. conflicts,
    conflict_cosines: (n, c), most conflicting first. Lists have -1 and cosine 0 for samples that are not valid.
    validation_cosines: (n, m), of all targets side by side. mean_cosine, conflict_share: over all pairs of valid
    samples.
    """

    name: RegimeName
    gradients: np.ndarray
    norms: np.ndarray
    neighbors: np.ndarray
    cosines: np.ndarray
    conflicts: np.ndarray
    conflict_cosines: np.ndarray
    validation_cosines: np.ndarray
    mean_cosine: float
    conflict_share: float

    def without(self, gone: np.ndarray) -> Regime:
        """The regime whose lists do not have some rows (n,) bool; gradients and cosines to validation stay."""
        neighbors, cosines = lists_without(self.neighbors, self.cosines, gone)
        conflicts, conflict_cosines = lists_without(self.conflicts, self.conflict_cosines, gone)
        return replace(
            self,
            neighbors=neighbors,
            cosines=cosines,
            conflicts=conflicts,
            conflict_cosines=conflict_cosines,
        )


@dataclass(frozen=True)
class Layout:
    """Coordinates of the map for the gradients of one regime; NaN where a sample is not valid.

    samples: (n, 2), validation: (m, 2), float32, read-only.
    """

    samples: np.ndarray
    validation: np.ndarray


def open_gradients(files: RunFiles, regime: RegimeName) -> np.ndarray:
    """(n, d) unit rows, zero where not valid, in the number type of the store."""
    shape = files.pool, files.number("gradients", "projection_dim")
    return files.array(array_file(regime, "gradients"), "fi", shape)


def open_regime(
    files: RunFiles, name: RegimeName, validation_cosines: Callable[[RegimeName, int], np.ndarray]
) -> Regime:
    """Gradients and graph in one regime. validation_cosines: opens those of the run's targets."""
    count = files.pool
    expected: tuple[tuple[RegimeArray, str, tuple[int | None, ...]], ...] = (
        ("norms", "f", (count,)),
        ("neighbors", "i", (count, None)),
        ("cosines", "f", (count, None)),
        ("conflicts", "i", (count, None)),
        ("conflict_cosines", "f", (count, None)),
    )
    arrays: dict[RegimeArray, Any] = {
        array: files.array(array_file(name, array), kind, shape) for array, kind, shape in expected
    }
    pairs: tuple[tuple[RegimeArray, RegimeArray], ...] = (
        ("neighbors", "cosines"),
        ("conflicts", "conflict_cosines"),
    )
    for array, cosines in pairs:
        lists, path = arrays[array], files.folder / array_file(name, array)
        if lists.shape != arrays[cosines].shape:
            raise InputError(
                f"{path}: shape {lists.shape}, expected {arrays[cosines].shape} as of {cosines}; {files.remedy()}"
            )
        rows = np.asarray(lists)
        if rows.size and not (rows.min() >= -1 and rows.max() < count):
            raise InputError(f"{path}: lists rows outside the pool; {files.remedy()}")
    numbers = files.found("graph")[name]
    return Regime(
        name=name,
        gradients=open_gradients(files, name),
        **arrays,
        validation_cosines=validation_cosines(name, count),
        mean_cosine=numbers["mean_cosine"],
        conflict_share=numbers["conflict_share"],
    )


def open_places(files: RunFiles, kind: LayoutKind, regime: RegimeName) -> np.ndarray:
    """(n, 2) coordinates of the pool on a map."""
    count = files.pool
    places = files.array(array_file(regime, kind), "f", (None, 2))
    # In format 1, and in runs upgraded from it, those of the validation samples follow.
    if len(places) < count:
        path = files.folder / array_file(regime, kind)
        raise InputError(f"{path}: {len(places):,} rows, expected {count:,}; {files.remedy()}")
    return places[:count]


def open_communities(files: RunFiles, regime: RegimeName) -> Communities:
    """The communities of the gradient graph in one regime, with labels from their texts."""
    from g2is.graph.communities import Communities

    count = files.pool
    membership = files.array(array_file(regime, "communities"), "i", (count,))
    path = files.path(labels_file(regime))
    try:
        return Communities.of(membership, tuple(read_json(path, MOST_LABELS)))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: not labels of communities ({error}); {files.remedy()}") from None


def open_forest(files: RunFiles, regime: RegimeName) -> tuple[np.ndarray, np.ndarray]:
    """A maximum spanning forest of the aligned edges, strongest first: (t, 2) pairs and (t,) cosines."""
    pairs = files.array(array_file(regime, "forest"), "iu", (None, 2))
    return pairs, files.array(array_file(regime, "forest_cosines"), "f", (len(pairs),))
