"""Exact nearest and most conflicting samples by cosine, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from g2is.arrays.unit import unit_tensor
from g2is.errors import InputError
from g2is.lm.precision import float32_products


@dataclass(frozen=True)
class NeighborLists:
    """Neighbours and conflicts of n rows; rows that are not valid have -1 and cosine 0.

    neighbors, cosines: (n, k) int32 / float32, nearest first. conflicts, conflict_cosines: (n, c), most
    conflicting first. mean_cosine, conflict_share: over all pairs of different valid samples.
    """

    neighbors: np.ndarray
    cosines: np.ndarray
    conflicts: np.ndarray
    conflict_cosines: np.ndarray
    mean_cosine: float
    conflict_share: float


def exact_neighbors(
    rows: np.ndarray,
    valid: np.ndarray,
    *,
    neighbors: int,
    conflicts: int,
    device: str = "cpu",
    block: int = 1024,
    columns: int = 16384,
) -> NeighborLists:
    """The `neighbors` nearest and `conflicts` most conflicting rows of every valid row.

    rows: (n, d) unit rows, may be a memory map. valid: (n,) bool. block, columns: size of the product computed at once.
    The row itself is excluded; ties go to the smaller index. Raises `InputError` where fewer than `neighbors` + 1 rows
    are valid.
    """
    index = comparable(valid, neighbors)
    blocks = []
    for start in range(0, len(index), block):
        some = slice(start, min(start + block, len(index)))
        blocks.append(
            neighbor_block(
                rows,
                index,
                some,
                neighbors=neighbors,
                conflicts=conflicts,
                device=device,
                columns=columns,
            )
        )
    return join_blocks(valid, {name: [part[name] for part in blocks] for name in BLOCK_ARRAYS})


def device_here() -> str:
    """The device to compare on: a GPU where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def block_rows(device: str) -> int:
    """Rows of a block, which is compared with all rows at once.

    Every block reads all rows once, so blocks are larger on devices whose arithmetic is fast.
    """
    return 1024 if device == "cpu" else 8192


def comparable(valid: np.ndarray, neighbors: int) -> np.ndarray:
    """Indices of the valid rows; raises `InputError` where they are too few for lists of `neighbors`."""
    index = np.flatnonzero(valid)
    if len(index) <= neighbors:
        raise InputError(
            f"neighbors = {neighbors}: {len(index):,} valid instructions have at most {max(0, len(index) - 1)} "
            "neighbours each; give fewer --neighbors or a larger pool"
        )
    return index


BLOCK_ARRAYS = ("neighbors", "cosines", "conflicts", "conflict_cosines", "total", "negative")


@float32_products("ieee")
def neighbor_block(
    rows: np.ndarray,
    index: np.ndarray,
    some: slice,
    *,
    neighbors: int,
    conflicts: int,
    device: str = "cpu",
    columns: int = 16384,
) -> dict[str, np.ndarray]:
    """Compare the rows `index[some]` with all rows `index`.

    Returns the four lists of these rows as in `NeighborLists`, the sum of the rows (`total`, (1, d) float64), and the
    number of their negative cosines to others (`negative`, (1,)).
    """
    conflicts = min(conflicts, len(index) - 1)
    start, mine = some.start, index[some]
    unit = _unit(rows, mine, device)
    negative = 0
    best = worst = _empty(len(mine), device)
    for left in range(0, len(index), columns):
        cosines = unit @ _unit(rows, index[left : left + columns], device).T
        itself = slice(max(0, left - start), max(0, min(len(mine), left + cosines.shape[1] - start)))
        diagonal = cosines[itself, max(0, start - left) :].diagonal()
        negative += int(torch.count_nonzero(cosines < 0)) - int(torch.count_nonzero(diagonal < 0))
        for largest in (True, False):
            diagonal.fill_(-torch.inf if largest else torch.inf)
            extremes = _best(cosines, neighbors if largest else conflicts, left, largest=largest)
            if largest:
                best = _merge(best, extremes, neighbors, largest=True)
            else:
                worst = _merge(worst, extremes, conflicts, largest=False)
    return _block(index, best, worst, unit, negative)


@float32_products("ieee")
def cross_block(
    rows: np.ndarray,
    mine: np.ndarray,
    others: np.ndarray,
    *,
    neighbors: int,
    conflicts: int,
    device: str = "cpu",
    columns: int = 16384,
) -> dict[str, np.ndarray]:
    """Compare the rows `mine` with the rows `others`, none of which is among them.

    Returns the same arrays as `neighbor_block`: lists of others, as many as there are, and `total` and `negative`.
    """
    unit = _unit(rows, mine, device)
    negative = 0
    best = worst = _empty(len(mine), device)
    for left in range(0, len(others), columns):
        cosines = unit @ _unit(rows, others[left : left + columns], device).T
        negative += int(torch.count_nonzero(cosines < 0))
        best = _merge(best, _best(cosines, neighbors, left, largest=True), neighbors, largest=True)
        worst = _merge(worst, _best(cosines, conflicts, left, largest=False), conflicts, largest=False)
    return _block(others, best, worst, unit, negative)


def _block(
    index: np.ndarray, best: Ranked, worst: Ranked, unit: torch.Tensor, negative: int
) -> dict[str, np.ndarray]:
    """The arrays of a block: lists of rows, whose places in `index` are ranked, and its sums."""

    def lists(ranked: Ranked) -> tuple[np.ndarray, np.ndarray]:
        values, places = ranked
        return index[places.cpu().numpy()].astype(np.int32), values.clamp(-1, 1).cpu().numpy()

    (nearest, near_cosines), (farthest, conflict_cosines) = lists(best), lists(worst)
    return {
        "neighbors": nearest,
        "cosines": near_cosines,
        "conflicts": farthest,
        "conflict_cosines": conflict_cosines,
        # Converted to double precision on the CPU: not every device has it.
        "total": unit.sum(dim=0, keepdim=True).cpu().double().numpy(),
        "negative": np.array([negative]),
    }


def join_blocks(valid: np.ndarray, blocks: Mapping[str, Sequence[np.ndarray]]) -> NeighborLists:
    """The lists of all (n,) rows from the blocks of the valid ones, in order, by name of array."""

    def spread(name: str, empty: int) -> np.ndarray:
        compact = np.concatenate(blocks[name])
        every = np.full((len(valid), compact.shape[1]), empty, compact.dtype)
        every[valid] = compact
        return every

    count = int(valid.sum())
    pairs = count * (count - 1)
    total = np.concatenate(blocks["total"]).sum(axis=0)
    return NeighborLists(
        spread("neighbors", -1),
        spread("cosines", 0),
        spread("conflicts", -1),
        spread("conflict_cosines", 0),
        # The sum of all pairwise products, each row with itself included, is the squared length of the sum.
        (float(total @ total) - count) / pairs,
        int(np.concatenate(blocks["negative"]).sum()) / pairs,
    )


def edge_cosines(rows: np.ndarray, neighbors: np.ndarray, *, block: int = 1024) -> np.ndarray:
    """(n, k) float32 cosine of each row (n, d) to each of its neighbours (n, k)."""
    result = np.empty(neighbors.shape, np.float32)
    for start in range(0, len(rows), block):
        mine = np.arange(start, min(start + block, len(rows)))
        unit = _unit(rows, mine, "cpu")
        for column, other in enumerate(neighbors[mine].T):
            result[mine, column] = (unit * _unit(rows, other, "cpu")).sum(dim=1).numpy()
    return result


def _unit(rows: np.ndarray, index: np.ndarray, device: str) -> torch.Tensor:
    """Rows as float32, normalised again because half precision changes their lengths."""
    # A slice of a memory map is one read; picking rows one by one is not.
    contiguous = (np.diff(index) == 1).all()
    part = rows[index[0] : index[-1] + 1] if contiguous else rows[index]
    return unit_tensor(torch.from_numpy(np.array(part)).to(device))


Ranked = tuple[torch.Tensor, torch.Tensor]
"""(b, k) cosines, best first, and their places (b, k)."""


def _empty(count: int, device: str) -> Ranked:
    return torch.empty(count, 0, device=device), torch.empty(count, 0, dtype=torch.int64, device=device)


def _best(cosines: torch.Tensor, k: int, first: int, *, largest: bool) -> Ranked:
    """The k best of (b, c) cosines, whose places are `first`, `first` + 1, …; ties to the smaller place."""
    width = cosines.shape[1]
    # One more value shows whether the last place is tied: of tied ones topk may return any.
    values, places = torch.topk(cosines, min(k + 1, width), dim=1, largest=largest, sorted=True)
    if width > k:
        tied = (values[:, k] == values[:, k - 1]).nonzero()[:, 0]
        if len(tied):
            again = torch.sort(cosines[tied], dim=1, descending=largest, stable=True)
            values[tied, :k], places[tied, :k] = again.values[:, :k], again.indices[:, :k]
    return _in_order(values[:, :k], places[:, :k] + first, largest=largest)


def _merge(old: Ranked, new: Ranked, k: int, *, largest: bool) -> Ranked:
    """The k best of both; places of `new` come after those of `old`."""
    values, places = (torch.cat(pair, dim=1) for pair in zip(old, new, strict=True))
    values, places = _in_order(values, places, largest=largest)
    return values[:, :k], places[:, :k]


def _in_order(values: torch.Tensor, places: torch.Tensor, *, largest: bool) -> Ranked:
    """Sorted best first, ties to the smaller place."""
    places, order = torch.sort(places, dim=1)
    values, second = torch.sort(values.gather(1, order), dim=1, descending=largest, stable=True)
    return values, places.gather(1, second)
