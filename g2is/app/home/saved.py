"""What is saved with a run: selections, sets, exports and evaluations, and what was deleted of them."""

from __future__ import annotations

import streamlit as st

from g2is.analysis.saved import saved_table
from g2is.app import shared as ui
from g2is.app.shared.managing import SAID, bring_back, did_to, manage, show_said
from g2is.app.shared.text import said
from g2is.app.shared.visitor import may_write
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.saved import KEPT_DAYS, KINDS, Kind, count_deleted, deleted, ignored, names

SHOWN = 50
"""Things of a kind that a table shows at a time."""
MOST_DELETED = 200
"""Deleted things that are read and offered, the newest."""
PROBLEM = "restore problem"


def show_saved(run: Run) -> None:
    """A table a kind; a row that is chosen can be renamed, annotated and deleted."""
    for kind in KINDS.values():
        if names(run, kind):
            _show_kind(run, kind)
        else:
            show_said(run, kind)
        if left_out := ignored(run, kind):
            st.caption(
                f":material/warning: Not shown of the {kind.word}s, since no link can hold their names: "
                f"{', '.join(map(ui.literal, left_out[:5]))}{', …' if len(left_out) > 5 else ''}. Rename these files."
            )
    show_deleted(run)


def _show_kind(run: Run, kind: Kind) -> None:
    st.subheader(f"{kind.word.capitalize()}s", anchor=False)
    table = saved_table(run, kind, _listed(run, kind))
    listed = table["name"].tolist()
    table["what"] = table["what"].map(said)
    for column in ("name", "what", "note"):
        table[column] = table[column].map(ui.visible)
    if not table["note"].any():
        table = table.drop(columns="note")
    key = f"saved {kind.word}"
    chosen = st.session_state.get(f"{key} chosen")

    def choose(place: int | None) -> None:
        st.session_state[f"{key} chosen"] = None if place is None else listed[place]

    ui.choose_row(
        table.dropna(axis="columns", how="all"),
        key,
        choose,
        chosen=listed.index(chosen) if chosen in listed else None,
        columns={
            "name": st.column_config.TextColumn("Name", width="medium"),
            "instructions": st.column_config.NumberColumn("Instructions", format="localized"),
            "what": st.column_config.TextColumn("What", width="medium"),
            "note": st.column_config.TextColumn("Note", width="medium"),
        },
        alt=f"{kind.word.capitalize()}s saved with this run; choose one to rename or delete it",
    )
    if chosen is not None and chosen in listed:
        _more_like(run, kind, chosen)
        manage(run, kind, chosen, key="home")
    else:
        show_said(run, kind)


def _listed(run: Run, kind: Kind) -> list[str]:
    """The names in the table: all, or of many those that are looked for, some at a time. No file is read."""
    known = names(run, kind)
    if len(known) <= SHOWN:
        return known
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Find",
            key=f"find {kind.word}",
            placeholder="part of a name",
            width=240,
            label_visibility="collapsed",
        )
        found = [name for name in known if words.strip().lower() in name.lower()]
        last = max(1, -(-len(found) // SHOWN))
        page = st.number_input(
            "Page", 1, last, key=f"page {kind.word} of {last}", width=140, label_visibility="collapsed"
        )
        first = SHOWN * (int(page) - 1)
        shown = found[first : first + SHOWN]
        st.caption(
            f"{ui.number(first + 1)} to {ui.number(first + len(shown))} of {ui.number(len(found))} by name"
            if shown
            else "None has that in its name."
        )
    return shown


def _more_like(run: Run, kind: Kind, name: str) -> None:
    """Offer to make a selection or a set a target."""
    before = {"selection": "", "set": ui.SET}.get(kind.word)
    if before is None:
        return
    try:
        rows = ui.read_selection(run, f"{before}{name}").samples
    except InputError:
        return  # a file that cannot be read; the table says so
    ui.more_like_these(run, rows, about=f"{kind.word} {name}", key=f"saved {kind.word}", suggestion=name)


def show_deleted(run: Run) -> None:
    """What can be restored, of all kinds."""
    found = deleted(run, most=MOST_DELETED) if may_write() else []
    if not found:
        return
    # Folders without a record of what they hold are none, and counted only where they are not read.
    count = max(len(found), count_deleted(run)) if len(found) == MOST_DELETED else len(found)
    with st.popover(f"Deleted: {ui.number(count)}", icon=":material/restore_from_trash:", key="deleted"):
        more = (
            f" These are the {MOST_DELETED} newest; `g2is … restore` brings back any."
            if count > len(found)
            else ""
        )
        st.caption(f"For {KEPT_DAYS} days after it was deleted.{more}")
        labels = {
            f"{one.kind} {one.name}": f"{one.kind} {ui.visible(one.name)}, {one.deleted[:16].replace('T', ' ')}"
            for one in reversed(found)
        }
        chosen = ui.choose_kept("What", list(labels)[::-1], labels.__getitem__, key="deleted chosen")
        word, _, name = chosen.partition(" ")
        st.button(
            "Restore",
            key="restore deleted",
            icon=":material/undo:",
            on_click=_restore,
            args=(run, KINDS[word], name),
        )
        if problem := st.session_state.pop(PROBLEM, None):
            st.error(problem, icon=":material/error:")


def _restore(run: Run, kind: Kind, name: str) -> None:
    """Bring back what was deleted; a callback. What went wrong is said in the popover, which covers the page."""
    did_to(kind, lambda: bring_back(run, kind, name))
    _, text, wrong = st.session_state[SAID]
    if wrong:
        st.session_state[PROBLEM] = text
        del st.session_state[SAID]
