"""Save a walk under a name, and go on to its export."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain, count

import streamlit as st

from g2is.app.shared import BASKET, link_to, literal, number, read_selection, saved_selections, show_error
from g2is.app.shared.naming import checked_name, name_box
from g2is.app.shared.visitor import READ_ONLY, may_write
from g2is.app.shared.walked import Walked
from g2is.app.walk.parameters import current_preset
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.selections import walk_selection
from g2is.storage.files import Taken
from g2is.walk import WalkTrace

LOOKED_AT = 50
"""How many saved selections are compared with this walk, the newest first."""


def show_saving(run: Run, walked: Walked) -> None:
    """A name, a button that saves the walk with its trace, and from there to the export."""
    if may_write():
        _ask_for_name(run, walked)
    else:
        st.caption(
            f":material/lock: {READ_ONLY} The link holds these settings; Export writes a saved selection."
        )
    saved = saved_as(run, walked)
    if saved is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            size = number(len(walked.trace.steps))
            st.markdown(f":material/check_circle: These {size} instructions are saved as {literal(saved)}.")
            link_to("Export", "Export them for training", selection=saved)


def _ask_for_name(run: Run, walked: Walked) -> None:
    suggested = saved_as(run, walked) or suggested_name(run, walked)
    # A name that was typed stays; one that was only suggested follows the walk.
    if st.session_state.get("save as", "") in ("", st.session_state.get("suggested name")):
        st.session_state["save as"] = suggested
    st.session_state["suggested name"] = suggested
    with st.form("save", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name = name_box("Save this walk as", width=320, key="save as")
        pressed = st.form_submit_button("Save", icon=":material/save:", type="primary")
        over = st.checkbox(
            "Overwrite if it exists",
            help="Undo does not bring back what is overwritten, and deletes nothing saved.",
        )
    if pressed:
        try:
            save(run, walked.trace, name, replace=over)
        except InputError as error:
            show_error(error)


def suggested_name(run: Run, walked: Walked) -> str:
    """A free name after the preset and the number of instructions, such as `recommended-150`."""
    name = f"{current_preset()}-{len(walked.trace.steps)}"
    known = saved_selections(run)
    numbered = (f"{name}-{place}" for place in count(2))
    return next(free for free in chain([name], numbered) if free not in known)


def saved_as(run: Run, walked: Walked) -> str | None:
    """The newest saved selection that is this very walk."""
    for name in list(saved_selections(run))[:LOOKED_AT]:
        # A file of an earlier version lacks settings that have come since; they had their defaults.
        with suppress(InputError):
            selection = read_selection(run, name)
            if selection.method == "walk" and WalkParameters(**selection.parameters) == walked.parameters:
                return name
    return None


def save(run: Run, trace: WalkTrace, name: str, *, replace: bool = False) -> None:
    """Write selections/NAME.json and its trace into the run's folder. Raises `InputError`."""
    name = checked_name(name)
    if name == BASKET:
        raise InputError(
            f"name = {name!r}: is what instructions put aside by hand are called; choose another"
        )
    try:
        walk_selection(run, trace).save(run, name, new=not replace)
    except Taken:
        raise InputError(
            f"name = {name!r}: there is a selection of this name; tick “Overwrite if it exists”, or choose another"
        ) from None
