"""More instructions than an address holds, as a named set: the one place where pages offer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain, count

import numpy as np
import streamlit as st

from g2is.app.shared.history import did
from g2is.app.shared.naming import name_box
from g2is.app.shared.navigation import pages
from g2is.app.shared.text import number, prose, show_error
from g2is.app.shared.url import all_texts, is_shared, texts_of
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.saved import KINDS, delete, restore

MOST_IN_LINK = 2000
"""Instructions that an address can carry one by one."""


def fits_link(rows: int) -> bool:
    """Whether an address can carry so many instructions one by one."""
    return rows <= MOST_IN_LINK


def offer_set(
    run: Run,
    rows: np.ndarray,
    label: str,
    *,
    key: str,
    suggestion: str,
    origin: str,
    settings: Callable[[str], Mapping[str, object]],
    page: str | None = None,
) -> None:
    """A popover that saves these instructions as a set, and sets the walk by its name.

    label: of the popover. key: tells it from others on the page. suggestion: a name for the set. origin: where they are
    from, which the set keeps. settings: parameters of the URL, from the name of the set. page: the one that opens then;
    None for the present one.
    """
    with st.popover(label, icon=":material/label:", key=f"{key} as set"), st.form(f"{key} set", border=False):
        st.caption(
            f"{number(len(rows))} instructions are more than the {number(MOST_IN_LINK)} that settings and links hold "
            "one by one. A named set has any size; it is kept with the run, and a link has its name."
        )
        name = name_box("Name of the set", free_name(run, suggestion), key=f"{key} set name")
        if not st.form_submit_button("Save the set and use it", icon=":material/save:", type="primary"):
            return
        try:
            run.sets.write(name, rows, origin=origin)
        except InputError as error:
            show_error(error)
            return
    changes = {field: texts_of({field: value}).get(field) for field, value in settings(name).items()}
    did(
        f"save set {name}",
        undo=lambda: _quietly(lambda: delete(run, KINDS["set"], name)),
        redo=lambda: _quietly(lambda: restore(run, KINDS["set"], name)),
        url=changes,
    )
    if page is None:
        st.rerun()
    kept = {field: texts for field, texts in all_texts().items() if is_shared(field)}
    st.switch_page(pages()[page], query_params=kept)


def free_name(run: Run, suggestion: str) -> str:
    """A name that no set has, from a suggestion."""
    taken = {name.lower() for name in run.sets.names()}
    wanted = "-".join("".join(c if c.isalnum() else " " for c in suggestion).split())[:60] or "found"
    return next(
        name
        for name in chain([wanted], (f"{wanted}-{place}" for place in count(2)))
        if name.lower() not in taken
    )


def _quietly(do: Callable[[], object]) -> None:
    """Somebody else may have renamed or deleted the set since: then the walk says that it is missing."""
    try:
        do()
    except InputError as error:
        st.toast(prose(error))
