"""What a reader does in a component of ours, as callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st


def event(key: str, name: str) -> Any:
    """What an event of the component with this key brought; for callbacks of `while_shown`."""
    return getattr(st.session_state[key], name)


def while_shown(key: str, callback: Callable[[], object]) -> Callable[[], None]:
    """A callback that does nothing once the component has left the page.

    The browser shows a page until the next one comes, and its components may raise events until then: the view of a map
    for one, when it has rested. They arrive after the other page's run, with their values gone.
    """

    def call() -> None:
        if key in st.session_state:
            callback()

    return call
