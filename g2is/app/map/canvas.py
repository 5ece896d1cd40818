"""The map in the browser: dots by the hundred thousand, sent once as bytes; a polygon or a row number comes back.

What the map shows goes down in parts, each in an element of its own: the points (4 bytes a sample), the colours
(1 byte a sample), the walk, and the marks: focus, view and basket (1 bit a sample). Streamlit sends an element again
only when its bytes have changed, so that another colour costs the colours alone and a click next to nothing.
Texts are fetched for where the reader is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from g2is.app.map.points import MapPoints
from g2is.app.shared import number, visible
from g2is.figures.map_colours import LEVELS, Colouring
from g2is.run.run import Run
from g2is.walk import ORIGINS, WalkTrace

TEXT_LENGTH = 160
TICKS = 4
"""Steps between the numbers along a scale."""

CANVAS = "map canvas"
TEXTS = "map texts"

_FOLDER = Path(__file__).parent
_SCRIPTS = ("dots.js", "marks.js", "legend.js", "hands.js", "canvas.js")


def show_canvas(parts: Sequence[bytes], *, key: str, on_event: Callable[[str], None]) -> None:
    """Show the map of these parts, as `points_part` and its like make them.

    on_event: called with the name of what the reader did: focus, drawn or cleared; see `event`.
    """
    with st.container(gap=None):
        canvas = st.components.v2.component(
            "g2is_map",
            html=_read("canvas.html"),
            css=_read("canvas.css"),
            # One module in the browser; its files share their names.
            js="\n".join(_read(name) for name in _SCRIPTS),
        )
        canvas(
            key=key,
            on_focus_change=lambda: on_event("focus"),
            on_drawn_change=lambda: on_event("drawn"),
            on_cleared_change=lambda: on_event("cleared"),
        )
        for place, part in enumerate(parts):
            show_part(part, key=f"{key} part {place}")


def event(key: str, name: str) -> Any:
    """What the reader did, in a callback. focus: a row; drawn: {"polygon": [[x, y], …], "how": new, add or remove}."""
    return getattr(st.session_state[key], name)


@st.fragment
def show_texts(run: Run, map_id: str, on_view: Callable[[Any], None]) -> None:
    """Answers the map's questions for texts; reruns alone, so that hovering never disturbs the page.

    on_view: called with the part of the plane that is seen now: [x, y, zoom], or None for all of it.
    """

    def remember() -> None:
        st.session_state["map asked"] = event(TEXTS, "ask")

    def move() -> None:
        moved = event(TEXTS, "moved")
        if moved["map"] == map_id:
            on_view(moved["view"])

    asked = st.session_state.get("map asked", {})
    samples = asked["samples"][:100] if asked.get("map") == map_id else []
    texts = {str(sample): text for sample in samples if (text := hover_text(run, sample)) is not None}
    part = pack("texts", map_id, {"texts": texts})
    show_part(part, key=TEXTS, on_ask_change=remember, on_moved_change=move)


def hover_text(run: Run, sample: Any) -> str | None:
    """The beginning of a sample's prompt on one line, and where it is from; validation samples count from -1 down."""
    if not isinstance(sample, int):
        return None
    frame, row = (run.instructions, sample) if sample >= 0 else (run.validation, -1 - sample)
    if row >= len(frame):
        return None
    prompt, source = frame["prompt"].iat[row], frame["source"].iat[row]
    text = " ".join(prompt[: 2 * TEXT_LENGTH].split())
    return visible(f"{text[:TEXT_LENGTH]}{'…' if len(text) > TEXT_LENGTH else ''}\n{source}")


def points_part(map_id: str, points: MapPoints, about: str) -> bytes:
    """The places. about: what a screen reader says of the map."""
    return pack(
        "points",
        map_id,
        {"extent": points.extent, "about": about},
        x=points.samples[:, 0],
        y=points.samples[:, 1],
        vx=points.validation[:, 0],
        vy=points.validation[:, 1],
    )


def colours_part(map_id: str, colouring: Colouring, names: Sequence[tuple[str, tuple[int, int]]]) -> bytes:
    """The colours with their legend. names: text and place of what is written on the map, the most important first."""
    header: dict[str, Any] = {
        "scheme": colouring.scheme,
        "title": colouring.title,
        "unit": colouring.unit,
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
    return pack("colours", map_id, header, codes=colouring.codes, light=colouring.light, dark=colouring.dark)


SHAPES = {"triangle-up": "triangle"}


def ticks_of(colouring: Colouring) -> list[tuple[float, str]]:
    """Places from 0 to 1 along the scale and what is written there."""
    scale = colouring.scale
    assert scale is not None
    ticks = []
    for step in range(TICKS + 1):
        share = round(step / TICKS * LEVELS) / LEVELS
        value = scale.value(step / TICKS)
        said = number(float(f"{value:.3g}"))
        if (step == 0 and scale.clipped[0]) or (step == TICKS and scale.clipped[1]):
            said = ("≤ " if step == 0 else "≥ ") + said
        ticks.append((share, said))
    return ticks


def walk_part(map_id: str, trace: WalkTrace | None) -> bytes:
    """The path of a walk; with None, none."""
    steps = None if trace is None else trace.steps
    empty = np.empty(0, np.int32)
    return pack(
        "walk",
        map_id,
        {"origins": ORIGINS},
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
    """Focus, view and what is selected; all else is greyed out, unless nothing is selected.

    count: samples in the pool. order: another number than before has the map go to this focus and view, where it
    otherwise stays where the reader is.
    """
    header: dict[str, Any] = {"focus": focus, "view": view, "order": order, "counted": len(selected)}
    bits = np.zeros(0, np.uint8)
    if len(selected):
        chosen = np.zeros(count, dtype=bool)
        chosen[selected] = True
        bits = np.packbits(chosen, bitorder="little")
    # The dots need to be drawn anew only if other ones are grey.
    header["bitsId"] = blake2b(bits.tobytes(), digest_size=8).hexdigest()
    return pack("marks", map_id, header, bits=bits)


def pack(kind: str, map_id: str, header: dict[str, Any], **arrays: NDArray[Any]) -> bytes:
    """A part as bytes: 4 bytes length, a JSON header, the arrays that it lists. Its `id` tells it from others."""
    listed = [(name, array.dtype.str[1:], array.size) for name, array in arrays.items()]
    body = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())
    known = {"kind": kind, "map": map_id, **header, "arrays": listed}
    known["id"] = blake2b(json.dumps(known).encode() + body, digest_size=8).hexdigest()
    text = json.dumps(known).encode()
    return len(text).to_bytes(4, "little") + text + body


def show_part(data: bytes, *, key: str, **callbacks: Any) -> None:
    """Send a part to the map, which may stand anywhere on the page."""
    part = st.components.v2.component("g2is_map_part", js=_read("part.js"))
    part(key=key, data=data, height=1, **callbacks)


@cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text()
