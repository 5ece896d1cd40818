"""Add a target: give examples, see how they are read and what is trained, start, follow, and walk for it."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from g2is.app.new_target import job
from g2is.app.new_target.examples import offer_examples
from g2is.app.new_target.following import follow, show_last
from g2is.app.new_target.sent import offer_file
from g2is.app.shared import link_to, show_error
from g2is.app.shared.jobs import POSSIBLE
from g2is.app.shared.model import is_imported
from g2is.app.shared.visitor import READ_ONLY, may_write
from g2is.errors import InputError
from g2is.run.run import Run

EXAMPLES, FILE = "Examples", "A file from another machine"


def show_new_target(run: Run) -> None:
    """All of it, in place of the page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Add a target", anchor=False)
        link_to("Core knowledge", "Back to core knowledge", add=None)
    st.markdown(
        "Examples of what the model should get good at, 20 to 500 of them. The pool, its map and what was selected "
        "stay as they are; only the gradients of the new examples are taken, and what depends on them is computed."
    )
    if not may_write():
        st.info(READ_ONLY, icon=":material/lock:")
        return
    try:
        if POSSIBLE and job.job_of(run).running():
            follow(run)
        elif (asked := job.last(run)) is None or not show_last(run, asked):
            _offer(run)
    except InputError as error:
        show_error(error)


def _offer(run: Run) -> None:
    if reason := why_not(run):
        st.info(reason, icon=":material/lock:")
        return
    if is_imported(run):
        st.info(
            "The gradients of this run come from another program, so that there is no model to take those of new "
            "examples with. What can be done: **More like these** on Map and Instructions makes a target of "
            "instructions of the pool; or import the run again with one more `--validation-gradients NAME=FILE`, which "
            "that program makes of the examples.",
            icon=":material/info:",
        )
        return
    way = st.segmented_control(
        "From",
        [EXAMPLES, FILE],
        default=EXAMPLES,
        required=True,
        key="new target from",
        label_visibility="collapsed",
    )
    if way == FILE:
        offer_file(run)
    else:
        offer_examples(run)


def why_not(run: Run) -> str:
    """Why nothing can be added to a run, in Markdown; empty where it can."""
    if not run.complete:
        return "This run is not finished; Home says how to finish it."
    places = (run.folder, run.folder.parent)
    if any(_is_locked(place) for place in places):
        return (
            "This run is read-only here: no target can be added to it. Copy its folder to where you may write, or ask "
            "who keeps it."
        )
    return ""


def _is_locked(folder: Path) -> bool:
    return not os.access(folder, os.W_OK)
