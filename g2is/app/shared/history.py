"""Undo and redo: one history for the buttons, the keys and the browser's Back.

Settings enter it on their own, by way of the URL. What the URL does not hold enters it with `did`, by whoever did it:

    did("empty the basket", undo=lambda: fill(rows), redo=empty)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from g2is.app.shared.timeline import DONE, Change
from g2is.app.shared.url import all_texts, is_shared, put_in_url, set_url, step_shown, timeline


def did(
    label: str,
    undo: Callable[[], object],
    redo: Callable[[], object],
    url: Mapping[str, list[str] | None] | None = None,
) -> None:
    """Record what was just done; for callbacks.

    label: what it was, after "Undo:". undo, redo: take it back and do it again; they are called in callbacks, must not
    record anything themselves, and must not raise where it cannot be done any more. url: parameters of the URL that
    change with it, and back with Undo; None takes one out.
    """
    was = all_texts()
    number = timeline().did(label, undo, redo, url=url or {}, was=was)
    if url:
        set_url(**{DONE: number}, **url)
    else:
        put_in_url(**{DONE: number})


def last_change() -> Change | None:
    """What Undo would take back."""
    return timeline().last


def next_change() -> Change | None:
    """What Redo would do again."""
    return timeline().next


def undo() -> None:
    """Take the last change back; a callback."""
    all_texts()
    change = timeline().undo()
    if change is not None:
        _show(change.before, change.after, change.step, change.beside)


def redo() -> None:
    """Do again what was undone last; a callback."""
    all_texts()
    change = timeline().redo()
    if change is not None:
        _show(change.after, change.before, None, {name: (b, a) for name, (a, b) in change.beside.items()})


def _show(
    state: dict[str, list[str]],
    left: dict[str, list[str]],
    step: list[str] | None,
    beside: Mapping[str, tuple[list[str] | None, list[str] | None]],
) -> None:
    """Put a state into the URL in place of another; and what stood beside it, wherever that is as it was left."""
    changes: dict[str, object] = {name: state.get(name) for name in {*state, *left}}
    present = all_texts()
    for name, (there, here) in beside.items():
        if present.get(name) == here and (here is not None or is_shared(name)):
            changes[name] = there
    names = list(changes)
    if step is not None and step_shown() is not None:
        changes["step"] = step or None
    for name in names:
        # Widgets follow the URL; what they hold until then must not be written back.
        st.session_state.pop(name, None)
    put_in_url(**changes)
