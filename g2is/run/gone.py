"""Instructions that were removed from the pool: marked as gone, so that they can come back, and left out by readers.

What a run keeps of them stays in its files. `Run` opens everything without them, in the way in which what has no
gradient is left out: so nothing that reads a run asks whether something is gone. Row numbers never change.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from g2is.errors import InputError
from g2is.run.files import RunFiles
from g2is.run.paths import gone_file

if TYPE_CHECKING:
    import pandas as pd

PROBLEM = "removed from the pool"
"""What stands in the column `problem` of an instruction that is gone."""
BLOCK = 1 << 16
"""Neighbour lists that are looked at once."""


@dataclass(frozen=True)
class Removal:
    """Instructions that went together. number: which. note: what they are, in words. removed: when. count: how many."""

    number: str
    note: str
    removed: str
    count: int


def removals(files: RunFiles) -> list[Removal]:
    """The removals of a run that were not taken back, in the order in which they came."""
    return [
        Removal(PurePosixPath(place).name, part.name, part.added, part.found["count"])
        for place, part in files.manifest.removals.items()
    ]


def removed_rows(files: RunFiles, place: str) -> NDArray[np.int64]:
    """The rows that one removal took away, ascending. place: its folder. Raises `InputError` for a damaged file."""
    name = gone_file(place)
    rows = np.asarray(files.array(name, "i", (files.manifest.parts[place].found["count"],)), np.int64)
    if rows[0] < 0 or rows[-1] >= files.pool or not (np.diff(rows) > 0).all():
        raise InputError(
            f"{files.path(name)}: expected ascending rows of the pool, 0 to {files.pool - 1:,}; {files.remedy(name)}"
        )
    return rows


def gone_mask(files: RunFiles) -> NDArray[np.bool_]:
    """(n,) the instructions that were removed."""
    gone = np.zeros(files.pool, dtype=bool)
    for place in files.manifest.removals:
        gone[removed_rows(files, place)] = True
    gone.flags.writeable = False
    return gone


def gone_since(count: int, of: int) -> str:
    """That some of the instructions of a selection or a set were removed from the pool since, in words; "" for none."""
    is_or_are = "is" if count == 1 else "are"
    return f"{count:,} of its {of:,} instructions {is_or_are} gone since" if count else ""


def marked(pool: pd.DataFrame, gone: NDArray[np.bool_]) -> pd.DataFrame:
    """The table of the pool with a column `gone`, where what is gone is not valid and the copy of nothing, and nothing
    is a copy of it: the first of its copies that is left takes its place."""
    return pool.assign(
        gone=gone,
        valid=pool["valid"].to_numpy() & ~gone,
        problem=pool["problem"].astype(object).where(~gone, PROBLEM),
        duplicate_of=_first_left(pool["duplicate_of"].to_numpy(), gone),
    )


def _first_left(duplicate_of: NDArray[np.integer], gone: NDArray[np.bool_]) -> NDArray[np.integer]:
    rows = np.arange(len(gone))
    first = np.where(duplicate_of >= 0, duplicate_of, rows)
    left = np.full(len(gone), len(gone))
    np.minimum.at(left, first[~gone], rows[~gone])
    found = left[first]
    return np.where(gone | (found == rows), -1, found).astype(duplicate_of.dtype)


def lists_without(
    lists: NDArray[np.integer], cosines: NDArray[np.floating], gone: NDArray[np.bool_]
) -> tuple[NDArray[np.integer], NDArray[np.floating]]:
    """Neighbour lists (n, k) and their cosines without what is gone: later entries move up, and -1 with a cosine of 0
    fill the end, as in the lists of what has no gradient. Read-only."""
    lists, cosines = np.array(lists), np.array(cosines)
    for start in range(0, len(lists), BLOCK):
        some = slice(start, start + BLOCK)
        drop = (lists[some] >= 0) & (gone[lists[some]] | gone[some, None])
        touched = start + np.flatnonzero(drop.any(axis=1))
        drop = drop[touched - start]
        order = np.argsort(drop, axis=1, kind="stable")
        for array, filled in ((lists, -1), (cosines, 0)):
            left = np.where(drop, np.asarray(filled, array.dtype), array[touched])
            array[touched] = np.take_along_axis(left, order, axis=1)
    lists.flags.writeable = cosines.flags.writeable = False
    return lists, cosines
