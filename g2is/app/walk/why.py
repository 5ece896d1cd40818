"""Why a sample is in the walk, or not: the one in focus."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.app.shared import focus, number, set_url, show_record, visible
from g2is.app.shared.sample_search import search_sample
from g2is.app.shared.walked import Walked
from g2is.app.walk.steps import sample_actions
from g2is.run.run import Run
from g2is.walk import Explanation, Verdict


@st.fragment
def show_why(run: Run, walked: Walked) -> None:
    """Ask for a sample and say why it was taken, or for each component why not."""
    st.subheader("Why is this sample in, or not?")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        searching = search_sample(
            run,
            "why",
            lambda found: set_url(focus=found),
            label="Row number, or words that the sample contains",
        )
    if searching:
        # An answer to the question before must not stand under a new one.
        return
    sample = focus(run)
    if sample is None:
        st.caption("Type the row number of any sample of the pool, or words to search for.")
        return
    _show(walked.explain(run, sample))
    sample_actions(walked, sample, "why")
    with st.expander(f"Sample {number(sample)} in full"):
        show_record(run, sample)


def _show(explanation: Explanation) -> None:
    taken = explanation.taken
    # The component that comes closest to the sample is the one that a reader wonders about.
    verdicts = sorted(explanation.verdicts, key=lambda verdict: -verdict.affinity)
    st.text(
        f"Sample {number(explanation.sample)} was not taken. {closest(verdicts[0])}"
        if verdicts
        else explanation.text
    )
    if taken is not None:
        if st.button(
            f"Go to step {taken.step + 1:,}", key="go to step", on_click=set_url, kwargs={"step": taken.step}
        ):
            st.rerun()
    elif len(verdicts) > 1:
        st.caption("For each component, closest to the sample first, what became of it:")
        st.dataframe(
            pd.DataFrame(
                {
                    "in words": [visible(verdict.text) for verdict in verdicts],
                    "verdict": [verdict.reason for verdict in verdicts],
                    "cosine to the component": [verdict.affinity for verdict in verdicts],
                }
            ),
            hide_index=True,
            key="verdicts",
            height=min(320, 38 + 35 * len(verdicts)),
            column_config={
                "in words": st.column_config.TextColumn(width=640),
                "cosine to the component": st.column_config.NumberColumn(format="%.3g"),
            },
            alt="For each component, why it did not take the sample",
        )


def closest(verdict: Verdict) -> str:
    """A sentence on what became of a sample where it came closest."""
    member, value, needed = verdict.member, number(verdict.value), number(verdict.needed)
    when = "in its last search of the pool" if verdict.step is None else f"at step {verdict.step + 1}"
    what = {
        "conflict": f"turned it away {when}: it conflicts with sample {member} (cosine {value}, below {needed})",
        "redundant": f"turned it away {when}: it is too similar to sample {member} (cosine {value}, above {needed})",
        "consistency": f"turned it away {when}: the alignment would become {value}, at least {needed} is needed",
        "outranked": f"met it {when}, but took a nearer neighbour",
        "not reached": "never came to it: no step led there before the budget was spent",
        "no budget": "has no budget",
    }[verdict.reason]
    return f"The closest is component {verdict.component} (cosine {number(verdict.affinity)}), which {what}."
