"""Buttons that undo and redo, their keys, and one entry of the browser's history a change."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from g2is.app.shared.history import last_change, next_change, redo, undo
from g2is.app.shared.javascript import module
from g2is.app.shared.text import visible
from g2is.app.shared.timeline import PAUSE_SECONDS, TICKED
from g2is.app.shared.url import PAUSES
from g2is.app.walk.wording import change_words

_SCRIPT = Path(__file__).parent / "undo.js"


def show_undo() -> None:
    """The two buttons, each with what it would do. Ctrl+Z and Ctrl+Shift+Z press them, except where text is typed."""
    for name, change, press in (("Undo", last_change(), undo), ("Redo", next_change(), redo)):
        st.button(
            name,
            key=name.lower(),
            on_click=press,
            disabled=change is None,
            help=f"Nothing to {name.lower()}"
            if change is None
            else visible(f"{name}: {change_words(change)}"),
        )
    _watch()


@st.fragment
def _watch() -> None:
    """The keys, and the number of pauses that the browser counts. Reruns alone."""
    script = st.components.v2.component("g2is_undo", js=module(_SCRIPT))
    script(
        key=PAUSES,
        width="content",
        height=0,
        data={"ticked": [*TICKED, "step"], "pause": 1000 * PAUSE_SECONDS},
        on_pauses_change=lambda: None,  # it is read where the URL changes
    )
