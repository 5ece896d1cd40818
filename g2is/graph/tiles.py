"""Tiles of the products of rows with all rows, on a CPU or a GPU, and the best of each row as they pass.

On a GPU rows of a store in half precision or int8 stay in half precision: its tensor cores multiply them with sums in
single precision, and the lengths of the rows, which rounding changed, divide the result. Many rows stay there while all
rows pass by, read ahead by a thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from g2is.arrays.unit import unit_tensor

TILE = 8192
"""Rows of a block whose cosines are in memory at once."""


@dataclass(frozen=True)
class Held:
    """Rows (b, d) on a device: unit rows in single precision, or as the store has them in half precision with the
    inverses of their lengths (b, 1)."""

    rows: torch.Tensor
    inverse: torch.Tensor | None = None

    def __getitem__(self, some: slice) -> Held:
        return Held(self.rows[some], None if self.inverse is None else self.inverse[some])

    def __matmul__(self, other: Held) -> torch.Tensor:
        """(b, c) cosines in single precision."""
        if self.inverse is None or other.inverse is None:
            return self.rows @ other.rows.T
        if self.rows.device.type == "cuda":
            product = torch.mm(self.rows, other.rows.T, out_dtype=torch.float32)
        else:  # the same numbers, to check the rest where there is no GPU
            product = self.rows.float() @ other.rows.float().T
        return product.mul_(self.inverse).mul_(other.inverse.T)

    def empty(self, count: int) -> Held:
        """Room for so many rows of the same kind."""
        rows = self.rows.new_empty(count, self.rows.shape[1])
        return Held(rows, None if self.inverse is None else self.inverse.new_empty(count, 1))

    def copy_(self, other: Held) -> None:
        """Take over other rows, as many, in place."""
        self.rows.copy_(other.rows)
        if self.inverse is not None and other.inverse is not None:
            self.inverse.copy_(other.inverse)

    def total(self) -> np.ndarray:
        """(1, d) float64, the sum of the unit rows, converted on the CPU: not every device has double precision."""
        total = torch.zeros(1, self.rows.shape[1], device=self.rows.device)
        for start in range(0, len(self.rows), TILE):
            part = self[slice(start, start + TILE)]
            rows = part.rows if part.inverse is None else part.rows.float() * part.inverse
            total += rows.sum(dim=0, keepdim=True)
        return total.cpu().double().numpy()


def held_on(rows: np.ndarray, index: np.ndarray, device: str) -> Held:
    """Rows on the device, in half precision where it is a GPU and the store is no more precise.

    They go there in pieces: beside them neither the host nor the device needs memory of their size.
    """
    held: Held | None = None
    for start in range(0, len(index), TILE):
        part = _on_device(_stored(rows, index[start : start + TILE], device), device)
        if len(index) <= TILE:
            return part
        held = held or part.empty(len(index))
        held[slice(start, start + TILE)].copy_(part)
    assert held is not None, "no rows"
    return held


def _stored(rows: np.ndarray, index: np.ndarray, device: str) -> torch.Tensor:
    """Rows in memory, from which a GPU can copy them by itself."""
    # A slice of a memory map is one read; picking rows one by one is not.
    contiguous = (np.diff(index) == 1).all()
    part = rows[index[0] : index[-1] + 1] if contiguous else rows[index]
    stored = torch.from_numpy(np.array(part))
    return stored.pin_memory() if device == "cuda" else stored


def _on_device(stored: torch.Tensor, device: str) -> Held:
    moved = stored.to(device, non_blocking=True)
    if not _in_half(device, stored.dtype):
        return Held(unit_tensor(moved))
    half = moved.half()  # exact: a store of int8 holds whole numbers up to 127
    lengths = half.float().norm(dim=1, keepdim=True)
    return Held(half, 1 / lengths.masked_fill(lengths == 0, 1))


def bytes_on(device: str, dtype: np.dtype) -> int:
    """Bytes that a number of a store takes on a device."""
    return 2 if _in_half(device, torch.from_numpy(np.empty(0, dtype)).dtype) else 4


def _in_half(device: str, dtype: torch.dtype) -> bool:
    return device != "cpu" and dtype in (torch.float16, torch.int8)


def passing(rows: np.ndarray, index: np.ndarray, columns: int, device: str) -> Iterator[tuple[int, Held]]:
    """All rows, so many at once, each with the place of its first; the next ones are read meanwhile."""
    starts = range(0, len(index), columns)
    with ThreadPoolExecutor(1) as reader:
        waiting = None
        for start in starts:
            ready = waiting or reader.submit(_stored, rows, index[start : start + columns], device)
            after = index[start + columns : start + 2 * columns]
            waiting = reader.submit(_stored, rows, after, device) if len(after) else None
            yield start, _on_device(ready.result(), device)


Ranked = tuple[torch.Tensor, torch.Tensor]
"""(b, k) cosines, best first, and their places (b, k)."""


class Tile:
    """The lists of some rows of a block while all rows pass by. rows: of the block. sizes: neighbours and conflicts."""

    def __init__(self, rows: slice, sizes: tuple[int, int], device: str) -> None:
        self.rows = rows
        self._sizes = sizes
        count = rows.stop - rows.start
        self.best = self.worst = (
            torch.empty(count, 0, device=device),
            torch.empty(count, 0, dtype=torch.int64, device=device),
        )
        self.negative: torch.Tensor | int = 0

    def compare(self, cosines: torch.Tensor, left: int, diagonal: torch.Tensor | None = None) -> None:
        """Take in cosines (b, c) to rows whose places begin at `left`. diagonal: those of rows to themselves."""
        self.negative = self.negative + torch.count_nonzero(cosines < 0)
        if diagonal is not None:
            self.negative = self.negative - torch.count_nonzero(diagonal < 0)
            diagonal.fill_(-torch.inf)
        self.best = _joined(self.best, cosines, self._sizes[0], left, largest=True)
        if diagonal is not None:
            diagonal.fill_(torch.inf)
        self.worst = _joined(self.worst, cosines, self._sizes[1], left, largest=False)


def _joined(old: Ranked, cosines: torch.Tensor, k: int, left: int, *, largest: bool) -> Ranked:
    """The k best of a list and of (b, c) cosines, whose places are `left`, `left` + 1, …; ties to the smaller place.

    Only cosines better than the last of a full list are ranked, which are few once many rows have passed.
    """
    if k == 0 or old[0].shape[1] < k:
        return _merge(old, _best(cosines, k, left, largest=largest), k, largest=largest)
    last = old[0][:, -1:]
    row, column = (cosines > last if largest else cosines < last).nonzero(as_tuple=True)
    counts = torch.bincount(row, minlength=len(cosines))
    most = int(counts.max()) if len(row) else 0
    if most == 0:
        return old
    if most > 4 * k:
        return _merge(old, _best(cosines, k, left, largest=largest), k, largest=largest)
    # Side by side, in the order of their places; the rest of the row is filled with what is never chosen.
    position = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row]
    values = cosines.new_full((len(cosines), most), -torch.inf if largest else torch.inf)
    places = torch.full_like(values, torch.iinfo(torch.int64).max, dtype=torch.int64)
    values[row, position] = cosines[row, column]
    places[row, position] = column + left
    return _merge(old, (values, places), k, largest=largest)


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
