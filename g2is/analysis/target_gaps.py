"""Instructions of the pool that could be further validation examples where a target has few: arrays in, rows out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows
from g2is.graph.kinds import ALIKE

TWIN = 0.9
"""Cosine from which on an instruction says nothing that an example, or another proposal, does not say already."""
LOOKED_AT = 200
"""Instructions looked at for one example, the first ones, at most."""


@dataclass(frozen=True, eq=False)
class Pool:
    """What proposals are made from.

    cosines: (n, m) of the pool to the examples. gradients: (n, d) unit rows. allowed: (n,) what may become an example.
    farthest: propose what is least alike to an example first, of what is alike to it at all; otherwise what is most.
    """

    cosines: NDArray[np.floating]
    gradients: NDArray[np.floating]
    allowed: NDArray[np.bool_]
    farthest: bool = False

    @cached_property
    def closest(self) -> NDArray[np.intp]:
        """(n,) the example that each instruction is closest to."""
        return np.asarray(self.cosines).argmax(axis=1)

    def near(self, example: int) -> NDArray[np.int64]:
        """The instructions that are closer to this example than to any other, alike to it and no twins of it; in the
        order in which they are proposed."""
        cosines = np.asarray(self.cosines[:, example], np.float32)
        rows = np.flatnonzero(
            self.allowed & (self.closest == example) & (cosines >= ALIKE) & (cosines < TWIN)
        )
        return rows[self.order(cosines[rows])[:LOOKED_AT]]

    def order(self, cosines: NDArray[np.float32]) -> NDArray[np.intp]:
        """The places of cosines (r,), those first that are proposed first."""
        return np.argsort(cosines if self.farthest else -cosines, kind="stable")


def proposals(pool: Pool, example: int, most: int) -> NDArray[np.int64]:
    """Up to `most` instructions that could stand beside this example, the closest first, no twins among them."""
    taken = _Apart(pool)
    return np.array([row for row in pool.near(example).tolist() if taken.take(row, most)][:most], np.int64)


def grown_by_rule(pool: Pool, membership: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """`count` instructions as further examples, or fewer where no more fit: always for the kind that has fewest.

    Each is the closest one left for an example of that kind, whichever of them has it, and no twin of one taken before.
    membership: (m,) the kind of each example; equal ones by their number, the smaller kind first.
    """
    sizes = np.bincount(membership)
    kinds = [np.flatnonzero(membership == kind).tolist() for kind in range(len(sizes))]
    queues = [_merged(pool, members) for members in kinds]
    taken, open_kinds = _Apart(pool), set(range(len(kinds)))
    while len(taken.rows) < count and open_kinds:
        kind = min(open_kinds, key=lambda one: (sizes[one], -one))
        if any(taken.take(row, count) for row in queues[kind]):
            sizes[kind] += 1
        else:
            open_kinds.discard(kind)
    return np.array(taken.rows, np.int64)


def _merged(pool: Pool, members: list[int]) -> Iterator[int]:
    """The instructions near any of these examples, in the order in which they are proposed."""
    near = [(pool.near(example), example) for example in members]
    rows = np.concatenate([rows for rows, _ in near])
    cosines = np.concatenate([np.asarray(pool.cosines[rows, example], np.float32) for rows, example in near])
    return iter(rows[pool.order(cosines)].tolist())


class _Apart:
    """Rows taken so far, none of them a twin of another."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.rows: list[int] = []
        self._gradients: list[NDArray[np.float32]] = []

    def take(self, row: int, most: int) -> bool:
        """Take this row unless there are enough or it is a twin; whether it was taken."""
        if len(self.rows) >= most:
            return False
        gradient = read_rows(self.pool.gradients, np.array([row]))[0]
        if self._gradients and float((np.stack(self._gradients) @ gradient).max()) >= TWIN:
            return False
        self.rows.append(row)
        self._gradients.append(gradient)
        return True
