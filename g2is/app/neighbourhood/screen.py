"""The graph with the text in focus and that of another node beside it: the first screen of the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import streamlit as st

from g2is.app.neighbourhood.trail import go_back, go_to
from g2is.app.shared import set_url
from g2is.app.shared.canvas.parts import show_part
from g2is.app.shared.events import event, while_shown
from g2is.app.shared.graph.parts import STYLE
from g2is.app.shared.javascript import module

SCREEN = "neighbourhood screen"
_FOLDER = Path(__file__).parent / "screen"


def show_screen(part: bytes, trail: tuple[int, ...]) -> None:
    """Draw the screen. part: see `graph_part`."""
    with st.container(gap=None):
        screen = st.components.v2.component(
            "g2is_neighbourhood",
            html=(_FOLDER / "screen.html").read_text(),
            css=STYLE.read_text() + (_FOLDER / "screen.css").read_text(),
            js=module(_FOLDER / "screen.js"),
        )
        screen(
            key=SCREEN,
            on_go_change=while_shown(SCREEN, lambda: go_to(int(_event("go")), trail)),
            on_choose_change=while_shown(SCREEN, _choose),
            on_path_change=while_shown(SCREEN, lambda: set_url(path=True if _event("path") else None)),
            on_back_change=while_shown(SCREEN, lambda: go_back(trail)),
        )
        show_part(part, key="neighbourhood graph")


def _event(name: str) -> Any:
    return event(SCREEN, name)


def _choose() -> None:
    node = str(_event("choose"))
    set_url(node=node if re.fullmatch(r"(validation|component)-\d{1,9}", node) else None)
