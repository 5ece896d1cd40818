"""Approximate neighbours and conflicts, for pools where comparing all pairs takes days.

Rows are folded: buckets of a count sketch that are added give a shorter count sketch, which keeps cosines up to a
noise of one over the root of its width (Charikar et al. 2002). Folded rows are searched with faiss, in the lists of an
inverted file that are nearest to a row, or to its negative for conflicts; the best `CANDIDATES` are ranked again at
full width. The recall of both is measured on every pool, against exact lists of some samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from g2is.arrays.rows import read_rows
from g2is.arrays.unit import unit
from g2is.graph.checked import Checked, Checking, Recall
from g2is.graph.neighbors import NeighborLists, edge_cosines
from g2is.graph.ranking import Lists, best, empty

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

LISTS = ("neighbors", "cosines", "conflicts", "conflict_cosines")


def prepare(
    rows: np.ndarray,
    index: NDArray[np.intp],
    *,
    neighbors: int,
    conflicts: int,
    seed: int = 0,
    on_block: Callable[[int], object] = lambda count: None,
) -> tuple[Any, Checked]:
    """An inverted file of all folded rows `index` (of faiss), and what lists of so many are measured by.

    rows: (n, d) unit rows as a run stores them, of which blocks are read; the file holds 2 kB of each. on_block:
    called with the number of rows of each finished block.
    """
    checking = Checking(rows, index, max(neighbors, 1), min(conflicts, len(index) - 1), seed)
    fold = Fold(rows.shape[1], seed)
    file = _trained(rows, index, fold, seed)
    for mine in in_blocks(np.arange(len(index))):
        unit_rows = read_rows(rows, index[mine])
        checking.compare(unit_rows)
        file.add(fold(unit_rows))
        on_block(len(unit_rows))
    return file, checking.done()


def join_found(
    rows: np.ndarray,
    index: NDArray[np.intp],
    checked: Checked,
    blocks: Iterable[dict[str, np.ndarray]],
    given: np.ndarray | None = None,
) -> tuple[NeighborLists, Recall]:
    """The lists of all rows from those of some (`Search`), in any order, and their recall.

    given: (n, k) neighbours that were known, so not searched for. Cosines of the pairs in the lists and the mean cosine
    are exact; the share of conflicts is that between the checked samples and all others.
    """
    lists: dict[str, np.ndarray] = {}
    for block in blocks:
        mine = index[block["places"]]
        for name in LISTS:
            part = block[name]
            if name not in lists:
                nothing = -1 if part.dtype == np.int32 else 0
                lists[name] = np.full((len(rows), part.shape[1]), nothing, part.dtype)
            lists[name][mine] = part
    if given is not None:
        lists |= {"neighbors": given, "cosines": edge_cosines(rows, given)}
    result = NeighborLists(**lists, mean_cosine=checked.mean_cosine, conflict_share=checked.conflict_share)
    return result, checked.recall(index, result.neighbors, result.conflicts)


def in_blocks(places: NDArray[np.integer]) -> Iterator[NDArray[np.integer]]:
    """`BLOCK` places at a time."""
    for start in range(0, len(places), BLOCK):
        yield places[start : start + BLOCK]


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


def _trained(rows: np.ndarray, index: NDArray[np.intp], fold: Fold, seed: int) -> Any:
    """An empty inverted file (of faiss), whose lists have their centres."""
    import faiss

    count = max(1, min(int(2 * len(index) ** 0.5), len(index) // 32))
    file = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(fold.width),
        fold.width,
        count,
        faiss.ScalarQuantizer.QT_fp16,
        faiss.METRIC_INNER_PRODUCT,
    )
    file.cp.seed, file.cp.spherical = seed, True
    file.cp.min_points_per_centroid, file.cp.max_points_per_centroid = 1, TRAINED
    file.nprobe = max(1, min(count, round(SCANNED * count / len(index))))
    random = np.random.default_rng(seed)
    drawn = np.sort(random.choice(len(index), min(len(index), TRAINED * count), replace=False))
    file.train(np.concatenate([fold(read_rows(rows, index[mine])) for mine in in_blocks(drawn)]))
    return file


class Search:
    """Searches an inverted file for some of its rows. A place is that of a row among the valid ones, `index`."""

    def __init__(self, rows: np.ndarray, index: NDArray[np.intp], file: Any, seed: int = 0) -> None:
        self._rows, self._index, self._file = rows, index, file
        self._fold = Fold(rows.shape[1], seed)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The places of all rows, list by list: rows that are near each other have many candidates in common."""
        import faiss

        lists = self._file.invlists
        return np.concatenate(
            [
                faiss.rev_swig_ptr(lists.get_ids(number), lists.list_size(number)).copy()
                for number in range(self._file.nlist)
                if lists.list_size(number)
            ]
        )

    def __call__(self, mine: NDArray[np.integer], *, neighbors: int, conflicts: int) -> dict[str, np.ndarray]:
        """The `LISTS` of the rows at some places (b,), with row numbers of the pool; and `places` themselves.

        Lists are (b, as many as asked for), best first, with exact cosines; -1 and 0 where less was found.
        """
        conflicts = min(conflicts, len(self._index) - 1)
        unit_rows = read_rows(self._rows, self._index[mine])
        folded = self._fold(unit_rows)
        near = self._candidates(folded, mine, neighbors)
        far = self._candidates(-folded, mine, conflicts)
        cosines = self._cosines(unit_rows, np.concatenate([near, far], axis=1))
        split = near.shape[1]
        nearest = best(near, cosines[:, :split], neighbors, largest=True)
        farthest = best(far, cosines[:, split:], conflicts, largest=False)
        lists = (*self._of_width(nearest, neighbors), *self._of_width(farthest, conflicts))
        return {"places": np.asarray(mine, np.int64), **dict(zip(LISTS, lists, strict=True))}

    def _of_width(self, lists: Lists, width: int) -> Lists:
        """Lists with row numbers of the pool, filled up to their width."""
        rows, cosines = empty(len(lists[0]), width)
        found = lists[0].shape[1]
        rows[:, :found] = np.where(lists[0] < 0, -1, self._index[lists[0]])
        cosines[:, :found] = lists[1]
        return rows, cosines

    def _candidates(
        self, folded: NDArray[np.float32], mine: NDArray[np.integer], keep: int
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
