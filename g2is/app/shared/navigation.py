"""The pages of the app, and links to them that carry along what all pages share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from g2is.app.places import SITE
from g2is.app.shared.url import all_texts, is_shared, put_in_url, texts_of

ICONS = {
    "Home": "home",
    "Map": "scatter_plot",
    "Neighbourhood": "hub",
    "Core knowledge": "target",
    "Walk": "route",
    "Instructions": "article",
    "Compare": "compare_arrows",
    "Export": "download",
    "Check data": "fact_check",
}
"""The Material symbol of each page."""


@cache
def pages() -> dict[str, Path]:
    """The script of every page by its title, in the order of their numbers."""
    scripts = {"Home": SITE / "app.py"}
    for path in sorted((SITE / "pages").glob("[0-9]*.py")):
        scripts[path.stem.partition("_")[2].replace("_", " ")] = path
    return scripts


def draw_navigation(place: DeltaGenerator) -> None:
    """Links to all pages, each as it was left, with what all pages share as it is on this one."""
    with place:
        for title in pages():
            link_to(title, title, stretch=True)


def link_to(title: str, label: str, *, stretch: bool = False, **changes: object) -> None:
    """A link to another page with the same run, focus, selection and settings of the walk, or with `changes`, of which
    None takes a parameter out.

    No link is drawn where the page is missing. On the page itself it is a button: the browser would not show the
    address of a link that leads to the page it is on, and a reload would undo it.
    """
    if title not in pages():
        return
    icon = f":material/{ICONS.get(title, 'web')}:"
    if changes and title == st.session_state.get("page"):
        st.button(label, key=f"link {label}", icon=icon, type="tertiary", on_click=put_in_url, kwargs=changes)
        return
    own = st.session_state.get("url_of_page", {}).get(title, {})
    shared = {name: values for name, values in all_texts().items() if is_shared(name)}
    kept = {name: values for name, values in {**own, **shared}.items() if name not in changes}
    st.page_link(
        pages()[title],
        label=label,
        icon=icon,
        width="stretch" if stretch else "content",
        query_params={**kept, **texts_of(changes)},
    )
