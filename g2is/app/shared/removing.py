"""Removing instructions from the pool of a run, and bringing them back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from g2is.app.shared.arrivals import changed
from g2is.app.shared.history import did, last_change, undo
from g2is.app.shared.text import number, prose
from g2is.app.shared.visitor import may_write
from g2is.errors import InputError
from g2is.run.gone import Removal, removed_rows
from g2is.run.paths import GONE
from g2is.run.run import Run

SAID = "removal said"
"""Where what was done, or why not, waits for the page to show it: (text, whether it went wrong)."""
POOL = "the pool"
"""How a change to the pool ends in the history."""
LISTED = 20
"""Removals that a page lists, the newest first."""


def remove_button(run: Run, rows: Sequence[int] | np.ndarray, *, about: str, key: str) -> None:
    """A button that removes instructions from the pool; or that restores them, where all of them are gone.

    about: what they are, in words; the run keeps it. key: tells the button from others on the page. Draws nothing where
    the run is not finished, and where visitors only look.
    """
    some = np.unique(np.asarray(rows, np.int64))
    if not may_write() or not run.complete or not len(some):
        return
    gone = bool(run.gone[some].all())
    all_of = "" if len(some) == 1 else f" {number(len(some))}"
    st.button(
        f"Restore{all_of} to the pool" if gone else f"Remove{all_of} from the pool",
        key=f"remove {key}",
        icon=":material/restore_from_trash:" if gone else ":material/delete:",
        on_click=_change,
        args=(run, some, about, gone),
        help=None
        if gone
        else "Marks them as gone for everyone who opens this run: nothing selects, finds, shows or exports them any "
        "more. They keep their numbers and can be restored, here with Undo and on Home.",
    )


def show_removals(run: Run) -> None:
    """What was removed from the pool, with a way back; nothing where nothing was."""
    say_what_was_done()
    for removal in run.removals[: -LISTED - 1 : -1]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{number(removal.count)}** removed {removal.removed[:16].replace('T', ' ')}"
                + (f": {prose(removal.note)}" if removal.note else "")
            )
            if not may_write():
                continue
            st.button(
                "Restore",
                key=f"restore removal {removal.number} {removal.removed}",
                icon=":material/restore_from_trash:",
                on_click=_restore,
                args=(run, removal),
            )


def say_what_was_done() -> None:
    """Say once what a button did, with a way back, or why it could not."""
    text, wrong = st.session_state.pop(SAID, ("", False))
    if not text:
        return
    if wrong or (last := last_change()) is None or not (last.label or "").endswith(POOL):
        (st.error if wrong else st.success)(text)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.success(text)
        st.button("Undo", key="undo removal", icon=":material/undo:", on_click=undo)


def _change(run: Run, rows: np.ndarray, about: str, back: bool) -> None:
    """Remove instructions, or bring them back; a callback."""
    some = rows if back else rows[~run.gone[rows]]
    _do(run, some, about, back)


def _do(run: Run, rows: np.ndarray, about: str, back: bool, numbers: Sequence[str] = ()) -> None:
    """Remove rows, or bring them back, as a change that can be undone.

    numbers: the removals to take back whole. Without rows, which are unknown where their file is damaged, there is no
    way back.
    """
    from g2is.pipeline.removing import remove_instructions, restore_instructions

    def remove() -> bool:
        done = f"{_instructions(rows)} removed from the pool."
        return changed(SAID, lambda: remove_instructions(run.folder, rows, note=about), done)

    def restore(numbers: Sequence[str] = ()) -> bool:
        done = f"{_instructions(rows) if len(rows) else 'The instructions are'} restored to the pool."
        some = None if numbers else rows
        return changed(SAID, lambda: restore_instructions(run.folder, some, numbers=numbers)[0], done)

    if not (restore(numbers) if back else remove()) or not len(rows):
        return
    noun = f"#{number(int(rows[0]))}" if len(rows) == 1 else f"{number(len(rows))} instructions"
    if back:
        did(f"restore {noun} to {POOL}", undo=remove, redo=restore)
    else:
        did(f"remove {noun} from {POOL}", undo=restore, redo=remove)


def _restore(run: Run, removal: Removal) -> None:
    """Bring back what one removal took away; a callback."""
    try:
        rows = removed_rows(run.files, f"{GONE}/{removal.number}")
    except InputError:
        rows = np.zeros(0, np.int64)
    _do(run, rows, removal.note, True, [removal.number])


def _instructions(rows: np.ndarray) -> str:
    if len(rows) == 1:
        return f"Instruction {number(int(rows[0]))} is"
    return f"{number(len(rows))} instructions are"
