"""Exact nearest and most conflicting samples by cosine, in blocks: memory does not grow with the pool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from g2is.errors import InputError


@dataclass(frozen=True)
class NeighborLists:
    """What the gradient graph keeps of all pairwise cosines; rows that are not valid hold -1 and 0.

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
    on_block: Callable[[int], object] = lambda count: None,
) -> NeighborLists:
    """Compare every valid row with every other.

    rows: (n, d) unit rows, may be a memory map. valid: (n,) bool. Self is excluded; ties go to the
    smaller index. Raises `InputError` where fewer than `neighbors` + 1 rows are valid.
    """
    index = np.flatnonzero(valid)
    count = len(index)
    if count <= neighbors:
        raise InputError(
            f"neighbors = {neighbors}: {count:,} valid samples have at most {max(0, count - 1)} neighbours "
            "each; give fewer --neighbors or a larger pool"
        )
    conflicts = min(conflicts, count - 1)
    nearest = np.full((len(rows), neighbors), -1, np.int32), np.zeros((len(rows), neighbors), np.float32)
    farthest = np.full((len(rows), conflicts), -1, np.int32), np.zeros((len(rows), conflicts), np.float32)
    total, negative = 0.0, 0

    for start in range(0, count, block):
        mine = index[start : start + block]
        unit = _unit(rows, mine, device)
        best = worst = torch.empty(len(mine), 0, dtype=torch.int64, device=device)
        for left in range(0, count, columns):
            other = index[left : left + columns]
            cosines = unit @ _unit(rows, other, device).T
            keys = _sortable(cosines) << 32
            position = torch.from_numpy(other).to(device)
            itself = position == torch.from_numpy(mine).to(device)[:, None]
            # Summed up in double precision on the CPU, which every device can hand its row sums to.
            total += float((cosines * ~itself).sum(dim=1).cpu().double().sum())
            negative += int((cosines < 0).sum()) - int((cosines[itself] < 0).sum())
            # Cosine and index in one integer: the order is exact and ties need no second look.
            up = (keys | (_LAST - position)).masked_fill_(itself, torch.iinfo(torch.int64).min)
            down = (keys | position).masked_fill_(itself, torch.iinfo(torch.int64).max)
            best = _top(torch.cat([best, up], dim=1), neighbors, largest=True)
            worst = _top(torch.cat([worst, down], dim=1), conflicts, largest=False)
        nearest[0][mine], nearest[1][mine] = (_LAST - (best & _LAST)).cpu().numpy(), _cosines(best)
        farthest[0][mine], farthest[1][mine] = (worst & _LAST).cpu().numpy(), _cosines(worst)
        on_block(len(mine))
    pairs = count * (count - 1)
    return NeighborLists(*nearest, *farthest, total / pairs, negative / pairs)


def cosines_to(
    rows: np.ndarray, valid: np.ndarray, targets: np.ndarray, *, device: str = "cpu", block: int = 8192
) -> np.ndarray:
    """Cosine of every valid row (n, d) with every target (m, d): (n, m) float32, 0 for the others."""
    result = np.zeros((len(rows), len(targets)), np.float32)
    unit = torch.nn.functional.normalize(torch.from_numpy(np.asarray(targets, np.float32)).to(device))
    index = np.flatnonzero(valid)
    for start in range(0, len(index), block):
        mine = index[start : start + block]
        result[mine] = (_unit(rows, mine, device) @ unit.T).cpu().numpy()
    return result


def edge_cosines(rows: np.ndarray, neighbors: np.ndarray, *, block: int = 1024) -> np.ndarray:
    """Cosine along each edge of given (n, k) neighbour lists over (n, d) rows: (n, k) float32."""
    result = np.empty(neighbors.shape, np.float32)
    for start in range(0, len(rows), block):
        mine = np.arange(start, min(start + block, len(rows)))
        unit = _unit(rows, mine, "cpu")
        for column, other in enumerate(neighbors[mine].T):
            result[mine, column] = (unit * _unit(rows, other, "cpu")).sum(dim=1).numpy()
    return result


_LAST = 0xFFFFFFFF


def _unit(rows: np.ndarray, index: np.ndarray, device: str) -> torch.Tensor:
    """Rows as float32, normalised again since half precision rounds them off the sphere."""
    # A slice of a memory map is read in one go; picking every row is not.
    contiguous = (np.diff(index) == 1).all()
    part = rows[index[0] : index[-1] + 1] if contiguous else rows[index]
    return torch.nn.functional.normalize(torch.from_numpy(np.array(part)).to(device).float())


def _sortable(cosines: torch.Tensor) -> torch.Tensor:
    """Integers in the order of the floats: the bits, with those of negative numbers turned round."""
    bits = cosines.contiguous().view(torch.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).long()


def _cosines(keys: torch.Tensor) -> np.ndarray:
    bits = (keys >> 32).int()
    floats = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).view(torch.float32)
    return floats.clamp(-1, 1).cpu().numpy()


def _top(keys: torch.Tensor, k: int, *, largest: bool) -> torch.Tensor:
    return torch.topk(keys, min(k, keys.shape[1]), dim=1, largest=largest, sorted=True).values
