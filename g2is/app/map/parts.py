"""The parts of the map besides points and colours (`g2is.app.shared.canvas.pool`): walk, marks, bits of what is found.

These four cost 4 bytes, 1 byte, a few bytes a step, and 1 bit a sample: another colour sends the colours alone, and a
click next to nothing. Every number that the browser has to know about them is in their headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from g2is.app.shared.canvas.parts import pack
from g2is.app.shared.labels import origin_meanings
from g2is.walk import ORIGINS, WalkTrace

CHANNEL = "map"


def walk_part(map_id: str, trace: WalkTrace | None, *, asked: bool = False) -> bytes:
    """The path of a walk, empty for None: each step's sample, the sample before it or -1, and its origin.

    asked: whether the reader chose this one to be drawn, so that it stays when other things are seen alone.
    """
    steps = None if trace is None else trace.steps
    empty = np.empty(0, np.int32)
    return pack(
        CHANNEL,
        "walk",
        {
            "map": map_id,
            "asked": asked,
            "origins": ORIGINS,
            "meanings": {} if trace is None else origin_meanings(trace.parameters),
            "bans": [] if trace is None else list(trace.parameters.bans),
        },
        sample=empty if steps is None else steps.sample.astype(np.int32),
        came_from=empty if steps is None else steps.path(),
        origin=empty.astype(np.uint8) if steps is None else steps.origin.astype(np.uint8),
    )


def bits_of(rows: NDArray[np.integer], count: int) -> NDArray[np.uint8]:
    """A bit for each of `count` samples, set for these rows; the first in the lowest bit of the first byte."""
    chosen = np.zeros(count, dtype=bool)
    chosen[rows] = True
    return np.packbits(chosen, bitorder="little")


def marks_part(
    map_id: str,
    count: int,
    selected: NDArray[np.integer],
    focus: int | None,
    view: Sequence[float] | None,
    order: int,
    only: Sequence[int] = (),
    alone: bool = False,
) -> bytes:
    """Focus, view and the selected samples, which get a frame.

    count: samples in the pool. order: a number that differs from the last one makes the map go to this focus, view and
    legend; otherwise it stays where the reader is. only: categories picked in the legend. alone: whether all else is
    hidden.
    """
    bits = bits_of(selected, count) if len(selected) else np.zeros(0, np.uint8)
    header: dict[str, Any] = {
        "map": map_id,
        "focus": focus,
        "view": view,
        "order": order,
        "only": list(only),
        "alone": alone,
        "counted": len(selected),
        # The dots are painted again only if this changes.
        "bitsId": blake2b(bits.tobytes(), digest_size=8).hexdigest(),
    }
    return pack(CHANNEL, "marks", header, bits=bits)
