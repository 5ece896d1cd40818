"""Records as they will be trained: their text, with the trained part marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from g2is.analysis.inspection import Preview
from g2is.app.shared import visible
from g2is.app.shared.javascript import module
from g2is.instructions import Instruction
from g2is.lm.preview import Piece

SHOWN = 3
"""Records on a page."""
LONGEST = 20_000
"""Characters of a record that are sent to the browser."""
PIECES = 200
"""Pieces of a record that are sent: each is an element of the page."""
_FOLDER = Path(__file__).parent


def show_records(instructions: Sequence[Instruction], preview: Preview, *, key: str) -> None:
    """A few records, and a pager where there are more."""
    pages = -(-len(instructions) // SHOWN)
    page = 1
    place = st.container()
    if pages > 1:
        page = st.pagination(pages, key=f"page of {key}")
    first = (page - 1) * SHOWN
    shown = instructions[first : first + SHOWN]
    records = [
        {
            "place": visible(f"{instruction.source}:{instruction.line}"),
            "pieces": shortened_pieces(preview(instruction)),
        }
        for instruction in shown
    ]
    with place:
        _draw({"records": records}, key=key)


def shortened_pieces(pieces: Iterable[Piece], most: int = LONGEST) -> list[list[Any]]:
    """The pieces as the browser gets them: what hides or reorders text is visible, the rest after `most` characters or
    `PIECES` pieces is counted."""
    sent: list[list[Any]] = []
    left = most
    more = 0
    for text, trained in pieces:
        taken = text[: max(0, left)] if len(sent) < PIECES else ""
        if taken:
            sent.append([visible(taken), trained])
        more += len(text) - len(taken)
        left -= len(text)
    if more:
        sent.append([f" … and {more:,} characters more", None])
    return sent


def _draw(data: dict[str, Any], *, key: str) -> None:
    # Registered at each call: the registry belongs to the running server, which a module may outlive.
    component = st.components.v2.component(
        "g2is_records",
        html=(_FOLDER / "records.html").read_text(),
        css=(_FOLDER / "records.css").read_text(),
        js=module(_FOLDER / "records.js"),
    )
    component(key=f"records of {key}", data=data)
