"""What a page shows, kept in its URL, so that a copied link and the browser's Back reproduce it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from g2is.app.shared.text import literal, prose
from g2is.app.shared.timeline import DONE, Timeline, is_setting, shaping

SHARED = {"run", "focus", "selection", "basket", "tour", DONE}
"""Parameters that all pages have in common, besides the settings of the walk: what they are about, and the step of the
tour."""


def is_shared(name: str) -> bool:
    """Whether a parameter goes along from page to page."""
    return name in SHARED or is_setting(name)


PAUSES = "undo keys"
"""The component that counts the pauses of the reader, see `g2is.app.walk.undo`."""
OLDER = 50
"""URLs of a page before the present one that are remembered."""


def all_texts() -> dict[str, list[str]]:
    """The URL as it is.

    A run may begin with an older one: the browser sends what it shows, and what the last change made may be on its
    way still, or lost, since a run that is overtaken ends where it would send the new URL. An older URL of the same
    page therefore does not count, unless the reader went back to it.
    """
    return _both_texts()[1]


def _both_texts() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The URL that the browser shows, and the URL as it is."""
    now = {name: st.query_params.get_all(name) for name in st.query_params}
    page = st.session_state.get("page")
    known_page, present, older = st.session_state.get("url_known", (None, now, []))
    context = get_script_run_ctx()
    went_back = context is not None and context.is_history_navigation
    if page == known_page and (now == present or (now in older and not went_back)):
        return now, present
    _know(now, [*older, present] if page == known_page else [], back=went_back)
    return now, now


def _know(present: dict[str, list[str]], older: list[dict[str, list[str]]], *, back: bool = False) -> None:
    """Keep the URL of this page, and those it had before."""
    older = [texts for texts in older if texts != present]
    st.session_state["url_known"] = st.session_state.get("page"), present, older[-OLDER:]
    pauses = getattr(st.session_state.get(PAUSES), "pauses", None) or 0
    timeline().note(present, step=step_shown(), back=back, pauses=pauses)


def timeline() -> Timeline:
    """The changes of this session, of the run that the URL names."""
    _, present, _ = st.session_state["url_known"]
    run = present.get("run", [""])[-1]
    known = st.session_state.get("timeline")
    if known is None or known[0] != run:
        known = st.session_state["timeline"] = run, Timeline(shaping(present), step_shown())
    line: Timeline = known[1]
    return line


def step_shown() -> list[str] | None:
    """The step of the walk as the URL has it, empty for the first; None on a page without steps."""
    _, present, _ = st.session_state["url_known"]
    return present.get("step", []) if st.session_state.get("page") == "Walk" else None


def put_in_url(**values: object) -> None:
    """Write these values to the URL and leave the others; None takes one out."""
    kept = {name: texts for name, texts in all_texts().items() if name not in values}
    carried = st.session_state.get("url_carried", {})
    texts = {
        **{name: parts for name, parts in kept.items() if name not in carried},
        **texts_of({**carried, **values}),
    }
    _, present, older = st.session_state["url_known"]
    _know(texts, [*older, present])
    # Here too: a part of a page that reruns alone, such as the step strip, never comes past the page's start.
    remember_page(texts)
    # Last, because a run that has been overtaken ends here.
    st.query_params.from_dict(texts)


def carry(**values: object) -> None:
    """Have the next change of the URL write these values too; None takes one out. For what is kept in the session."""
    st.session_state["url_carried"] = values


def send_url() -> dict[str, list[str]]:
    """Have the browser show the URL as it is, where it has an older one; returns it. Not in callbacks: it may end the
    run."""
    now, present = _both_texts()
    if present != now:
        st.query_params.from_dict(present)
    return present


def texts_of(values: dict[str, object]) -> dict[str, list[str]]:
    """Values as a URL holds them; None takes a parameter out."""
    return {
        name: [str(part) for part in value] if isinstance(value, list | tuple) else [str(value)]
        for name, value in values.items()
        if value is not None
    }


def forget_widgets() -> None:
    """Another page has other widgets."""
    st.session_state["url_widgets"] = {}


def remember_page(texts: dict[str, list[str]]) -> None:
    """Each page is left as it was: its own parameters wait here until its link is drawn again."""
    own = {name: parts for name, parts in texts.items() if not is_shared(name)}
    st.session_state.setdefault("url_of_page", {})[st.session_state.get("page")] = own


def url_value(name: str, default: Any, read: Callable[[str], Any] = str) -> Any:
    """A parameter of the URL; several values where the default is a list, as many as a default that is a tuple.

    read: turns its text into a value, or raises ValueError with what it expected; then the page shows that and goes
    on with the default, or of a list with the values that can be read.
    """
    texts = send_url().get(name, [])
    if not texts:
        return default
    if isinstance(default, list):
        return _readable(name, texts, read)
    try:
        if not isinstance(default, tuple):
            return read(texts[-1])
        if len(texts) != len(default):
            raise ValueError(f"expected {len(default)} values")
        return tuple(read(text) for text in texts)
    except ValueError as error:
        instead = "" if default in (None, "") else f"; this page uses {literal(default)} instead"
        _show_unused(name, texts, error, f"It is not used{instead}.")
        return default


def _readable(name: str, texts: list[str], read: Callable[[str], Any]) -> list[Any]:
    """The values of a list that can be read; the others are shown."""
    values, unread, first = [], [], None
    for text in texts:
        try:
            values.append(read(text))
        except ValueError as error:
            unread.append(text)
            first = first or error
    if first is not None:
        not_used = "It is not used" if len(unread) == 1 else "They are not used"
        rest = {0: "", 1: "; the other is"}.get(len(values), "; the others are")
        _show_unused(name, unread, first, f"{not_used}{rest}.")
    return values


def _show_unused(name: str, texts: list[str], error: ValueError, what: str) -> None:
    if not _was_shown(name, texts):
        st.warning(
            f"The address of this page has {literal('&'.join(f'{name}={text}' for text in texts))}: {prose(error)}. "
            f"{what}",
            icon=":material/link_off:",
        )


def begin_run() -> None:
    """A page starts: it shows no message yet."""
    st.session_state["url_shown"] = set()


def _was_shown(name: str, texts: list[str]) -> bool:
    """Whether this run of the page has shown what is wrong with a parameter, which several parts may read. A part that
    reruns alone shows it again: its earlier message is gone."""
    context = get_script_run_ctx()
    if context is not None and context.fragment_ids_this_run:
        return False
    shown = st.session_state.setdefault("url_shown", set())
    known = (name, *texts) in shown
    shown.add((name, *texts))
    return known


def in_url(name: str, default: Any, read: Callable[[str], Any] = str) -> dict[str, Any]:
    """The `key` and `on_change` of a widget whose value stands in the URL as `name`, unless it is the default.

    Give the widget no value of its own. See `url_value` for `read`.
    """
    value = url_value(name, default, read)
    st.session_state["url_widgets"][name] = default
    assign(name, value)
    return {"key": name, "on_change": set_url}


def assign(key: str, value: Any) -> None:
    """Have a widget show a value that may have been changed elsewhere; before it is drawn."""
    # Again in every run until something is changed by hand: the browser drops what a run assigned where the next one
    # overtakes it. Not for ever: a value that is assigned anew disturbs what is being typed or dragged.
    assigned = st.session_state.setdefault("url_assigned", set())
    if key not in st.session_state or st.session_state[key] != value:
        assigned.add(key)
    if key in assigned or _hidden.get():
        st.session_state[key] = value


_hidden = ContextVar("hidden", default=False)


@contextmanager
def hidden(is_hidden: bool) -> Iterator[None]:
    """Widgets drawn in here are not on the screen, or not yet: see `g2is.app.shared.popover.inside`."""
    token = _hidden.set(is_hidden)
    try:
        yield
    finally:
        _hidden.reset(token)


def set_url(**changes: object) -> None:
    """Write the values of all widgets and these changes to the URL. For callbacks; None takes one out.

    All widgets, because a second change may arrive before the browser knows the URL that the first one made.
    """
    values = dict(changes)
    st.session_state["url_assigned"] = {name for name in changes if name in st.session_state}
    for name, default in st.session_state.get("url_widgets", {}).items():
        if name in changes:
            st.session_state[name] = default if changes[name] is None else changes[name]
        if name in st.session_state:
            value = st.session_state[name]
            values[name] = None if value == default else value
    put_in_url(**values)


def whole(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number in this range from a URL."""

    def read(text: str) -> int:
        if not re.fullmatch("-?[0-9]{1,15}", text) or not least <= int(text) <= most:
            raise ValueError(f"expected a whole number from {least:,} to {most:,}")
        return int(text)

    return read


def real(least: float, most: float) -> Callable[[str], float]:
    """Reads a number in this range from a URL."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise ValueError(f"expected a number from {least:g} to {most:g}")
        return value

    return read


def one_of(options: Iterable[str]) -> Callable[[str], str]:
    """Reads one of these from a URL."""
    known = list(options)

    def read(text: str) -> str:
        if text not in known:
            few = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
            raise ValueError(f"expected one of {few}" if known else "there is none")
        return text

    return read


def flag(text: str) -> bool:
    """Reads True or False from a URL."""
    return one_of(("True", "False"))(text) == "True"
