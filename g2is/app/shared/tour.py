"""A tour of the app in five steps, each on the page it is about. Its step goes along in the URL from page to page."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from g2is.app.shared.navigation import link_to
from g2is.app.shared.url import set_url, url_value, whole


@dataclass(frozen=True)
class Stop:
    """One step of the tour: the page it is on, and what there is to see and to try."""

    page: str
    words: str


STOPS = (
    Stop(
        "Home",
        "A **run** holds a pool of instructions, their gradients and a graph over them. The three pictures show what "
        "the walk does with it, with numbers of this run.",
    ),
    Stop(
        "Walk",
        "One step at a time: which example asked, which instruction was taken, which others were considered and why "
        "not. **Try it:** press → a few times, then change the budget in the bar.",
    ),
    Stop(
        "Map",
        "Every dot is an instruction; near ones teach alike. **Try it:** click a dot to read it, or draw around some "
        "to set them aside.",
    ),
    Stop(
        "Compare",
        "Your walk beside random, round robin and other methods: what they share, and what each leaves out. "
        "**Try it:** add one of them.",
    ),
    Stop(
        "Export",
        "Save a walk on its page; here it becomes the file that your trainer reads, with a note of how it was made.",
    ),
)


def offer_tour() -> None:
    """The button that begins the tour, unless it is under way."""
    if _stop() is None:
        st.button("Take the tour", icon=":material/tour:", on_click=set_url, kwargs={"tour": 1})


def show_tour(title: str) -> None:
    """Where the tour stands, in a line above a page; nothing where there is none."""
    number = _stop()
    if number is None:
        return
    stop = STOPS[number - 1]
    with st.container(border=True, key="tour", horizontal=True, vertical_alignment="center", gap="small"):
        here = f"**Tour, {number} of {len(STOPS)}: {stop.page}.** "
        st.markdown(here + (stop.words if stop.page == title else "You have left the path of the tour."))
        # Beside the words: the page has to fit below them.
        with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center", width="content"):
            if stop.page != title:
                link_to(stop.page, f"Go on at {stop.page}")
            elif number < len(STOPS):
                following = STOPS[number].page
                link_to(following, f"Next: {following}", tour=number + 1)
            if number > 1:
                link_to(STOPS[number - 2].page, f"Back to {STOPS[number - 2].page}", tour=number - 1)
            last = number == len(STOPS)
            st.button("End the tour" if last else "Leave the tour", on_click=set_url, kwargs={"tour": None})


def _stop() -> int | None:
    number: int | None = url_value("tour", None, whole(1, len(STOPS)))
    return number
