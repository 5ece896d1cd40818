"""Why a sample is in the walk, or not: the one in focus."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.app.shared import THREE_DIGITS, focus, number, set_url, show_record, table_height, visible
from g2is.app.shared.sample_search import search_sample
from g2is.app.shared.walked import Walked
from g2is.app.walk.actions import sample_actions
from g2is.run.run import Run
from g2is.walk import Explanation, Verdict


@st.fragment
def show_why(run: Run, walked: Walked) -> None:
    """Ask for an instruction and show why it was chosen, or for each direction why not."""
    st.subheader("Why is this instruction in, or not?")
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
    _show(walked.explain(run, sample))
    sample_actions(walked, sample, "why")
    with st.expander(f"Instruction {number(sample)} in full"):
        show_record(run, sample)


OUTCOMES = {
    "conflict": "conflict",
    "redundant": "too similar",
    "consistency": "alignment would fall",
    "outranked": "a nearer one was chosen",
    "not reached": "not reached",
    "no budget": "no budget",
}


def _show(explanation: Explanation) -> None:
    taken = explanation.taken
    # The component that comes closest to the sample is the one that a reader wonders about.
    verdicts = sorted(explanation.verdicts, key=lambda verdict: -verdict.affinity)
    st.text(
        f"Instruction {number(explanation.sample)} was not chosen. {closest(verdicts[0])}"
        if verdicts
        else explanation.text
    )
    if taken is not None:
        if st.button(
            f"Go to step {taken.step + 1:,}", key="go to step", on_click=set_url, kwargs={"step": taken.step}
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


def closest(verdict: Verdict) -> str:
    """A sentence on what became of a sample where it came closest."""
    member, value, needed = verdict.member, number(verdict.value), number(verdict.needed)
    when = "in its last search of the pool" if verdict.step is None else f"at step {verdict.step + 1}"
    what = {
        "conflict": f"rejected it {when}: it conflicts with instruction {member} (cosine {value}, below {needed})",
        "redundant": f"rejected it {when}: it is too similar to instruction {member} (cosine {value}, above {needed})",
        "consistency": f"rejected it {when}: the alignment would become {value}, at least {needed} is needed",
        "outranked": f"met it {when}, but chose a nearer neighbour",
        "not reached": "never came to it before the budget was used",
        "no budget": "has no budget",
    }[verdict.reason]
    return f"The closest is direction {verdict.component} (cosine {number(verdict.affinity)}), which {what}."
