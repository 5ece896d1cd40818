"""The targets of a run: a list with their origin, and removal with a way back."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.app.shared.arrivals import changed
from g2is.app.shared.history import did
from g2is.app.shared.navigation import link_to
from g2is.app.shared.tables import choose_row
from g2is.app.shared.text import literal, visible
from g2is.app.shared.url import all_texts
from g2is.app.shared.visitor import may_write
from g2is.run.run import Run

SAID = "targets said"
"""Where what was done, or why not, waits for the page to show it: (text, whether it went wrong)."""
TARGET = "target."
"""Before the name of a target in a URL, whose value is its share of the budget."""
ORIGINS = {"build": "the build", "files": "files", "instructions": "the pool", "elsewhere": "another machine"}


def show_targets_of(run: Run, *, key: str) -> None:
    """A table of the targets; one that is chosen can be removed, and what was removed comes back. key: of the page."""
    targets = run.targets
    names = [target.name for target in targets]
    chosen = st.session_state.get(f"{key} target")

    def choose(place: int | None) -> None:
        st.session_state[f"{key} target"] = None if place is None else names[place]

    choose_row(
        pd.DataFrame(
            {
                "name": [visible(name) for name in names],
                "examples": [target.size for target in targets],
                "from": [ORIGINS.get(target.origin, visible(target.origin)) for target in targets],
                "note": [visible(target.note) for target in targets],
                "added": [target.added[:16].replace("T", " ") for target in targets],
            }
        ),
        f"{key} targets",
        choose,
        chosen=names.index(chosen) if chosen in names else None,
        columns={
            "name": st.column_config.TextColumn("Target", width="medium"),
            "examples": st.column_config.NumberColumn("Examples", format="localized"),
            "from": st.column_config.TextColumn("From"),
            "note": st.column_config.TextColumn("Note", width="medium"),
            "added": st.column_config.TextColumn("Added"),
        },
        alt="Validation targets of this run; choose one to remove it",
    )
    if not may_write():
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        link_to_add()
        if chosen in names and len(names) > 1:
            st.button(
                f"Remove target {literal(visible(str(chosen)))}",
                key=f"{key} remove target",
                icon=":material/delete:",
                on_click=_remove,
                args=(run, chosen),
                help="Selections that were made for it stay. It can be restored.",
            )
        elif chosen in names:
            st.caption("The last target of a run stays.")
        gone = list(
            dict.fromkeys(part.name for part in run.manifest.removed.values() if part.name not in names)
        )
        for name in gone:
            st.button(
                f"Restore target {literal(visible(name))}",
                key=f"{key} restore target {name}",
                icon=":material/undo:",
                on_click=_restore,
                args=(run, name),
            )
    text, wrong = st.session_state.pop(SAID, ("", False))
    if text:
        (st.error if wrong else st.success)(text)


def link_to_add() -> None:
    """The link to where a target is added."""
    link_to("Core knowledge", "Add a target", add=True)


def _remove(run: Run, name: str) -> None:
    if _removed(run, name):
        shares = f"{TARGET}{name}"
        did(
            f"remove target {name}",
            undo=lambda: _restored(run, name),
            redo=lambda: _removed(run, name),
            url={shares: None} if shares in all_texts() else None,
        )


def _restore(run: Run, name: str) -> None:
    if _restored(run, name):
        did(f"restore target {name}", undo=lambda: _removed(run, name), redo=lambda: _restored(run, name))


def _removed(run: Run, name: str) -> bool:
    from g2is.pipeline.adding import remove

    return changed(SAID, lambda: remove(run.folder, name), f"Target {literal(visible(name))} is removed.")


def _restored(run: Run, name: str) -> bool:
    from g2is.pipeline.adding import restore

    return changed(SAID, lambda: restore(run.folder, name), f"Target {literal(visible(name))} is restored.")
