"""Approximate neighbours and conflicts, for pools where comparing all pairs takes days.

Rows are folded: buckets of a count sketch that are added give a shorter count sketch, which keeps cosines up to a
noise of one over the root of its width (Charikar et al. 2002). Folded rows lie in the lists of an inverted file (of
faiss). The rows of a block lie in one list or in lists that are near each other, and are all compared with the same
rows, in one product: those in the lists nearest to theirs, and for conflicts those farthest from them. The best
`CANDIDATES` of each row are ranked again at full width. The recall of both is measured on every pool, against exact
lists of some samples.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from g2is.arrays.rows import read_rows
from g2is.arrays.unit import unit
from g2is.graph.checked import Checked, Checking, Recall
from g2is.graph.neighbors import NeighborLists, edge_cosines
from g2is.graph.ranking import Lists, best, empty

# Said once a process by torch, of no use to whoever builds a run.
warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")

FOLDED = 1024
"""Numbers of a folded row."""

CANDIDATES = 200
"""Rows that are ranked again at full width, for each list of a row."""

SCANNED = 16_384
"""Folded rows that a row is compared with, at least: a row of a large pool takes as long as one of a small pool."""

TRAINED = 64
"""Rows for each list of the inverted file from which its centre is computed."""

BLOCK = 256
"""Rows compared at once. At 8,192 numbers a row they fit the cache of a processor."""

PIECE = 512
"""Candidates that are read at once."""

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

    count = max(1, min(int(2 * len(index) ** 0.5), len(index) // BLOCK))
    file = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(fold.width),
        fold.width,
        count,
        faiss.ScalarQuantizer.QT_fp16,
        faiss.METRIC_INNER_PRODUCT,
    )
    file.by_residual = False  # the rows themselves are compared
    file.cp.seed, file.cp.spherical = seed, True
    file.cp.min_points_per_centroid, file.cp.max_points_per_centroid = 1, TRAINED
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
        """The places of all rows, list by list, lists that are near each other one after the other."""
        return np.concatenate([self._members(number) for number in self._near_each_other])

    def __call__(self, mine: NDArray[np.integer], *, neighbors: int, conflicts: int) -> dict[str, np.ndarray]:
        """The `LISTS` of the rows at some places (b,), with row numbers of the pool; and `places` themselves.

        Lists are (b, as many as asked for), best first, with exact cosines; -1 and 0 where less was found.
        """
        conflicts = min(conflicts, len(self._index) - 1)
        unit_rows = read_rows(self._rows, self._index[mine])
        folded = self._fold(unit_rows)
        lists = np.unique(self._list_of[mine])
        near = self._candidates(folded, mine, lists, neighbors, sign=1)
        far = self._candidates(folded, mine, lists, conflicts, sign=-1)
        cosines = self._cosines(unit_rows, np.concatenate([near, far], axis=1))
        split = near.shape[1]
        nearest = best(near, cosines[:, :split], neighbors, largest=True)
        farthest = best(far, cosines[:, split:], conflicts, largest=False)
        found = (*self._of_width(nearest, neighbors), *self._of_width(farthest, conflicts))
        return {"places": np.asarray(mine, np.int64), **dict(zip(LISTS, found, strict=True))}

    def _of_width(self, lists: Lists, width: int) -> Lists:
        """Lists with row numbers of the pool, filled up to their width."""
        rows, cosines = empty(len(lists[0]), width)
        found = lists[0].shape[1]
        rows[:, :found] = np.where(lists[0] < 0, -1, self._index[lists[0]])
        cosines[:, :found] = lists[1]
        return rows, cosines

    def _candidates(
        self,
        folded: NDArray[np.float32],
        mine: NDArray[np.integer],
        lists: NDArray[np.integer],
        keep: int,
        *,
        sign: int,
    ) -> NDArray[np.int64]:
        """(b, c) places whose folded rows times a sign are nearest to folded rows (b, w) of some lists; -1 for none and
        for the row itself."""
        if keep == 0:
            return np.empty((len(mine), 0), np.int64)
        scanned = self._scanned(lists, sign)
        places = np.concatenate([self._members(number) for number in scanned])
        cosines = torch.empty(len(mine), len(places))
        for number, last in zip(scanned, np.cumsum(self._sizes[scanned]), strict=True):
            # By numpy: its product is faster than torch's on some processors.
            part = folded @ self._folded(number).T
            cosines[:, last - part.shape[1] : last] = torch.from_numpy(part)
        count = min(max(CANDIDATES, 2 * keep) + 1, len(places))
        found = places[torch.topk(cosines, count, dim=1, largest=sign > 0, sorted=False).indices.numpy()]
        return np.where(found == mine[:, None], -1, found)

    def _scanned(self, lists: NDArray[np.integer], sign: int) -> NDArray[np.intp]:
        """The lists nearest to each of these, or to their negatives: so many that they have `SCANNED` rows."""
        order = np.argsort(-sign * self._similarity[lists], axis=1, kind="stable")
        before = np.cumsum(self._sizes[order], axis=1) - self._sizes[order]
        return np.unique(order[before < SCANNED])

    def _cosines(self, unit_rows: NDArray[np.float32], candidates: NDArray[np.int64]) -> NDArray[np.float32]:
        """(b, c) exact cosines of rows (b, d) to their candidates (b, c), each of which is read once for all rows."""
        count = len(unit_rows)
        # Candidate by candidate, each of which stays in the cache while the rows that need it are multiplied with it.
        pairs, back = np.unique(
            np.maximum(candidates, 0) * count + np.arange(count)[:, None], return_inverse=True
        )
        places, first = np.unique(pairs // count, return_index=True)
        first, row = np.append(first, len(pairs)), pairs % count
        others, products = torch.from_numpy(unit_rows).T, torch.empty(len(pairs))
        for start in range(0, len(places), PIECE):
            some = self._index[places[start : start + PIECE]]
            read = torch.from_numpy(self._rows[some]).float()
            ends = first[start : start + len(some) + 1]
            here = slice(ends[0], ends[-1])
            wanted = torch.sparse_csr_tensor(
                torch.from_numpy(ends - ends[0]),
                torch.from_numpy(row[here]),
                torch.zeros(len(row[here])),
                size=(len(some), count),
                check_invariants=False,
            )
            lengths = read.norm(dim=1).clamp_(min=1e-10).repeat_interleave(torch.from_numpy(np.diff(ends)))
            products[here] = torch.sparse.sampled_addmm(wanted, read, others).values() / lengths
        return products.numpy()[back].reshape(candidates.shape)

    # Lists of the inverted file

    def _members(self, number: int) -> NDArray[np.int64]:
        """(l,) places of the rows of a list."""
        import faiss

        lists = self._file.invlists
        size = lists.list_size(int(number))
        return faiss.rev_swig_ptr(lists.get_ids(int(number)), size) if size else np.empty(0, np.int64)

    def _folded(self, number: int) -> NDArray[np.float32]:
        """(l, w) folded rows of a list."""
        import faiss

        lists, width = self._file.invlists, self._fold.width
        size = lists.list_size(int(number))
        if not size:
            return np.empty((0, width), np.float32)
        half = faiss.rev_swig_ptr(lists.get_codes(int(number)), 2 * size * width).view(np.float16)
        return torch.from_numpy(half).float().numpy().reshape(size, width)

    @cached_property
    def _sizes(self) -> NDArray[np.int64]:
        return np.array([self._file.invlists.list_size(number) for number in range(self._file.nlist)])

    @cached_property
    def _list_of(self) -> NDArray[np.int32]:
        """(v,) the list of each place."""
        lists = np.empty(len(self._index), np.int32)
        for number in range(self._file.nlist):
            lists[self._members(number)] = number
        return lists

    @cached_property
    def _similarity(self) -> NDArray[np.float32]:
        """(m, m) of the centres of the lists."""
        centres = self._file.quantizer.reconstruct_n(0, self._file.nlist)
        return centres @ centres.T

    @cached_property
    def _near_each_other(self) -> list[int]:
        """The lists in the order of a tree of their centres."""
        if self._file.nlist == 1:
            return [0]
        distances = np.sqrt(np.maximum(0, 2 - 2 * self._similarity))
        np.fill_diagonal(distances, 0)
        return leaves_list(linkage(squareform(distances, checks=False), "average")).tolist()
