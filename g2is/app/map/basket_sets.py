"""The basket and named sets: name what is in it, load a set, unite, intersect and subtract."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from g2is.app import shared as ui
from g2is.app.shared.aside import basket_set
from g2is.app.shared.naming import name_box
from g2is.app.shared.popover import popover
from g2is.app.shared.visitor import may_write
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.saved import KINDS, delete, restore
from g2is.run.sets import MOST_NOTE, NamedSet

COMBINATIONS: dict[str, tuple[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "Add": ("what is in the basket or in the set", np.union1d),
    "Keep only": ("what is in both", np.intersect1d),
    "Take out": ("what is in the basket but not in the set", np.setdiff1d),
}
"""How a set changes the basket: what is in it then, and the operation."""
PROBLEM = "basket set problem"
NAMING = "name basket"


def name_basket(run: Run) -> None:
    """A form that saves the basket as a set of the run, or saves the changes of one."""
    if not may_write():
        return
    loaded = basket_set(run)
    unchanged = ui.unchanged_set(run)
    naming = popover("Name them", NAMING, icon=":material/label:")
    with naming:
        if loaded and unchanged is None:
            st.button(
                f"Save the changes to set {loaded[0]}",
                key="save set changes",
                on_click=_save,
                args=(run, loaded[0], None, loaded[1]),
            )
        with st.form("name the basket", border=False):
            name_box("Name of the set", key="set name", placeholder="such as word-problems")
            st.text_area("Note", key="set note", max_chars=MOST_NOTE, height=68, placeholder="why these")
            st.form_submit_button(
                "Save", icon=":material/save:", type="primary", on_click=_save_as, args=(run,)
            )
        st.caption(
            "A set is kept with the run, for everyone who opens it: pin, ban, compare and export it by name."
        )
    if problem := st.session_state.pop(PROBLEM, None):
        # Beside the button it would be behind the popover while that is open; Undo fails with the popover closed.
        with naming if naming.open else st.container():
            st.error(ui.prose(problem), icon=":material/error:")


def _save_as(run: Run) -> None:
    _save(run, st.session_state["set name"].strip(), st.session_state["set note"], None)


def _save(run: Run, name: str, note: str | None, replaces: str | None) -> None:
    """Save the basket; a callback. note: None for that of the set it replaces."""
    rows = np.unique(np.array(ui.basket(run), np.int64))
    old: NamedSet | None = None
    try:
        if note is None:
            old = run.sets[name]
            rows = np.union1d(rows, np.setdiff1d(old.recorded, old.rows))  # what was removed may come back
            saved = run.sets.write(name, rows, note=old.note, origin=old.origin, replaces=replaces)
        else:
            saved = run.sets.write(name, rows, note=note, origin="by hand, in the app")
    except InputError as error:
        st.session_state[PROBLEM] = error
        return
    st.session_state[NAMING] = False  # it closes, and the name stands beside the basket
    ui.fill_basket(
        run,
        saved.rows.tolist(),
        saved,
        label=f"save set {name}",
        undo=lambda: _back(run, saved, old),
        redo=lambda: _back(run, old, saved),
    )


def _back(run: Run, now: NamedSet | None, to: NamedSet | None) -> None:
    """Put a set in place of the one that was saved over it, or none; says why where it cannot be done."""
    set_kind = KINDS["set"]
    try:
        if now is None and to is not None:
            restore(run, set_kind, to.name)
        elif now is not None and to is None:
            delete(run, set_kind, now.name)
        elif now is not None and to is not None:
            # What somebody else saved meanwhile stays. A set that was written again has another checksum, same rows.
            there = run.sets[now.name]
            seen = there.checksum if np.array_equal(there.rows, now.rows) else now.checksum
            run.sets.write(to.name, to.rows, note=to.note, origin=to.origin, replaces=seen)
    except InputError as error:
        st.session_state[PROBLEM] = error


def choose_set(run: Run) -> None:
    """A box over the sets of the run, to load one or to combine it with the basket."""
    names = run.sets.names()
    if not names:
        return
    with st.popover("Sets", icon=":material/label:", key="sets"):
        chosen = ui.choose_kept("Set", names, key="set chosen")
        try:
            found = run.sets[chosen]
        except InputError as error:
            ui.show_error(error)
            return
        st.caption(f"{ui.number(len(found))} instructions, made {found.made[:16].replace('T', ' ')}")
        if found.note:
            st.text(ui.visible(found.note))
        here = np.array(ui.basket(run), np.int64)
        with st.container(horizontal=True):
            _button("Load", run, found.rows, "the basket becomes the set", found)
            for label, (meaning, combine) in COMBINATIONS.items() if len(here) else ():
                _button(label, run, combine(here, found.rows), meaning, None)
        ui.more_like_these(run, found.rows, about=f"set {found.name}", key="set", suggestion=found.name)


def _button(label: str, run: Run, rows: np.ndarray, meaning: str, of: NamedSet | None) -> None:
    st.button(
        f"{label}: {ui.number(len(rows))}",
        key=f"set {label}",
        help=meaning[0].upper() + meaning[1:] + ".",
        on_click=ui.fill_basket,
        args=(run, rows.tolist(), of),
    )
