"""A graph that grows: lists of neighbours and conflicts, places and communities, brought up to date for new rows.

The k best of a union are among the k best of its parts. So the list of an old row is merged with its best new rows, and
that of a new row from its best old ones and its best new ones; the result is that of comparing all with all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g2is.graph.layout import Places, places_between
from g2is.graph.neighbors import BLOCK_ARRAYS, NeighborLists, cross_block, neighbor_block

Block = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Grown:
    """The lists of all rows, and for each new row that is valid the old ones nearest to it: (v, c), nearest first."""

    lists: NeighborLists
    nearest_old: NDArray[np.int32]
    cosines_old: NDArray[np.float32]


def grown_lists(
    rows: np.ndarray,
    valid: np.ndarray,
    old: NeighborLists,
    *,
    neighbors: int,
    conflicts: int,
    device: str = "cpu",
    block: int = 1024,
    on_rows: Callable[[int], object] = lambda count: None,
) -> Grown:
    """Exact lists of a pool (n, d) whose first rows have them already; see `exact_neighbors`.

    old: of the first rows, exact too, since they are used as they are. on_rows: called with how many rows were
    compared; the valid ones in all. Ties go to the smaller row.
    """
    first = len(old.neighbors)
    index = np.flatnonzero(valid)
    earlier, later = index[index < first], index[index >= first]
    sizes = {"neighbors": neighbors, "conflicts": conflicts}
    among = {name: min(size, max(0, len(later) - 1)) for name, size in sizes.items()}
    new_to_old: list[Block] = []
    merged: list[Block] = []
    for start in range(0, len(later), block):
        some = slice(start, min(start + block, len(later)))
        to_old = cross_block(rows, later[some], earlier, **sizes, device=device)
        to_new = neighbor_block(rows, later, some, **among, device=device)
        new_to_old.append(to_old)
        merged.append(_merged(to_old, to_new, sizes))
        on_rows(len(later[some]))
    updated: list[Block] = []
    for start in range(0, len(earlier), block):
        mine = earlier[start : start + block]
        # New lists come second: of equal cosines the old row, which is the smaller, stays before the new one.
        to_new = cross_block(rows, mine, later, **sizes, device=device)
        updated.append(_merged({name: getattr(old, name)[mine] for name in _LISTS}, to_new, sizes))
        updated[-1]["total"] = to_new["total"]
        on_rows(len(mine))
    parts = [*updated, *merged]
    lists = {name: _joined([part[name] for part in parts], len(valid), index, name) for name in _LISTS}
    pairs, before = len(index) * (len(index) - 1), len(earlier) * (len(earlier) - 1)
    total = np.concatenate([part["total"] for part in parts]).sum(axis=0)
    # Each pair of an old row and a new one counts in both directions.
    across = sum(int(part["negative"].sum()) for part in new_to_old)
    negative = round(old.conflict_share * before) + 2 * across
    negative += sum(int(part["negative"].sum()) for part in merged)
    return Grown(
        NeighborLists(
            **lists,
            mean_cosine=(float(total @ total) - len(index)) / pairs,
            conflict_share=negative / pairs,
        ),
        _stacked([part["neighbors"] for part in new_to_old], np.int32),
        _stacked([part["cosines"] for part in new_to_old], np.float32),
    )


def nearest_of_old(
    rows: np.ndarray, valid: np.ndarray, first: int, *, count: int, device: str = "cpu", block: int = 1024
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For each valid row from `first` on the valid rows before it nearest to it, (v, count), and their cosines."""
    index = np.flatnonzero(valid)
    earlier, later = index[index < first], index[index >= first]
    parts = [
        cross_block(rows, later[start : start + block], earlier, neighbors=count, conflicts=1, device=device)
        for start in range(0, len(later), block)
    ]
    return (
        _stacked([part["neighbors"] for part in parts], np.int32),
        _stacked([part["cosines"] for part in parts], np.float32),
    )


def grown_places(
    places: Places, valid: np.ndarray, nearest: NDArray[np.int32], cosines: NDArray[np.float32]
) -> Places:
    """(n, 2): the places of the old rows as they are, and each new one between the old ones nearest to it.

    valid: (n,). nearest, cosines: (v, c) of the new rows that are valid; others have no place.
    """
    grown = np.full((len(valid), 2), np.nan, np.float32)
    grown[: len(places)] = places
    if nearest.size:
        later = np.flatnonzero(valid)
        grown[later[later >= len(places)]] = places_between(places, nearest, cosines)
    return grown


def grown_communities(
    membership: NDArray[np.int32],
    valid: np.ndarray,
    nearest: NDArray[np.int32],
    cosines: NDArray[np.float32],
) -> NDArray[np.int32]:
    """(n,): the communities of the old rows as they are; of a new one that to which its nearest old rows have the
    largest sum of cosines above 0, that of the nearest where none is. -1 where not valid."""
    grown = np.full(len(valid), -1, np.int32)
    grown[: len(membership)] = membership
    if nearest.size:
        later = np.flatnonzero(valid)
        votes = np.zeros((len(nearest), int(membership.max()) + 1))
        voters = np.repeat(np.arange(len(nearest)), nearest.shape[1])
        np.add.at(votes, (voters, membership[nearest].ravel()), np.maximum(cosines, 0).ravel())
        grown[later[later >= len(membership)]] = np.where(
            votes.any(axis=1), votes.argmax(axis=1), membership[nearest[:, 0]]
        )
    return grown


_LISTS = BLOCK_ARRAYS[:4]


def _merged(one: Block, other: Block, sizes: dict[str, int]) -> Block:
    """The best of two lists of each row; where cosines are equal those of the first come first."""
    merged: Block = {name: other[name] for name in ("total", "negative") if name in other}
    for lists, cosines, sign in (("neighbors", "cosines", -1), ("conflicts", "conflict_cosines", 1)):
        rows = np.concatenate([one[lists], other[lists]], axis=1)
        values = np.concatenate([one[cosines], other[cosines]], axis=1)
        order = np.argsort(sign * values, axis=1, kind="stable")[:, : sizes[lists]]
        merged[lists] = np.take_along_axis(rows, order, axis=1).astype(np.int32)
        merged[cosines] = np.take_along_axis(values, order, axis=1).astype(np.float32)
    return merged


def _joined(parts: list[np.ndarray], count: int, index: np.ndarray, name: str) -> np.ndarray:
    """The lists of all rows, in order; those of rows that are not valid have -1, or cosine 0."""
    compact = np.concatenate(parts)
    empty = -1 if name in ("neighbors", "conflicts") else 0
    every = np.full((count, compact.shape[1]), empty, compact.dtype)
    every[index] = compact
    return every


def _stacked(parts: list[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros((0, 0), kind)
