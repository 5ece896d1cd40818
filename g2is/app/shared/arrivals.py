"""What came to a run, or went, since a session drew a page of it last: instructions and targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from g2is.app.shared.text import literal, number, prose, visible
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.targets import Target

MINE = "targets asked for"
"""Targets that this session adds, (run, name): that they came is no news to it."""


def expect(run: Run, target: str) -> None:
    """This session adds a target, which comes later."""
    st.session_state.setdefault(MINE, set()).add((run.name, target))


def see(run: Run) -> None:
    """This session knows the run as it is now."""
    gone = 0 if "instructions" not in run.manifest.stages else run.files.pool - run.size
    st.session_state.setdefault("runs seen", {})[run.name] = run.hash, run.state, _facts(run), gone


def say_what_came(run: Run) -> None:
    """Say once what came to the run, or went, since this session saw it last."""
    _say_new_instructions(run)
    before = st.session_state.get("runs seen", {}).get(run.name)
    if before is not None and before[1] == run.state:
        return
    see(run)
    if before is None or before[0] != run.hash:
        return
    now = st.session_state["runs seen"][run.name]
    mine = st.session_state.get(MINE, set())
    known = before[2] | {name: size for name, size in now[2].items() if (run.name, name) in mine}
    if text := " ".join(filter(None, (what_came(known, now[2]), what_went(before[3], now[3])))):
        st.info(text, icon=":material/update:")


def what_went(before: int, after: int) -> str:
    """How many instructions were removed from the pool or restored to it; empty for none. before, after: how many were
    gone."""
    if before == after:
        return ""
    count = abs(after - before)
    verb = "removed from the pool" if after > before else "restored to the pool"
    return f"{number(count)} instruction{'s were' if count > 1 else ' was'} {verb} since."


def _say_new_instructions(run: Run) -> None:
    """Say once that instructions came to the run since a page of it was last drawn."""
    if "instructions" not in run.manifest.stages:  # the build has not come to them
        return
    place, count = f"pool of {run.folder}", run.files.pool
    came = count - st.session_state.get(place, count)
    st.session_state[place] = count
    if came > 0:
        st.toast(
            f"{number(came)} new instruction{'s' * (came > 1)} came to this run since the page was last drawn: "
            f"{number(count)} now.",
            icon=":material/library_add:",
            duration="long",
        )


def _facts(run: Run) -> dict[str, int]:
    return {target.name: target.size for target in _targets(run)}


def _targets(run: Run) -> list[Target]:
    try:
        return run.targets
    except InputError:  # the build has not come to them
        return []


def what_came(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """How the targets differ, sizes by name, in Markdown; empty where they do not."""
    came = {name: size for name, size in after.items() if before.get(name) != size}
    gone = [name for name in before if name not in after]
    parts = []
    if came:
        verb = "A target was" if len(came) == 1 else f"{number(len(came))} targets were"
        listed = "; ".join(
            f"{literal(visible(name))}, {number(size)} examples" for name, size in came.items()
        )
        parts.append(f"{verb} added since: {listed}.")
    if gone:
        verb = "A target was" if len(gone) == 1 else f"{number(len(gone))} targets were"
        parts.append(f"{verb} removed since: {', '.join(literal(visible(name)) for name in gone)}.")
    return " ".join(parts)


def changed(said: str, change: Callable[[], Run], done: str) -> bool:
    """Change a run in a callback; whether that went well.

    said: the key of the session's state under which the page finds what to say next, (text, whether it went wrong).
    """
    try:
        see(change())
    except InputError as error:
        st.session_state[said] = prose(error), True
        return False
    st.session_state[said] = done, False
    return True
