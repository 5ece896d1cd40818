"""Approximate neighbours and conflicts, for pools where comparing all pairs takes days.

Rows are folded: buckets of a count sketch that are added give a shorter count sketch, which keeps cosines up to a
noise of one over the root of its width (Charikar et al. 2002). Folded rows are searched with faiss, in the lists of an
inverted file that are nearest to a row, or to its negative for conflicts; the best `CANDIDATES` are ranked again at
full width. The recall of both is measured on every pool, against exact lists of some samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows
from g2is.arrays.unit import unit
from g2is.graph.neighbors import NeighborLists, edge_cosines

CHECKED = 256
"""Samples for which exact lists are computed to measure recall, and the share of conflicts to estimate it."""

FOLDED = 1024
"""Numbers of a folded row."""

CANDIDATES = 200
"""Rows that are ranked again at full width, for each list of a row."""

SCANNED = 16_384
"""Folded rows that a row is compared with, about: a row of a large pool takes as long as one of a small pool."""

TRAINED = 64
"""Rows for each list of the inverted file from which its centre is computed."""

BLOCK = 256
"""Rows compared at once; they lie in the same list or in the next, so that their candidates are often the same."""

DENSE = 16
"""Comparing all rows of a block with all candidates is faster than single pairs if one of so many pairs is needed."""

PASSES = 2
"""How often every row is read: once to be folded, once to be searched for."""

Lists = tuple[NDArray[np.int32], NDArray[np.float32]]


@dataclass(frozen=True)
class Recall:
    """Share of the entries of exact lists that approximate lists contain, over `CHECKED` samples."""

    neighbors: float
    conflicts: float


def approximate_neighbors(
    rows: np.ndarray,
    valid: np.ndarray,
    *,
    neighbors: int,
    conflicts: int,
    given: np.ndarray | None = None,
    seed: int = 0,
    on_block: Callable[[int], object] = lambda count: None,
) -> tuple[NeighborLists, Recall]:
    """Approximate versions of the lists of `exact_neighbors`, deterministic for a seed, and their recall.

    rows: (n, d) unit rows as a run stores them, of which blocks are read. valid: (n,) bool, more than `neighbors` of
    them true. given: (n, k) neighbours that are known already, so not searched for. on_block: called with the number of
    rows of each finished block, `PASSES` times of each row. Cosines of the pairs in the lists and the mean cosine are
    exact; the share of conflicts is that between `CHECKED` samples and all others. In memory are the folded rows in
    half precision (2 kB a row) and the lists.
    """
    index = np.flatnonzero(valid)
    conflicts = min(conflicts, len(index) - 1)
    checked = _Checked(rows, index, max(neighbors if given is None else given.shape[1], 1), conflicts, seed)
    search = _Search(rows, index, seed)
    total = np.zeros(rows.shape[1])
    for start in range(0, len(index), BLOCK):
        unit_rows = read_rows(rows, index[start : start + BLOCK])
        total += unit_rows.sum(axis=0, dtype=np.float64)
        checked.compare(start, unit_rows)
        search.add(unit_rows)
        on_block(len(unit_rows))

    nearest, farthest = _empty(len(rows), neighbors), _empty(len(rows), conflicts)
    for mine in search.blocks():
        near, far = search(mine, neighbors if given is None else 0, conflicts)
        for lists, (places, cosines) in ((nearest, near), (farthest, far)):
            width = places.shape[1]
            lists[0][index[mine], :width] = np.where(places < 0, -1, index[places])
            lists[1][index[mine], :width] = cosines
        on_block(len(mine))
    if given is not None:
        nearest = given, edge_cosines(rows, given)

    pairs = len(index) * (len(index) - 1)
    result = NeighborLists(
        neighbors=nearest[0],
        cosines=nearest[1],
        conflicts=farthest[0],
        conflict_cosines=farthest[1],
        mean_cosine=float(total @ total - len(index)) / pairs,
        conflict_share=checked.conflict_share,
    )
    return result, checked.recall(nearest[0], farthest[0])


class Fold:
    """Shortens rows (b, d) to unit rows (b, w), w at most `FOLDED`, that keep cosines.

    Coordinates are added with random signs, which those of a count sketch have already and others need. Rows that are
    short stay as they are.
    """

    def __init__(self, width: int, seed: int) -> None:
        self.width = min(width, FOLDED)
        self._signs = np.random.default_rng(seed).choice(np.array([-1, 1], np.float32), width)

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        if rows.shape[1] == self.width:
            return rows
        folded = np.zeros((len(rows), self.width), np.float32)
        for start in range(0, rows.shape[1], self.width):
            piece = rows[:, start : start + self.width] * self._signs[start : start + self.width]
            folded[:, : piece.shape[1]] += piece
        return unit(folded)


class _Search:
    """An inverted file of folded rows; a place is that of a row among the valid ones, `index`."""

    def __init__(self, rows: np.ndarray, index: NDArray[np.intp], seed: int) -> None:
        import faiss

        self._rows, self._index = rows, index
        self._fold = Fold(rows.shape[1], seed)
        width = self._fold.width
        count = max(1, min(int(2 * len(index) ** 0.5), len(index) // 32))
        self._file: Any = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(width), width, count, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self._file.cp.seed, self._file.cp.spherical = seed, True
        self._file.cp.min_points_per_centroid, self._file.cp.max_points_per_centroid = 1, TRAINED
        self._file.nprobe = max(1, min(count, round(SCANNED * count / len(index))))
        drawn = np.random.default_rng(seed).choice(
            len(index), min(len(index), TRAINED * count), replace=False
        )
        self._file.train(np.concatenate([*self._folded(np.sort(drawn))]))

    def _folded(self, places: NDArray[np.intp]) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(places), BLOCK):
            yield self._fold(read_rows(self._rows, self._index[places[start : start + BLOCK]]))

    def add(self, unit_rows: NDArray[np.float32]) -> None:
        """Add the next unit rows (b, d)."""
        self._file.add(self._fold(unit_rows))

    def blocks(self) -> Iterator[NDArray[np.int64]]:
        """The places of all rows, list by list, `BLOCK` at a time."""
        import faiss

        lists = self._file.invlists
        order = np.concatenate(
            [
                faiss.rev_swig_ptr(lists.get_ids(number), lists.list_size(number)).copy()
                for number in range(self._file.nlist)
                if lists.list_size(number)
            ]
        )
        for start in range(0, len(order), BLOCK):
            yield order[start : start + BLOCK]

    def __call__(self, mine: NDArray[np.int64], neighbors: int, conflicts: int) -> tuple[Lists, Lists]:
        """Nearest and most conflicting places of some, (b, at most so many), best first, and exact cosines."""
        unit_rows = read_rows(self._rows, self._index[mine])
        folded = self._fold(unit_rows)
        near = self._candidates(folded, mine, neighbors)
        far = self._candidates(-folded, mine, conflicts)
        candidates = np.concatenate([near, far], axis=1)
        cosines = self._cosines(unit_rows, candidates)
        split = near.shape[1]
        return (
            _best(near, cosines[:, :split], neighbors, largest=True),
            _best(far, cosines[:, split:], conflicts, largest=False),
        )

    def _candidates(
        self, folded: NDArray[np.float32], mine: NDArray[np.int64], keep: int
    ) -> NDArray[np.int64]:
        """(b, c) places found for folded rows, without the rows themselves; -1 for none."""
        if keep == 0:
            return np.empty((len(mine), 0), np.int64)
        found = self._file.search(folded, min(max(CANDIDATES, 2 * keep) + 1, len(self._index)))[1]
        return np.where(found == mine[:, None], -1, found)

    def _cosines(self, unit_rows: NDArray[np.float32], candidates: NDArray[np.int64]) -> NDArray[np.float32]:
        """(b, c) exact cosines of rows (b, d) to their candidates (b, c), each of which is read once for all rows."""
        places, which = np.unique(candidates, return_inverse=True)
        which = which.reshape(candidates.shape)
        cosines = np.empty(candidates.shape, np.float32)
        size = 16 * BLOCK
        for start in range(0, len(places), size):
            some = read_rows(self._rows, self._index[np.maximum(places[start : start + size], 0)])
            here = (which >= start) & (which < start + len(some))
            if here.sum() * DENSE > len(unit_rows) * len(some):
                cosines[here] = (unit_rows @ some.T)[np.nonzero(here)[0], which[here] - start]
                continue
            for row, mine in enumerate(here):
                cosines[row, mine] = some[which[row, mine] - start] @ unit_rows[row]
        return cosines


class _Checked:
    """Exact lists of `CHECKED` samples, brought up to date block by block."""

    def __init__(
        self, rows: np.ndarray, index: NDArray[np.intp], neighbors: int, conflicts: int, seed: int
    ) -> None:
        random = np.random.default_rng(seed)
        self._places = np.sort(random.choice(len(index), min(CHECKED, len(index)), replace=False))
        self._index = index
        self._unit = read_rows(rows, index[self._places])
        self._near = _empty(len(self._places), 0)
        self._far = _empty(len(self._places), 0)
        self._keep = neighbors, conflicts
        self._negative = 0

    def compare(self, start: int, unit_rows: NDArray[np.float32]) -> None:
        """Compare with unit rows (b, d), whose places begin at `start`."""
        cosines = self._unit @ unit_rows.T
        places = np.broadcast_to(np.arange(start, start + len(unit_rows)), cosines.shape)
        itself = places == self._places[:, None]
        self._negative += int(np.count_nonzero((cosines < 0) & ~itself))
        places = np.where(itself, -1, places)
        self._near = _joined(self._near, places, cosines, self._keep[0], largest=True)
        self._far = _joined(self._far, places, cosines, self._keep[1], largest=False)

    @property
    def conflict_share(self) -> float:
        """Share of conflicting pairs among those of a checked and any other sample."""
        return self._negative / (len(self._places) * (len(self._index) - 1))

    def recall(self, neighbors: NDArray[np.integer], conflicts: NDArray[np.integer]) -> Recall:
        """Of lists (n, k) of the pool's rows."""
        rows = self._index[self._places]
        return Recall(
            _shared(self._index[self._near[0]], neighbors[rows]),
            _shared(self._index[self._far[0]], conflicts[rows]),
        )


def _empty(count: int, width: int) -> Lists:
    return np.full((count, width), -1, np.int32), np.zeros((count, width), np.float32)


def _joined(
    old: Lists, places: NDArray[np.integer], cosines: NDArray[np.float32], keep: int, *, largest: bool
) -> Lists:
    both = np.concatenate([old[0], places], axis=1), np.concatenate([old[1], cosines], axis=1)
    return _best(*both, keep, largest=largest)


def _best(places: NDArray[np.integer], cosines: NDArray[np.float32], keep: int, *, largest: bool) -> Lists:
    """The `keep` best of (b, c) places, best first, ties to the smaller place; those of -1 come last, with cosine 0."""
    ranks = np.where(places < 0, np.float32(np.inf), -cosines if largest else cosines)
    order = np.lexsort((places, ranks), axis=1)[:, :keep]
    best, values = (np.take_along_axis(array, order, axis=1) for array in (places, cosines))
    return best.astype(np.int32), np.where(best < 0, np.float32(0), values).clip(-1, 1)


def _shared(exact: NDArray[np.integer], found: NDArray[np.integer]) -> float:
    """Mean share of each exact list (b, k) that is in the list found."""
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(exact, found, strict=True)]))
