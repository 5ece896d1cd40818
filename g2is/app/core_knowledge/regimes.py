"""The gradient regimes of a run side by side."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from g2is.analysis.regimes import RegimeComparison, compare_regimes
from g2is.app.shared import number, percent
from g2is.app.walk.parameters import REGIME_MEANINGS
from g2is.config import RegimeName
from g2is.figures.core import regimes_figure
from g2is.run.run import Run

SEED = 0


@st.cache_data(max_entries=8, show_spinner="Comparing the regimes…")
def _compare(_run: Run, run_hash: str) -> RegimeComparison:
    return compare_regimes(_run, seed=SEED)


def show_regimes(run: Run, used: RegimeName) -> None:
    """Pairwise cosines, conflicts, and neighbours in common. used: the regime of the walk."""
    found = _compare(run, run.hash)
    st.subheader("Gradient regimes")
    st.markdown(
        "The same backward pass gives gradients in several versions, called **regimes**: as the Adam optimizer would "
        "step, the same without the momentum that all samples share, and plain. They decide which samples count as "
        "alike. Two samples with a cosine below 0 are in **conflict**: one undoes part of what the other teaches. If "
        "no pair conflicts, the walk's no-conflict rule has nothing to do; where all cosines are high, neighbours blur."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            regimes_figure(found, {name: name for name in run.regimes}),
            key="regimes",
            config={"displayModeBar": False},
            alt="Histogram of pairwise cosines in each regime",
        )
        st.caption(
            f"All {number(found.pairs)} pairs of {number(found.samples)} samples, drawn with seed {SEED}, the same in "
            "every regime."
        )
        with st.expander("The same as a table"):
            counts = pd.DataFrame({"from": found.edges[:-1], "to": found.edges[1:], **found.counts})
            st.dataframe(
                counts[counts[list(found.counts)].any(axis=1)],
                hide_index=True,
                key="regimes table",
                height=300,
                column_config={
                    "from": st.column_config.NumberColumn(format="%.2f"),
                    "to": st.column_config.NumberColumn(format="%.2f"),
                },
                alt="Pairs by their cosine in each regime",
            )
    with right:
        known = run.manifest.stages["graph"].found
        st.markdown("**Over all pairs of the pool**")
        st.table(
            pd.DataFrame(
                {
                    "Regime": [
                        REGIME_MEANINGS[name] + (" · in use" if name == used else "") for name in run.regimes
                    ],
                    "Mean cosine": [number(known[name]["mean_cosine"]) for name in run.regimes],
                    "Conflicts": [percent(known[name]["conflict_share"]) for name in run.regimes],
                }
            ),
            hide_index=True,
            border="horizontal",
            alt="Mean cosine and share of conflicts in each regime",
        )
        if len(found.common):
            st.markdown(
                "**Nearest neighbours in common**",
                help=f"Mean share over the {number(found.samples)} samples drawn: of a sample's nearest in one regime, "
                "how many are among its nearest in the other.",
            )
            st.table(
                pd.DataFrame(
                    {
                        "Regimes": [
                            f"{row.first} and {row.second}" for row in found.common.itertuples(index=False)
                        ],
                        "Nearest": [number(int(count)) for count in found.common["neighbors"]],
                        "In common": [percent(share) for share in found.common["common"]],
                        "By chance": [percent(share) for share in found.common["by_chance"]],
                    }
                ),
                hide_index=True,
                border="horizontal",
                alt="Neighbours that regimes have in common",
            )
        else:
            st.caption("This run keeps one regime, so there is nothing to compare its neighbours with.")
