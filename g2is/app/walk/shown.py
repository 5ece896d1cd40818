"""What the screen of the walk shows, in the URL: the step, map or graph, the colours of the map."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from g2is.analysis.map_values import scheme_title, schemes
from g2is.app.shared import all_texts, one_of, url_value, visible, whole
from g2is.app.shared.canvas.pool import read_scheme
from g2is.run.run import Run

PICTURES = ("map", "graph")


def step_in_url(last: int) -> int:
    """The step in the URL. A setting that makes the walk shorter leaves the reader at its end."""
    longest = st.session_state["longest walk"] = max(st.session_state.get("longest walk", 0), last)
    asked = all_texts().get("step", ["0"])[-1]
    if re.fullmatch("[0-9]{1,9}", asked) and last < int(asked) <= longest:
        return last
    return url_value("step", 0, whole(0, last))


def picture_in_url() -> str:
    """Map or graph."""
    return url_value("picture", PICTURES[0], one_of(PICTURES))


def colour_in_url(run: Run) -> str:
    """What the dots of the map are coloured by; empty for nothing."""
    return url_value("colour", "", read_scheme(run, ""))


def order(run: Run, step: int, picture: str, colour: str, *, anew: bool = False) -> dict[str, Any]:
    """Where the screen is to go, with another number whenever the URL has another step, picture or colour than the
    screen reported: a link, or the browser's Back.

    Without one it is the order before: other data would have all of the component sent again. anew: the screen may be
    new itself, and begins where the URL says.
    """
    number, last = st.session_state.get("screen order", (0, None))
    shown = {"step": step, "picture": picture, "colour": colour}
    another = st.session_state.get("screen rests at") != shown
    if another or anew or last is None:
        st.session_state["screen rests at"] = shown
        number += another
        titles = [(name, visible(scheme_title(name))) for name in schemes(run)]
        last = {**shown, "schemes": titles, "order": number}
        st.session_state["screen order"] = number, last
    return last


def rests(**changes: object) -> None:
    """Remember what the screen itself reported, so that it is not ordered to go there."""
    st.session_state["screen rests at"] = {**st.session_state.get("screen rests at", {}), **changes}
