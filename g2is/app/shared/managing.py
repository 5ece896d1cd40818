"""Rename, annotate and delete what is saved with a run, with a way back."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from g2is.app.shared.aside import follow_set
from g2is.app.shared.history import did, last_change, undo
from g2is.app.shared.naming import name_box
from g2is.app.shared.popover import popover
from g2is.app.shared.text import literal, prose
from g2is.app.shared.url import all_texts
from g2is.app.shared.visitor import may_write
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.saved import KEPT_DAYS, Kind, annotate, delete, note, rename, restore
from g2is.run.sets import MOST_NOTE

NAMED_IN = {
    **{("selection", name): "" for name in ("selection", "within", "compare", "before", "after")},
    **{("set", name): "set:" for name in ("selection", "within", "compare", "basket")},
    **{("set", name): "" for name in ("pin_sets", "ban_sets", "only_sets")},
}
"""Parameters of the URL that name a thing of each kind, with what they have before the name."""
UNDO = "managing undo"
SAID = "managing said"
"""Where what was done, or why not, waits for the page to show it: (kind, text, whether it went wrong)."""


def manage(run: Run, kind: Kind, name: str, *, key: str) -> None:
    """A popover that renames, annotates and deletes one thing. key: tells it from others on the page."""
    if not may_write():
        return
    try:
        written = note(run, kind, name)
    except InputError:
        written = ""  # of a file that cannot be read, which can still be deleted
    key = f"{key} {kind.word} {name}"
    place = popover("Rename, note, delete", f"{key} manage", icon=":material/edit:")
    with place:
        if place.open and _went_wrong(kind):
            show_said(run, kind)
        with st.form(f"{key} form", border=False):
            name_box("Name", name, key=f"{key} name")
            st.text_area("Note", written, key=f"{key} note", max_chars=MOST_NOTE, height=90)
            st.form_submit_button(
                "Save",
                icon=":material/save:",
                type="primary",
                on_click=lambda: _do(
                    kind,
                    key,
                    lambda: _change(
                        run,
                        kind,
                        name,
                        st.session_state[f"{key} name"].strip(),
                        st.session_state[f"{key} note"],
                        written,
                    ),
                ),
            )
        st.button(
            f"Delete {kind.word}",
            key=f"{key} delete",
            icon=":material/delete:",
            on_click=lambda: _do(kind, key, lambda: _delete(run, kind, name)),
            help=f"It can be restored for {KEPT_DAYS} days.",
        )
    if not place.open:
        show_said(run, kind)


def _went_wrong(kind: Kind) -> bool:
    word, _, wrong = st.session_state.get(SAID, ("", "", False))
    return bool(wrong and word == kind.word)


def _change(run: Run, kind: Kind, name: str, new: str, text: str, written: str) -> str:
    if new == name and text == written:
        return f"{kind.word.capitalize()} {literal(name)}: nothing was changed."
    said = _put(run, kind, name, new, written, text)
    did(
        f"rename {kind.word} {name}" if new != name else f"note on {kind.word} {name}",
        undo=lambda: did_to(kind, lambda: _put(run, kind, new, name, text, written)),
        redo=lambda: did_to(kind, lambda: _put(run, kind, name, new, written, text)),
        url=_following(kind, name, new) if new != name else None,
    )
    return said


def _put(run: Run, kind: Kind, name: str, new: str, written: str, text: str) -> str:
    """Give something another name and note, or neither where one of them cannot be; what to say of it."""
    done = []
    if new != name:
        rename(run, kind, name, new)
        done.append(f"it is called {literal(new)} now")
    if text != written:
        try:
            annotate(run, kind, new, text)
        except InputError:
            if new != name:
                rename(run, kind, new, name)
            raise
        done.append("the note is saved")
    if kind.word == "set":
        follow_set(run, name, new)
    return f"{kind.word.capitalize()} {literal(name)}: {' and '.join(done)}."


def _delete(run: Run, kind: Kind, name: str) -> str:
    delete(run, kind, name)
    did(
        f"delete {kind.word} {name}",
        undo=lambda: did_to(kind, lambda: _restored(run, kind, name)),
        redo=lambda: did_to(kind, lambda: _deleted(run, kind, name)),
        url=_following(kind, name, None),
    )
    return _deletion(kind, name)


def bring_back(run: Run, kind: Kind, name: str) -> str:
    """Restore what was deleted last under a name; what to say of it."""
    last = last_change()
    if last is not None and last.label == f"delete {kind.word} {name}":
        undo()
        _, text, wrong = st.session_state[SAID]
        if wrong:
            raise InputError(text)
        return str(text)
    said = _restored(run, kind, name)
    did(
        f"restore {kind.word} {name}",
        undo=lambda: did_to(kind, lambda: _deleted(run, kind, name)),
        redo=lambda: did_to(kind, lambda: _restored(run, kind, name)),
    )
    return said


def _restored(run: Run, kind: Kind, name: str) -> str:
    restore(run, kind, name)
    return f"{kind.word.capitalize()} {literal(name)} is restored."


def _deleted(run: Run, kind: Kind, name: str) -> str:
    delete(run, kind, name)
    return _deletion(kind, name)


def _deletion(kind: Kind, name: str) -> str:
    """What to say once something is deleted; the page offers to take it back."""
    st.session_state[UNDO] = kind.word, name
    return f"{kind.word.capitalize()} {literal(name)} is deleted."


def _following(kind: Kind, name: str, new: str | None) -> dict[str, list[str] | None]:
    """What the URL is to say of a thing that has a new name, or is gone."""
    changes: dict[str, list[str] | None] = {}
    for parameter, texts in all_texts().items():
        before = NAMED_IN.get((kind.word, parameter))
        old = f"{before}{name}"
        if before is not None and old in texts:
            later = [] if new is None else [f"{before}{new}"]
            kept = [part for text in texts for part in (later if text == old else [text])]
            changes[parameter] = kept or None
    return changes


def _do(kind: Kind, key: str, do: Callable[[], str]) -> None:
    """Do something from the popover of `key`, which closes unless it went wrong; what is said stands below it."""
    did_to(kind, do)
    if not _went_wrong(kind):
        st.session_state[f"{key} manage"] = False


def did_to(kind: Kind, do: Callable[[], str]) -> None:
    """Do something, and keep what it returns until the page says it; for callbacks."""
    st.session_state.pop(UNDO, None)
    try:
        st.session_state[SAID] = kind.word, do(), False
    except InputError as error:
        st.session_state[SAID] = kind.word, prose(error), True


def show_said(run: Run, kind: Kind) -> None:
    """What was last done with something of this kind, and a button that takes a deletion back."""
    word, text, wrong = st.session_state.get(SAID, ("", "", False))
    if word != kind.word:
        return
    deleted = st.session_state.get(UNDO)
    if deleted is None:
        del st.session_state[SAID]
    with st.container(horizontal=True, vertical_alignment="center"):
        (st.error if wrong else st.success)(text)
        if deleted is not None:
            st.button(
                "Undo",
                key=f"undo delete {word}",
                icon=":material/undo:",
                on_click=lambda: did_to(kind, lambda: bring_back(run, kind, deleted[1])),
            )
