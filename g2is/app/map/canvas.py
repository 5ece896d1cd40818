"""The map in the browser: dots by the hundred thousand, sent once as bytes; a polygon or a row number comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from g2is.app.map.parts import CHANNEL
from g2is.app.shared import visible
from g2is.app.shared.canvas.parts import pack, show_part
from g2is.app.shared.events import event, while_shown
from g2is.app.shared.javascript import module
from g2is.app.shared.text import showing_errors
from g2is.instructions.snippet import snippet
from g2is.run.run import Run

CANVAS = "map canvas"
TEXTS = "map texts"
ASKED = "map asked"

TEXT_LENGTH = 160
"""Characters of a text beside the pointer, at most."""
MOST_TEXTS = 40
"""Texts that the map may request at once."""

_FOLDER = Path(__file__).parent


def show_canvas(parts: Sequence[bytes], *, key: str, on_event: Callable[[str], None]) -> None:
    """Show the map of these parts, see `g2is.app.map.parts`.

    on_event: called with the name of what the reader did, of which `event` has the rest. focus: a row. drawn:
    {"polygon": [[x, y], …], "how": "new", "add" or "remove"}. legend: {"only": the categories picked, "alone": whether
    all else is hidden}. cleared: nothing more.
    """
    with st.container(gap=None):
        canvas = st.components.v2.component(
            "g2is_map",
            html=(_FOLDER / "canvas.html").read_text(),
            css=(_FOLDER / "canvas.css").read_text(),
            js=module(_FOLDER / "canvas.js"),
        )
        canvas(
            key=key,
            on_focus_change=while_shown(key, lambda: on_event("focus")),
            on_drawn_change=while_shown(key, lambda: on_event("drawn")),
            on_legend_change=while_shown(key, lambda: on_event("legend")),
            on_cleared_change=while_shown(key, lambda: on_event("cleared")),
        )
        for place, part in enumerate(parts):
            show_part(part, key=f"{key} part {place}")


@st.fragment
@showing_errors
def show_texts(run: Run, map_id: str, on_view: Callable[[Any], None]) -> None:
    """Answer the map's questions for texts. Reruns alone, so that hovering never disturbs the page.

    on_view: called with the view of the plane when it changes: [x, y, zoom], or None for all of it.
    """

    def remember() -> None:
        st.session_state[ASKED] = event(TEXTS, "ask")

    def move() -> None:
        moved = event(TEXTS, "moved")
        if moved["map"] == map_id:
            on_view(moved["view"])

    asked = st.session_state.get(ASKED, {})
    samples = asked["samples"][:MOST_TEXTS] if asked.get("map") == map_id else []
    texts = {str(sample): text for sample in samples if (text := hover_text(run, sample)) is not None}
    header = {"map": map_id, "events": ["ask", "moved"], "most": MOST_TEXTS, "texts": texts}
    show_part(pack(CHANNEL, "texts", header), key=TEXTS, on_ask_change=remember, on_moved_change=move)


def hover_text(run: Run, sample: Any) -> str | None:
    """The beginning of a prompt on one line, and its source; validation examples count from -1 down.

    None for anything that is no row of the run, as the browser may send what it likes.
    """
    if not isinstance(sample, int):
        return None
    frame, row = (run.instructions, sample) if sample >= 0 else (run.validation, -1 - sample)
    if row >= len(frame):
        return None
    (prompt,) = run.prompts([row]) if sample >= 0 else [frame["prompt"].iat[row]]
    source = frame["source"].iat[row]
    return visible(f"{snippet(prompt, TEXT_LENGTH)}\n{source}")
