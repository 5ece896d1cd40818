"""The trail: the instructions that were in focus before, with buttons to go back."""

from __future__ import annotations

import re

import streamlit as st

from g2is.app.shared import literal, number, set_url, url_value
from g2is.instructions.snippet import snippet
from g2is.run.run import Run

LONGEST = 10
"""Instructions of the trail that are kept."""


def read_trail(text: str) -> tuple[int, ...]:
    """Row numbers from a URL, as "24,17,13"."""
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", text):
        raise ValueError("expected row numbers with commas between them")
    return tuple(map(int, text.split(",")))


def trail_to(run: Run, focus: int) -> tuple[int, ...]:
    """The trail in the URL, which ends at the focus. An instruction reached in another way is added."""
    count = len(run.instructions)
    trail = tuple(row for row in url_value("trail", None, read_trail) or () if row < count)[-LONGEST:]
    return trail if trail[-1:] == (focus,) else (*trail, focus)


def go_to(sample: int, trail: tuple[int, ...]) -> None:
    """Make an instruction the focus; for callbacks. trail: to the focus before."""
    if sample != trail[-1]:
        _show((*trail, sample))


def go_back(trail: tuple[int, ...]) -> None:
    """Make the instruction before the focus the focus again; for callbacks."""
    if len(trail) > 1:
        _show(trail[:-1])


def _show(trail: tuple[int, ...]) -> None:
    kept = trail[-LONGEST:]
    set_url(focus=kept[-1], trail=",".join(map(str, kept)) if len(kept) > 1 else None, node=None)


def show_trail(run: Run, trail: tuple[int, ...]) -> None:
    """A button for each instruction before the focus, which goes back to it."""
    prompts = run.prompts(trail)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(":material/conversion_path: Trail", width="content", help="Backspace goes one back.")
        for place, sample in enumerate(trail[:-1]):
            st.button(
                number(sample),
                key=f"trail {place}",
                help=f"Back to {literal(snippet(prompts[place], 100))}",
                icon=":material/undo:" if place == len(trail) - 2 else None,
                on_click=_show,
                args=(trail[: place + 1],),
            )
            st.markdown("→", width="content")
        st.markdown(f"**{number(trail[-1])}**", width="content")
