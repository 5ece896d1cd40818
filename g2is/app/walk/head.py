"""The settings of the walk as the pages about it show them, and the walk that they make."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from g2is.app.shared import all_texts, show_error
from g2is.app.shared.labels import PRESETS, in_labels
from g2is.app.shared.popover import popover
from g2is.app.shared.walked import Walked, last_walked, walked
from g2is.app.walk.budgets import edit_budgets
from g2is.app.walk.effects import MEANING
from g2is.app.walk.panel import BY_DIRECTION, PRESETS_SUBJECT, TABS, ParameterPanel
from g2is.app.walk.parameters import current_preset
from g2is.app.walk.wording import budget_words
from g2is.errors import InputError
from g2is.run.run import Run

SHORT = {
    "Target directions": "Directions",
    "Instructions and sources": "Instructions",
    BY_DIRECTION: "By direction",
}
"""Names in the bar, where these differ."""


def walk_by_panel(run: Run, *, tab: str = TABS[0]) -> Walked:
    """Draw the settings as tabs, and walk by them. tab: the one that is open at first."""
    with st.container(border=True):
        presets, messages = st.container(), st.container()
        places = dict(zip(TABS, st.tabs(TABS, default=tab), strict=True))
    return _walk(run, ParameterPanel(run, presets, places, messages), places[BY_DIRECTION])


@dataclass(frozen=True)
class Bar:
    """A walk by the settings in the bar. budget: the place below those of the budget. notes: the places for what a
    change of a setting would do; `open`: of the popovers that are open."""

    walk: Walked
    budget: DeltaGenerator
    notes: dict[str, DeltaGenerator]
    open: dict[str, DeltaGenerator]
    budget_is_open: bool


def walk_by_bar(run: Run, bar: DeltaGenerator, messages: DeltaGenerator) -> Bar:
    """Draw the settings as one bar of popovers, and walk by them. messages: the place for what is wrong with them."""
    with messages:
        preset = current_preset()
    with bar:
        presets = popover(PRESETS[preset][0], "presets", icon=":material/tune:")
        labels = {**SHORT, "Budget": budget_label()}
        places = {name: popover(labels.get(name, name), f"settings {name}") for name in TABS}
    # Below the bar a message would be behind the popover in which its cause was typed.
    messages = next((place for place in (presets, *places.values()) if place.open), messages)
    panel = ParameterPanel(run, presets, places, messages)
    with messages:
        walk = _walk(run, panel, places[BY_DIRECTION])
    notes: dict[str, DeltaGenerator] = {}
    shown: dict[str, DeltaGenerator] = {}
    for subject, place in {PRESETS_SUBJECT: presets, **places}.items():
        own = panel.notes.get(subject, {})
        notes |= own
        shown |= own if place.open else {}
        if own:
            place.caption(MEANING)
    return Bar(walk, places["Budget"], notes, shown, bool(places["Budget"].open))


def budget_label() -> str:
    """The budget of the URL in a word or two."""
    return f"Budget {budget_words(all_texts())}"


def _walk(run: Run, panel: ParameterPanel, budgets: DeltaGenerator) -> Walked:
    """The walk of a panel. Where no walk can have its settings, shows why and returns the walk before the change, or
    stops the page if there was none."""
    try:
        walk = walked(run, panel.parameters())
    except InputError as error:
        show_error(InputError(in_labels(str(error))))
        last = last_walked(run)
        if last is None:
            st.stop()
        st.caption("What follows is still the walk before this change.")
        walk = last
    with budgets:
        edit_budgets(run, walk.knowledge, walk.trace.budgets.tolist())
    return walk
