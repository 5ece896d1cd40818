"""The instruction in focus in full, with links to other pages."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from g2is.app import shared as ui
from g2is.app.instructions.list import tags_note
from g2is.app.shared.aside import fill_basket
from g2is.app.shared.history import did
from g2is.app.shared.visitor import may_write
from g2is.app.walk.why import show_why_line
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.saved import KINDS, delete, restore
from g2is.run.sets import LOOKED_AT


def show_reader(run: Run, rows: np.ndarray, sample: int) -> None:
    """The record, with links to other pages."""
    places = np.flatnonzero(rows == sample)
    inside = bool(len(places))
    at = int(places[0]) if inside else int((rows < sample).sum())

    def go(place: int) -> None:
        ui.set_url(focus=int(rows[place]), page=None)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Previous",
            icon=":material/arrow_back:",
            on_click=go,
            args=(at - 1,),
            disabled=at == 0,
            shortcut="k",
        )
        after = at + 1 if inside else at
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            on_click=go,
            args=(after,),
            disabled=after >= len(rows),
            shortcut="j",
        )
        if not run.gone[sample]:
            basket_button(run, sample)
            tag(run, sample)
        ui.remove_button(run, [sample], about="read on its own", key="read")
    with st.container(horizontal=True):
        ui.link_to("Walk", "Why is it in, or not?", focus=sample)
        ui.link_to("Neighbourhood", "Similar and conflicting", focus=sample)
        ui.link_to("Map", "On the map", focus=sample)
    if not inside:
        st.caption(":material/info: This instruction does not match the filter.")
    why = st.empty()
    ui.show_record(run, sample)
    # Last: the walk may have to be computed first.
    with why:
        show_why_line(run, sample)


def tag(run: Run, sample: int) -> None:
    """The sets that the instruction is in, to add it to others or take it out."""
    [tags] = run.sets.tags(np.array([sample]), LOOKED_AT)
    with st.popover(f"Tags: {len(tags)}" if tags else "Tag", icon=":material/label:", key="tags"):
        st.multiselect(
            "Tags",
            run.sets.names(),
            default=tags,
            key=f"tags of {sample} {tags}",
            accept_new_options=True,
            disabled=not may_write(),
            placeholder="pick a set, or type a new name",
            help="Tags are named sets, kept with the run for everyone who opens it.",
            on_change=lambda: _retag(run, sample, tags, st.session_state[f"tags of {sample} {tags}"]),
        )
        if note := tags_note(run):
            st.caption(note)
        if problem := st.session_state.pop("tag problem", None):
            st.error(ui.prose(problem), icon=":material/error:")


def _retag(run: Run, sample: int, before: Sequence[str], after: Sequence[str]) -> None:
    """Put an instruction into the sets that are new, and take it out of those that are gone; a callback."""
    if _tagged(run, sample, before, after):
        words = [f"tag #{ui.number(sample)} {name}" for name in after if name not in before]
        words += [f"untag #{ui.number(sample)} {name}" for name in before if name not in after]
        did(
            ", ".join(words),
            undo=lambda: _tagged(run, sample, after, before, again=True),
            redo=lambda: _tagged(run, sample, before, after, again=True),
        )


def _tagged(
    run: Run, sample: int, before: Sequence[str], after: Sequence[str], *, again: bool = False
) -> bool:
    """Whether an instruction is in other sets now; if not, the page says why. again: a set that went with its last
    instruction comes back as it was."""
    try:
        for name in set(after) ^ set(before):
            if again and name in after and name not in run.sets:
                restore(run, KINDS["set"], name)
                continue
            new = name not in run.sets
            found = None if new else run.sets[name]
            rows = found.recorded if found is not None else np.zeros(0, np.int64)
            rows = np.union1d(rows, [sample]) if name in after else np.setdiff1d(rows, [sample])
            if found is None:
                run.sets.write(name, rows, origin="a tag")
            elif len(rows):
                run.sets.write(name, rows, note=found.note, origin=found.origin, replaces=found.checksum)
            else:
                delete(run, KINDS["set"], name)  # a set holds at least one; it can be restored
    except InputError as error:
        st.session_state["tag problem"] = error
        return False
    return True


def basket_button(run: Run, sample: int) -> None:
    """Puts the instruction into the basket, or takes it out."""
    basket = ui.basket(run)
    if sample in basket:
        without = [row for row in basket if row != sample]
        st.button("Out of the basket", icon=":material/remove:", on_click=fill_basket, args=(run, without))
    else:
        st.button(
            "Into the basket",
            icon=":material/add:",
            on_click=fill_basket,
            args=(run, [*basket, sample]),
            help="Instructions put aside by hand; the Export page writes them like any selection.",
        )
