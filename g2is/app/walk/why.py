"""Why a sample is in the walk, or not: the one in focus."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.analysis.why_not import why_not
from g2is.app.shared import (
    THREE_DIGITS,
    focus,
    number,
    set_url,
    show_error,
    show_record,
    table_height,
    visible,
)
from g2is.app.shared.sample_search import search_sample
from g2is.app.shared.text import showing_errors
from g2is.app.shared.walked import Walked, walked
from g2is.app.walk.actions import sample_actions
from g2is.app.walk.parameters import parameters_in_url
from g2is.errors import InputError
from g2is.run.run import Run


@st.fragment
@showing_errors
def show_why(run: Run, walk: Walked) -> None:
    """Ask for an instruction and show why it was chosen, or for each direction why not."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        searching = search_sample(
            run,
            "why",
            lambda found: set_url(focus=found),
            label="Row number, or words that the instruction contains",
        )
    if searching:
        # An answer to the question before must not stand under a new one.
        return
    sample = focus(run)
    if sample is None:
        st.caption("Type the row number of any instruction of the pool, or words to search for.")
        return
    _show(run, walk, sample)
    sample_actions(walk, sample, "why")
    with st.expander(f"Instruction {number(sample)} in full"):
        show_record(run, sample)


def show_why_line(run: Run, sample: int) -> None:
    """One sentence: why the walk that the settings make has an instruction, or why not. For pages about it."""
    try:
        walk = walked(run, parameters_in_url(run))
        answer = why_not(run, walk.trace, sample)
    except InputError as error:
        show_error(error)
        return
    mark = ":material/check_circle:" if answer.step is not None else ":material/do_not_disturb_on:"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="why line"):
        st.markdown(mark, width="content")
        st.text(
            answer.text if answer.step is not None else f"Not in the walk. {answer.text}", width="stretch"
        )


OUTCOMES = {
    "conflict": "conflict",
    "redundant": "too similar",
    "consistency": "alignment would fall",
    "outranked": "another neighbour was chosen",
    "not reached": "not reached",
    "no budget": "no budget",
}


def _show(run: Run, walk: Walked, sample: int) -> None:
    answer = why_not(run, walk.trace, sample)
    st.text(f"Instruction {number(sample)}. {answer.text}")
    # The component that comes closest to the sample is the one that a reader wonders about.
    verdicts = sorted(walk.explain(run, sample).verdicts, key=lambda verdict: -verdict.affinity)
    if answer.step is not None:
        if st.button(
            f"Go to step {answer.step + 1:,}",
            key="go to step",
            on_click=set_url,
            kwargs={"step": answer.step},
        ):
            st.rerun()
    elif len(verdicts) > 1:
        st.caption("For each target direction, closest first:")
        st.dataframe(
            pd.DataFrame(
                {
                    "in words": [visible(verdict.text) for verdict in verdicts],
                    "outcome": [OUTCOMES[verdict.reason] for verdict in verdicts],
                    "cosine to the direction": [verdict.affinity for verdict in verdicts],
                }
            ),
            hide_index=True,
            key="verdicts",
            height=table_height(len(verdicts), 320),
            column_config={
                "in words": st.column_config.TextColumn(width=640),
                "cosine to the direction": THREE_DIGITS,
            },
            alt="For each target direction, why it did not choose the instruction",
        )
