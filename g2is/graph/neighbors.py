"""Exact nearest and most conflicting samples by cosine, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from g2is.errors import InputError
from g2is.graph.tiles import TILE, Held, Ranked, Tile, bytes_on, held_on, passing
from g2is.lm.precision import float32_products

HELD_BYTES = 4 * 2**30
"""Bytes of a block of rows on a GPU."""


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


def block_rows(device: str, rows: np.ndarray) -> int:
    """Rows of a block, which is compared with all rows (n, d) at once.

    Every block reads all rows once. On a GPU products take less time than that, so a block takes `HELD_BYTES` there:
    262,144 rows of 8,192 numbers in half precision.
    """
    if device == "cpu":
        return 1024
    return max(TILE, HELD_BYTES // (rows.shape[1] * bytes_on(device, rows.dtype)) // TILE * TILE)


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
    first, mine = some.start, index[some]
    held = held_on(rows, mine, device)
    sizes = neighbors, conflicts
    tiles = [
        Tile(slice(start, min(start + TILE, len(mine))), sizes, device) for start in range(0, len(mine), TILE)
    ]
    for left, others in passing(rows, index, columns, device):
        for tile in tiles:
            cosines = held[tile.rows] @ others
            start = first + tile.rows.start
            itself = slice(max(0, left - start), max(0, min(len(cosines), left + cosines.shape[1] - start)))
            tile.compare(cosines, left, cosines[itself, max(0, start - left) :].diagonal())
    return _block(index, tiles, held)


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
    held = held_on(rows, mine, device)
    tiles = [
        Tile(slice(start, min(start + TILE, len(mine))), (neighbors, conflicts), device)
        for start in range(0, len(mine), TILE)
    ]
    for left, some in passing(rows, others, columns, device):
        for tile in tiles:
            tile.compare(held[tile.rows] @ some, left)
    return _block(others, tiles, held)


def _block(index: np.ndarray, tiles: Sequence[Tile], held: Held) -> dict[str, np.ndarray]:
    """The arrays of a block: lists of rows, whose places in `index` are ranked, and its sums."""

    def lists(ranked: Sequence[Ranked]) -> tuple[np.ndarray, np.ndarray]:
        values, places = (torch.cat(parts) for parts in zip(*ranked, strict=True))
        return index[places.cpu().numpy()].astype(np.int32), values.clamp(-1, 1).cpu().numpy()

    nearest, near_cosines = lists([tile.best for tile in tiles])
    farthest, conflict_cosines = lists([tile.worst for tile in tiles])
    return {
        "neighbors": nearest,
        "cosines": near_cosines,
        "conflicts": farthest,
        "conflict_cosines": conflict_cosines,
        "total": held.total(),
        "negative": np.array([sum(int(tile.negative) for tile in tiles)]),
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
        unit = held_on(rows, mine, "cpu").rows
        for column, other in enumerate(neighbors[mine].T):
            result[mine, column] = (unit * held_on(rows, other, "cpu").rows).sum(dim=1).numpy()
    return result
