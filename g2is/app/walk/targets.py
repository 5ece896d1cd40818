"""The targets that a walk is for, and the switch on what they were made of."""

from __future__ import annotations

import streamlit as st

from g2is.analysis.walks import targets_in_use
from g2is.app.shared import literal, number, prose, set_url, visible
from g2is.app.shared.popover import popover
from g2is.app.shared.targets import link_to_add
from g2is.config import WalkParameters
from g2is.run.run import Run
from g2is.run.targets import Target

SWITCH = "own rows"
LISTED = 3
"""Names on the label, at most."""


def show_targets(run: Run, parameters: WalkParameters) -> None:
    """What the walk is for, where the run has several targets; on demand where they are from, and the switch."""
    if len(run.targets) < 2:
        return
    used = targets_of_walk(run, parameters)
    place = popover(targets_text(used, parameters), "status targets", type="tertiary")
    if not place.open:
        return
    with place:
        st.markdown(described(used))
        if own := run.target_rows([target.name for target in used]).size:
            st.session_state[SWITCH] = parameters.without_target_rows
            st.toggle(
                f"Leave these {number(own)} instructions out of the choice",
                key=SWITCH,
                on_change=_switch,
                help="A walk for instructions of the pool would take these very instructions first.",
            )
        st.caption("Shares of several targets: under Budget.")
        link_to_add()


def targets_of_walk(run: Run, parameters: WalkParameters) -> list[Target]:
    """The targets that a walk is for."""
    used = set(targets_in_use(run, parameters))
    return [target for target in run.targets if target.name in used]


def targets_text(used: list[Target], parameters: WalkParameters) -> str:
    """What a walk is for, in a few words."""
    names = ", ".join(literal(visible(target.name)) for target in used[:LISTED])
    more = f" and {number(len(used) - LISTED)} more" if len(used) > LISTED else ""
    own = len({row for target in used for row in target.rows})
    left = f", whose {number(own)} are left out" if own and parameters.without_target_rows else ""
    return f"for {names}{more}{left}"


def described(targets: list[Target]) -> str:
    """Where targets are from, in Markdown."""
    return "\n".join(
        f"- **{literal(visible(target.name))}**: {number(target.size)} examples, {origin(target)}"
        for target in targets
    )


def origin(target: Target) -> str:
    """Where a target is from, in Markdown."""
    if target.origin == "build":
        return "of the build"
    return prose(target.note) if target.note else f"added {target.added[:10]}"


def _switch() -> None:
    set_url(without_target_rows=None if st.session_state[SWITCH] else False)
