"""The visitor of a page: signed in where the server wants it, and what they may see and do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from g2is.app import permits
from g2is.app.shared.text import literal, show_error
from g2is.errors import InputError

READ_ONLY = "Read-only: nothing is saved or built here. Downloads work."


def may_write() -> bool:
    """Whether visitors may save and build: what only does that is not drawn where they may not.

    Writing itself asks again, see `g2is.app.permits`.
    """
    return not permits.serving().read_only


def may_name_files() -> bool:
    """Whether the visitor sits at this machine, so that they may name files of it."""
    local = st.get_option("server.address") in ("localhost", "127.0.0.1", "::1")
    # A proxy on this machine brings visitors from elsewhere.
    return local and not permits.serving().for_others and "X-Forwarded-For" not in st.context.headers


def admit(place: DeltaGenerator) -> None:
    """Let the visitor in, or ask them to sign in and stop the page.

    place: in the sidebar, for who they are and what the server does not allow.
    """
    try:
        permits.guard()
        access = permits.access()
    except InputError as error:
        show_error(error)
        st.stop()
    if access is not None:
        _sign_in(place)
    if not may_write():
        # In a corner of the window, on each page alike; see style.css.
        st.html(f'<div class="read-only" role="status" title="{READ_ONLY}">Read-only</div>')
        place.caption(f":material/lock: {READ_ONLY}")


def _sign_in(place: DeltaGenerator) -> None:
    if not st.user.is_logged_in:
        with st.container(key="sign in"):
            st.markdown("The runs on this server are for people who are signed in.")
            st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login)
        st.stop()
    place.caption(f"Signed in as {literal(mail() or 'someone without a verified address')}")
    place.button("Sign out", icon=":material/logout:", type="tertiary", on_click=st.logout, key="sign out")


def mail() -> str:
    """The address of who is signed in; empty where the provider does not vouch for it."""
    return "" if st.user.get("email_verified") is False else str(st.user.get("email") or "")


def seen(folders: Iterable[Path]) -> set[Path]:
    """Those of these runs that the visitor may see."""
    access = permits.access()
    if access is None:
        return set(folders)
    who = mail() if st.user.is_logged_in else ""
    return {folder for folder in folders if who and access.sees(who, folder.name)}
