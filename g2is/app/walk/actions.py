"""What can be done with an instruction of a walk: pin or ban it, or see it on another page."""

from __future__ import annotations

import streamlit as st

from g2is.app.shared import link_to
from g2is.app.shared.walked import Walked
from g2is.app.walk.parameters import add_row


def sample_actions(walked: Walked, sample: int, key: str) -> None:
    """Buttons and links. key: tells them apart from those of another instruction on the page."""
    parameters = walked.parameters
    with st.container(horizontal=True):
        for field, on, off, icon in (("pins", "Pin", "Unpin", "keep"), ("bans", "Ban", "Allow", "block")):
            pressed = st.button(
                off if sample in getattr(parameters, field) else on,
                key=f"{key} {field}",
                icon=f":material/{icon}:",
                on_click=add_row,
                args=(field, sample),
                help=f"{'Always' if field == 'pins' else 'Never'} choose it: changes the {field} of the walk.",
            )
            if pressed:
                st.rerun()
        link_to("Neighbourhood", "Similar and conflicting", focus=sample)
        link_to("Map", "On the map", focus=sample)
