"""The parts that the map is made of: points, colours, walk and marks.

They cost 4 bytes, 1 byte, a few bytes a step, and 1 bit a sample: another colour sends the colours alone, and a click
next to nothing. Every number that the browser has to know about them is in their headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from g2is.app.map.points import NOWHERE, MapPoints
from g2is.app.shared import number, visible
from g2is.app.shared.canvas.parts import pack
from g2is.figures.colouring import LEVELS, NONE, Colouring
from g2is.walk import ORIGINS, WalkTrace

CHANNEL = "map"
TICKS = 4
"""Intervals between the numbers along a scale."""
SHAPES = {"triangle-up": "triangle"}
"""Markers that the canvas has another name for."""


def points_part(map_id: str, points: MapPoints, about: str) -> bytes:
    """Where the samples lie. about: what a screen reader says of the map."""
    return pack(
        CHANNEL,
        "points",
        {"map": map_id, "extent": points.extent, "nowhere": NOWHERE, "about": about},
        x=points.samples[:, 0],
        y=points.samples[:, 1],
        vx=points.validation[:, 0],
        vy=points.validation[:, 1],
    )


def colours_part(map_id: str, colouring: Colouring, names: Sequence[tuple[str, tuple[int, int]]]) -> bytes:
    """The colours with their legend. names: texts on the map and their places, the most important first."""
    header: dict[str, Any] = {
        "map": map_id,
        "scheme": colouring.scheme,
        "title": visible(colouring.title),
        "unit": colouring.unit,
        "missing": NONE,
        "levels": LEVELS,
        "none": colouring.none,
        "names": [{"text": text, "at": at} for text, at in names],
    }
    scale = colouring.scale
    if scale is None:
        header["entries"] = [
            {"name": visible(entry.name), "count": entry.count, "shape": SHAPES.get(entry.shape, entry.shape)}
            for entry in colouring.categories
        ]
        header["shapes"] = [entry["shape"] for entry in header["entries"]]
    else:
        header |= {
            "low": scale.low,
            "high": scale.high,
            "log": scale.log,
            "whole": scale.whole,
            "ticks": ticks_of(colouring),
        }
    return pack(CHANNEL, "colours", header, codes=colouring.codes, light=colouring.light, dark=colouring.dark)


def ticks_of(colouring: Colouring) -> list[tuple[float, str]]:
    """Places from 0 to 1 along the scale, and the text at each."""
    scale = colouring.scale
    assert scale is not None
    ticks = []
    for tick in range(TICKS + 1):
        text = number(float(f"{scale.value(tick / TICKS):.3g}"))
        if tick == 0 and scale.clipped[0]:
            text = f"≤ {text}"
        if tick == TICKS and scale.clipped[1]:
            text = f"≥ {text}"
        ticks.append((round(tick / TICKS * LEVELS) / LEVELS, text))
    return ticks


def walk_part(map_id: str, trace: WalkTrace | None) -> bytes:
    """The path of a walk, empty for None: each step's sample, the sample before it or -1, and its origin."""
    steps = None if trace is None else trace.steps
    empty = np.empty(0, np.int32)
    return pack(
        CHANNEL,
        "walk",
        {"map": map_id, "origins": ORIGINS},
        sample=empty if steps is None else steps.sample.astype(np.int32),
        came_from=empty if steps is None else steps.path(),
        origin=empty.astype(np.uint8) if steps is None else steps.origin.astype(np.uint8),
    )


def marks_part(
    map_id: str,
    count: int,
    selected: NDArray[np.integer],
    focus: int | None,
    view: Sequence[float] | None,
    order: int,
) -> bytes:
    """Focus, view and the selected samples; if any are selected, all others turn grey.

    count: samples in the pool. order: a number that differs from the last one makes the map go to this focus and view;
    otherwise it stays where the reader is.
    """
    bits = np.zeros(0, np.uint8)
    if len(selected):
        chosen = np.zeros(count, dtype=bool)
        chosen[selected] = True
        bits = np.packbits(chosen, bitorder="little")
    header: dict[str, Any] = {
        "map": map_id,
        "focus": focus,
        "view": view,
        "order": order,
        "counted": len(selected),
        # The dots are painted again only if this changes.
        "bitsId": blake2b(bits.tobytes(), digest_size=8).hexdigest(),
    }
    return pack(CHANNEL, "marks", header, bits=bits)
