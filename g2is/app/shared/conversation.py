"""The turns of a record, in parts where there are many: a browser bears a few dozen elements of text at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from g2is.app.shared.text import LINES, WHOLE, number, own_key, show_text

TURNS = 40
"""Turns that are sent to the browser at a time."""
CHARACTERS = 4 * WHOLE
"""Of these turns together."""
ROLE_ICONS = {"system": "settings", "user": "person", "assistant": "smart_toy", "tool": "build"}


def show_turns(turns: Sequence[Mapping[str, Any]], key: str) -> None:
    """All turns, or those of one part and the way to the others. key: tells the record from others on the page."""
    parts = parts_of([_sent(turn["content"]) for turn in turns])
    shown = range(len(turns))
    if len(parts) > 1:
        place = st.empty()
        part = own_key(f"part of {key}", lambda key: st.pagination(len(parts), key=key))
        shown = parts[part - 1]
        place.caption(f"Turns {number(shown.start + 1)} to {number(shown.stop)} of {number(len(turns))}")
    for turn in turns[shown.start : shown.stop]:
        st.markdown(f":material/{ROLE_ICONS.get(turn['role'], 'chat')}: **{turn['role'].capitalize()}**")
        show_text(turn["content"])


def parts_of(lengths: Sequence[int]) -> list[range]:
    """Turns that are shown together: at most `TURNS`, of at most `CHARACTERS`. lengths: what is sent of each."""
    parts: list[range] = []
    start = size = 0
    for place, length in enumerate(lengths):
        if place > start and (place - start == TURNS or size + length > CHARACTERS):
            parts.append(range(start, place))
            start, size = place, 0
        size += length
    return [*parts, range(start, len(lengths))]


def _sent(text: str) -> int:
    """Characters that are sent unasked, a line counted as so many as there are to a line at most."""
    return min(WHOLE, len(text) + WHOLE // LINES * text.count("\n"))
