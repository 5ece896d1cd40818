"""What is asked of the texts of a pool: they are read from their file, a group of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g2is.instructions import Instruction, from_frame
from g2is.instructions.frame import KEPT
from g2is.storage.stored_tables import StoredTable

if TYPE_CHECKING:
    import pandas as pd

TEXTS = ("prompt", "response", "messages", "tools", "template_kwargs", "raw")
"""Columns of the pool whose values may be long. They are never all in memory; the others are."""
SPOKEN = ("prompt", "response")
CONVERSATION = ("messages", "tools", "template_kwargs")
"""Columns that are the same of exact duplicates."""
AT_ONCE = 1024
"""Rows that are read at once where many are."""


def spoken(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Prompt and response of each row."""
    return list(zip(*(frame[name] for name in SPOKEN), strict=True))


def conversations(table: StoredTable, first: int = 0) -> Iterator[tuple[str, str]]:
    """Prompt and response of each instruction, in the order of the pool, from one on."""
    for start, block in table.blocks(SPOKEN):
        if start + len(block) > first:
            part = block.slice(max(0, first - start))
            yield from zip(*(part.column(name).to_pylist() for name in SPOKEN), strict=True)


def instructions_of(table: StoredTable, rows: ArrayLike) -> list[Instruction]:
    """These instructions of the pool, in this order."""
    return from_frame(table.take(rows, [name for name in KEPT if name in table.columns]))


def each_of(table: StoredTable) -> Iterator[Instruction]:
    """The instructions of a pool, read as they are asked for."""
    for start in range(0, len(table), AT_ONCE):
        yield from instructions_of(table, range(start, min(start + AT_ONCE, len(table))))


def joined(table: StoredTable, rows: NDArray[np.integer]) -> Iterator[str]:
    """Prompt and response of these instructions, each pair as one text."""
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        prompts, responses = (table.values(some, name) for name in SPOKEN)
        yield from (f"{prompt}\n{response}" for prompt, response in zip(prompts, responses, strict=True))
