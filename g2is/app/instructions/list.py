"""The list of instructions that match, a page at a time."""

import numpy as np
import pandas as pd
import streamlit as st

from g2is.analysis.ordering import WalkColumns
from g2is.app import shared as ui
from g2is.run.run import Run
from g2is.run.sets import LOOKED_AT
from g2is.run.texts import SPOKEN

ROWS = 100
"""Rows of a page."""


def table_of(
    run: Run, samples: np.ndarray, column: str = "", walk: WalkColumns | None = None
) -> pd.DataFrame:
    """The table of these instructions. column: one of the records that is shown too. walk: what it says of each."""
    rows = run.records(samples, SPOKEN)
    table = pd.DataFrame({"sample": samples, "prompt": ui.snippets(rows["prompt"])})
    if column in run.columns:
        values = run.columns[column].texts(samples)
        table["column"] = [None if value is None else ui.visible(value) for value in values]
    if walk is not None:
        table["step"] = ["" if step != step else f"{step:,.0f}" for step in walk.step[samples].tolist()]
        table["alignment"] = walk.alignment[samples]
    tags = run.sets.tags(samples, LOOKED_AT)
    if any(tags):
        table["tags"] = [", ".join(names) for names in tags]
    if "tokens" in rows and rows["tokens"].any():
        table["tokens"] = rows["tokens"].to_numpy()
        table["loss"] = rows["loss"].to_numpy()
    table["response"] = ui.snippets(rows["response"])
    table["source"] = [ui.visible(source) for source in rows["source"]]
    return table


def show_list(
    run: Run, rows: np.ndarray, focus: int | None, column: str = "", walk: WalkColumns | None = None
) -> int:
    """A page of the list; the row of the instruction to read.

    column: one of the records that is shown too. walk: what the current one says of each instruction.
    """
    places = np.flatnonzero(rows == (-1 if focus is None else focus))
    at = int(places[0]) if len(places) else None
    pages = -(-len(rows) // ROWS)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        of = "removed from the pool" if run.gone[rows].all() else f"of {ui.number(run.size)} instructions"
        st.markdown(f"**{ui.number(len(rows))}** {of}")
        page = 1
        if pages > 1:
            page = st.pagination(pages, **ui.in_url("page", 1 + (at or 0) // ROWS, ui.whole(1, pages)))
    shown = rows[(page - 1) * ROWS : page * ROWS]
    sample = int(shown[0]) if focus is None else focus
    marked = np.flatnonzero(shown == sample)

    def choose(place: int | None) -> None:
        if place is not None:
            ui.set_url(focus=int(shown[place]))

    ui.choose_row(
        table_of(run, shown, column, walk),
        "rows",
        choose,
        chosen=int(marked[0]) if marked.size else None,
        tallest=640,
        columns={
            "sample": st.column_config.NumberColumn("#", format="localized", width=70, pinned=True),
            "prompt": st.column_config.TextColumn("Prompt", width=255),
            "step": st.column_config.TextColumn(
                "Step", width=50, alignment="right", help="The step of the current walk that takes it."
            ),
            "alignment": st.column_config.NumberColumn(
                "Alignment", format="%.3f", width=80, help="Cosine to the closest target direction."
            ),
            "column": st.column_config.TextColumn(ui.visible(column), width=120),
            "tags": st.column_config.TextColumn("Tags", width=110, help="The named sets that it is in."),
            "response": st.column_config.TextColumn("Response", width=230),
            "tokens": st.column_config.NumberColumn("Tokens", format="localized", width=75),
            "loss": st.column_config.NumberColumn(
                "Loss", format="%.3g", width=65, help="Mean loss of the model over the response."
            ),
            "source": st.column_config.TextColumn("Source", width=150),
        },
        alt="Instructions that match the filter",
    )
    if note := tags_note(run):
        st.caption(note)
    return sample


def tags_note(run: Run) -> str:
    """That not all sets are looked into for tags; empty where all are."""
    count = len(run.sets)
    if count <= LOOKED_AT:
        return ""
    return f"Tags are those of the {LOOKED_AT} newest of {ui.number(count)} sets; “Named set” under Filters has all."
