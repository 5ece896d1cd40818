"""The pool that all components share: checked arrays, and which rows are free."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.arrays.rows import as_rows, open_rows, read_rows
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.knowledge import CoreKnowledge, component_affinities
from g2is.walk.rules import LEFT_OUT, PASSES, TAKEN, Rules

Row = NDArray[np.float32]

FREE = PASSES
"""Status of a row that can be taken. Others have the status TAKEN or LEFT_OUT, as indices into RULES."""


class Pool:
    """The pool of n rows that a walk takes samples from. Raises `InputError` where the arrays do not fit together.

    gradients, neighbors, cosines, affinities: as `gradient_walk` takes them.
    """

    def __init__(
        self,
        gradients: ArrayLike,
        neighbors: ArrayLike,
        cosines: ArrayLike | None,
        knowledge: CoreKnowledge,
        parameters: WalkParameters,
        affinities: NDArray[np.float32] | None,
    ) -> None:
        self.gradients = open_rows(gradients, knowledge.components.shape[1])
        rows = len(self.gradients)
        self.neighbors = as_rows(neighbors)
        if self.neighbors.ndim != 2 or len(self.neighbors) != rows:
            raise InputError(
                f"neighbors: shape {self.neighbors.shape}, expected ({rows}, neighbours per row)"
            )
        self.cosines = None if cosines is None else as_rows(cosines)
        if self.cosines is not None and self.cosines.shape != self.neighbors.shape:
            raise InputError(
                f"cosines: shape {self.cosines.shape}, expected {self.neighbors.shape} as of neighbors"
            )
        kept = self.neighbors.shape[1]
        if parameters.neighbors is not None and parameters.neighbors > kept:
            raise InputError(
                f"neighbors = {parameters.neighbors}: the graph keeps {kept} for each instruction; give at most that"
            )
        self.used_neighbors = parameters.neighbors or kept
        self.affinities = (
            component_affinities(self.gradients, knowledge) if affinities is None else affinities
        )
        if self.affinities.shape != (rows, len(knowledge)):
            raise InputError(
                f"affinities: shape {self.affinities.shape}, expected ({rows}, {len(knowledge)})"
            )
        self.components = knowledge.components
        self.parameters = parameters
        self.rules = Rules.of(parameters)
        self.status = np.full(rows, FREE, dtype=np.uint8)
        """(n,) FREE, or the rule that excludes the row for every component."""
        self.groups: NDArray[np.int64] | None = None
        self.quotas = np.zeros(0, dtype=np.int64)
        """(g,) how many rows of each group may still be taken, where `limit` was called."""
        self.exact = self.gradients.dtype == np.float32
        """Whether rows are float32, as in the published script, so that ties are decided as it does."""

    def limit(self, groups: NDArray[np.int64], quotas: NDArray[np.int64]) -> None:
        """Have at most quotas (g,) rows taken of groups (n,): once they are, the others of a group are left out."""
        self.groups, self.quotas = groups, quotas.copy()
        for group in np.flatnonzero(quotas == 0):
            self._leave_out(int(group))

    def take(self, sample: int) -> None:
        """Mark a free row as taken by a component."""
        self.status[sample] = TAKEN
        if self.groups is not None:
            group = int(self.groups[sample])
            self.quotas[group] -= 1
            if self.quotas[group] == 0:
                self._leave_out(group)

    def _leave_out(self, group: int) -> None:
        self.status[(self.groups == group) & (self.status == FREE)] = LEFT_OUT

    @cached_property
    def anchor_cosines(self) -> NDArray[np.float32]:
        """(k, n) affinities by one product with all components, as the script computes them for anchors. For fallbacks
        it multiplies with one component at a time, which gives other last bits."""
        return np.dot(self.components, np.asarray(self.gradients).T)

    def read(self, sample: int) -> Row:
        """(d,) the unit gradient of one row."""
        return read_rows(self.gradients, np.array([sample]))[0]

    def neighbors_of(self, sample: int) -> NDArray[np.integer]:
        """The neighbours that a step from this sample considers, nearest first."""
        row = self.neighbors[sample, : self.used_neighbors]
        return row[row >= 0] if row.size and row.min() < 0 else row
